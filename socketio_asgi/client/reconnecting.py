"""The attempts of a client to come back, after it has lost its connection.

Source: https://socket.io/docs/v4/client-options/#reconnection
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from ..exceptions import ConnectError
from ..runtime import Cancellable, Runtime
from .backoff import Backoff
from .options import Reconnection


class Returning(Protocol):
    """The manager, as its attempts to come back see it."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    def try_again(self) -> Awaitable[bool]:
        """Try to connect; tells whether that was successful."""
        ...

    def tell(self, event: str, *args: Any) -> None:
        """Tell the application."""
        ...

    def give_up(self, error: ConnectError) -> None:
        """Called when no other attempt is made."""
        ...


class Reconnecting:
    """Tries again and again.

    Args:
        owner: The manager.
        options: How long it waits, and how often it tries.

    Attributes:
        active: Whether it tries at present.
    """

    def __init__(self, owner: Returning, options: Reconnection) -> None:
        self.active: bool = False
        self._owner = owner
        self._options = options
        self._task: Cancellable | None = None
        self._backoff = Backoff(options.delay, options.delay_max, options.randomization)

    def begin(self) -> None:
        """Try, until there is a connection; the first attempt comes after the first delay."""
        if not self.active:
            self.active = True
            self._backoff.reset()
            self._task = self._owner.runtime.start_background(self._run())

    def end(self) -> None:
        """Try no more; what runs, runs on to its end."""
        self.active = False
        self._task = None

    def stop(self) -> None:
        """Try no more, and give up an attempt that is under way."""
        task = self._task
        self.end()
        if task is not None:
            task.cancel()

    async def _run(self) -> None:
        owner, limit = self._owner, self._options.attempts
        while self.active:
            if limit is not None and self._backoff.attempts >= limit:
                self.end()
                owner.tell("reconnect_failed")
                return owner.give_up(
                    ConnectError(f"the server could not be reached in {limit} attempts")
                )
            await self._sleep(self._backoff.next())
            attempt = self._backoff.attempts
            owner.tell("reconnect_attempt", attempt)
            if await owner.try_again():
                return owner.tell("reconnect", attempt)

    async def _sleep(self, seconds: float) -> None:
        runtime = self._owner.runtime
        event = runtime.event()
        timer = runtime.call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            timer.cancel()
