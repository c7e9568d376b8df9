"""The calls of an ASGI application in the process of a test, and the errors that it raises."""

from __future__ import annotations

import contextlib
from contextvars import Context
from typing import Any, Protocol

from starlette.types import Message, Scope

from ..asgi.entry_point import AnyApplication
from ..exceptions import EventError
from ..runtime import Cancellable, Runtime
from ..runtime.log_limit import fault_listener, stray_fault_listeners
from .signal import Signal
from .virtual_time import VirtualRuntimes

CALL_SECONDS = 5.0
"""Seconds for calls to end when their client has left, before they are cancelled."""


class Exchange(Protocol):
    """The channels of one call of the application."""

    async def receive_event(self) -> Message:
        """Receive an event; for the application."""
        ...

    async def send_event(self, message: Message) -> None:
        """Send an event; for the application."""
        ...

    def on_return(self, error: Exception | None) -> None:
        """Called when the application has returned, or raised."""
        ...


class Faults:
    """The errors of an application that a test has still to be told of.

    Args:
        runtime: The event loop.
        changed: Wakes those who wait for something to happen.
    """

    def __init__(self, runtime: Runtime, changed: Signal) -> None:
        self._changed = changed
        self._runtime = runtime
        self._errors: list[BaseException] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, error: BaseException) -> None:
        """Keep an error, from any thread; those that clients are told of are none."""
        if isinstance(error, EventError) or any(error is known for known in self._errors):
            return
        self._errors.append(error)
        self._runtime.call_from_thread(self._changed.notify)

    def take_stray(self, error: BaseException) -> bool:
        """Keep an error that may be of this application: it happened in its event loop."""
        if not self._runtime.is_current():
            return False
        self.add(error)
        return True

    def raise_first(self) -> None:
        """Raise the errors that came since the last call, if any; several as a group."""
        errors, self._errors = self._errors, []
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BaseExceptionGroup("errors of the application", errors)


class Application:
    """An application and the calls that run.

    Args:
        app: The application.
        runtime: The event loop.
        context: The context variables that it sees.
        runtimes: Makes its runtimes, with the time of the test; None for the time of the world.

    Attributes:
        runtime: The same.
        faults: Its errors.
        changed: Given when something has happened that tests wait for.
        state: The state of its lifespan.
    """

    def __init__(
        self,
        app: AnyApplication,
        runtime: Runtime,
        context: Context,
        runtimes: VirtualRuntimes | None = None,
    ) -> None:
        self.runtime: Runtime = runtime
        self.changed: Signal = Signal(runtime)
        self.faults: Faults = Faults(runtime, self.changed)
        self.state: dict[str, Any] = {}
        self._app = app
        self._context = context
        self._runtimes = runtimes
        self._context.run(fault_listener.set, self.faults.add)
        stray_fault_listeners.append(self.faults.take_stray)
        self._calls: dict[Exchange, Cancellable] = {}
        self._ended = Signal(runtime)

    def call(self, scope: Scope, exchange: Exchange) -> None:
        """Call it in a task."""
        work = self._run(scope, exchange)
        self._calls[exchange] = self.runtime.start_background(work, self._context.copy())

    async def _run(self, scope: Scope, exchange: Exchange) -> None:
        failure: Exception | None = None
        try:
            await self._app(scope, exchange.receive_event, exchange.send_event)
        except Exception as error:  # noqa: BLE001  # the test is told
            failure = error
            if scope["type"] != "lifespan":  # which the test waits for by itself
                self.faults.add(error)
        finally:
            self._calls.pop(exchange, None)
            exchange.on_return(failure)
            self._ended.notify()

    def check_clock(self) -> None:
        """Check that the server has the time of the test, once a client is connected.

        Raises:
            RuntimeError: It has not.
        """
        if self._runtimes is not None and not self._runtimes.made:
            raise RuntimeError(
                "the server does not have the clock of this test: it was in use in this event loop"
                " before, and has not ended. Let its lifespan run (lifespan=io.lifespan), or give"
                " each test an event loop of its own"
            )

    async def end_calls(self) -> None:
        """Wait until all calls have ended, for some seconds, and then cancel them."""
        with contextlib.suppress(TimeoutError):
            await self.runtime.within(CALL_SECONDS, self._all_ended())
        for call in list(self._calls.values()):
            call.cancel()
        with contextlib.suppress(TimeoutError):
            await self.runtime.within(CALL_SECONDS, self._all_ended())
        stray_fault_listeners.remove(self.faults.take_stray)
        if self._runtimes is not None:
            self._runtimes.retired = True

    async def _all_ended(self) -> None:
        while self._calls:
            await self._ended.wait()
