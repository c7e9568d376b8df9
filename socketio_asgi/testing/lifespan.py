"""The lifespan of an ASGI application.

Source: https://asgi.readthedocs.io/en/stable/specs/lifespan.html
"""

from __future__ import annotations

import logging

from starlette.types import Message

from ..runtime import Runtime
from .application import Application
from .scopes import SPEC_VERSION
from .signal import Signal

logger: logging.Logger = logging.getLogger("socketio_asgi.testing")


class LifespanFailed(RuntimeError):
    """The application said that it cannot start, or that its shutdown went wrong."""


class Lifespan:
    """The channels of an application that is called with its lifespan.

    Args:
        runtime: The event loop.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._changed = Signal(runtime)
        self._stopping = False
        self._asked = False
        self._answers: set[str] = set()
        self._failure: Exception | None = None
        self._returned = False

    async def start(self, application: Application) -> None:
        """Call the application, and wait until it has started.

        Raises:
            Exception: It failed, with what it raised, or a :class:`LifespanFailed`.
        """
        asgi = {"version": "3.0", "spec_version": SPEC_VERSION}
        application.call({"type": "lifespan", "asgi": asgi, "state": application.state}, self)
        await self._wait_for("startup")

    async def stop(self) -> None:
        """Wait until the application has shut down.

        Raises:
            Exception: It failed, as above.
        """
        self._stopping = True
        self._changed.notify()
        await self._wait_for("shutdown")
        while not self._returned:
            await self._changed.wait()
        self._raise_failure()

    async def _wait_for(self, step: str) -> None:
        while f"lifespan.{step}.complete" not in self._answers and not self._returned:
            await self._changed.wait()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def receive_event(self) -> Message:
        """Receive the next step; for the application."""
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        while not self._stopping:
            await self._changed.wait()
        return {"type": "lifespan.shutdown"}

    async def send_event(self, message: Message) -> None:
        """Send the outcome of a step; for the application."""
        kind: str = message["type"]
        self._answers.add(kind)
        if kind.endswith(".failed"):
            # Frameworks raise the error itself afterwards.
            text = str(message.get("message", "")).strip().rpartition("\n")[2]
            self._failure = LifespanFailed(f"{kind}: {text}" if text else kind)
        self._changed.notify()

    def on_return(self, error: Exception | None) -> None:
        """Called when the application has returned, or raised."""
        self._returned = True
        if error is not None:
            if self._answers:
                self._failure = error
            else:
                logger.debug("the application has no lifespan", exc_info=error)
        self._changed.notify()
