"""The inside of an engine: its life, from the first request to the end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.types import Scope

from ..protocol.reasons import SERVER_SHUTTING_DOWN
from ..runtime import Runtime, RuntimeFactory
from ..runtime.current import running_on_asyncio
from .direct import DirectRouter
from .directory import SessionDirectory
from .exit_signals import ExitSignals
from .listeners import ENGINE_EVENTS, registration
from .local_sessions import EngineSessions
from .loop_state import LoopState
from .observer import EngineObserver
from .observers import Observers
from .opening import OnSession, SessionOpener
from .options import EngineOptions
from .public_session import ListenerT
from .response_headers import HEADER_EVENTS, ResponseCompleter
from .routing import RequestRouter
from .uvicorn_exit import UvicornExit

GRACE_SECONDS = 1.0
"""The time for transports and handlers to finish when the server closes."""


OnBind = Callable[[Runtime], object]

ELSEWHERE = (
    "the server is in use in another event loop, which still runs, and its clients, rooms and"
    " adapters can live in one only: give each event loop a server of its own. From other threads,"
    " io.emit() and io.from_thread reach it. In tests, all requests of one"
    " 'with TestClient(app) as client:' share an event loop; without 'with', each has its own"
)


class EngineCore:
    """The inside of an engine; see :class:`.engine.Engine` for the arguments.

    Attributes:
        options: The engine's options.
        requests: The way of requests to their sessions.
        direct: The same without ASGI, for those that are plain.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_session: OnSession,
        observer: EngineObserver | None,
        *,
        directory: SessionDirectory | None,
        runtime_factory: RuntimeFactory,
        on_bind: OnBind | None,
    ) -> None:
        self.options: EngineOptions = options
        self._runtime_factory = runtime_factory
        self._on_bind = on_bind
        self._directory = directory
        self._loop_state: LoopState | None = None
        self._binding = threading.Lock()
        self._exit_signals = ExitSignals(self._on_exit_signal)
        self._uvicorn_exit = UvicornExit(self.shut_down)
        self._observers = Observers()
        if observer is not None:
            self._observers.add(observer)
        self._headers = ResponseCompleter(options)
        self._opener = SessionOpener(
            options, self._observers, on_session, self._watch_uvicorn, directory
        )
        self.requests: RequestRouter = RequestRouter(
            options,
            bound=self.bound,
            opener=self._opener,
            headers=self._headers,
            observers=self._observers,
            directory=directory,
        )
        self.direct: DirectRouter = DirectRouter(
            options,
            self.requests,
            bound=self.bound,
            opener=self._opener,
            headers=self._headers,
        )

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener; see :meth:`.engine.Engine.on`."""
        names = (*ENGINE_EVENTS, *HEADER_EVENTS)
        return registration(name, names, lambda listener: self._listen(name, listener))

    def _listen(self, name: str, listener: Callable[..., Any]) -> None:
        if name in HEADER_EVENTS:
            self._headers.add_hook(name, listener)
        else:
            self._observers.add(ENGINE_EVENTS[name](listener))

    def observe(self, observer: EngineObserver) -> None:
        """Let an observer see the sessions that open from now on."""
        self._observers.add(observer)

    @property
    def clients_count(self) -> int:
        """The number of connected clients."""
        return len(self._loop_state.sessions) if self._loop_state else 0

    @property
    def runtime(self) -> Runtime | None:
        """The event loop, once there was a first request (or the lifespan began)."""
        return self._loop_state.runtime if self._loop_state else None

    # -- beginning ---------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Own the engine's timers and tasks; needed on trio, harmless on asyncio.

        Raises:
            RuntimeError: The engine is in use in another event loop.
        """
        self._check_free()  # not in the nursery, which would make an exception group of it
        async with contextlib.AsyncExitStack() as stack:
            if running_on_asyncio():
                self._bind(self._runtime_factory())
            else:
                from ..runtime.trio_runtime import open_trio_runtime

                self._bind(await stack.enter_async_context(open_trio_runtime()))
            try:
                yield
            finally:
                await self.close()

    def bound(self) -> LoopState:
        """The sessions and the clock of the current event loop.

        Raises:
            RuntimeError: The engine is in use in another event loop; or on trio, outside the
                lifespan.
        """
        loop_state = self._loop_state
        if loop_state is None or not loop_state.runtime.is_current():
            loop_state = self._bind(self._runtime_factory())
        return loop_state

    def _bind(self, runtime: Runtime) -> LoopState:
        """Begin in an event loop; what lived in an earlier one ends."""
        with self._binding:  # two event loops, in two threads, may begin at the same time
            self._check_free()
            earlier = self._loop_state
            if earlier is not None and earlier.runtime.is_current() and not earlier.shutting_down:
                return earlier  # the lifespan begins after the first request
            loop_state = self._loop_state = LoopState(
                runtime, self.options, self.shut_down, self._directory
            )
        self._exit_signals.install()
        if self._directory is not None:
            self._directory.begin(EngineSessions(loop_state, self._opener))
        if self._on_bind is not None:
            self._on_bind(runtime)
        if earlier is not None and earlier.sessions:
            loop_state.take_from(earlier)
        return loop_state

    def _check_free(self) -> None:
        """Check that no other event loop has the engine.

        Raises:
            RuntimeError: One has, and still runs.
        """
        loop_state = self._loop_state
        if loop_state is None or loop_state.shutting_down or loop_state.runtime.is_current():
            return
        if loop_state.runtime.running:
            raise RuntimeError(ELSEWHERE)

    def _watch_uvicorn(self, loop_state: LoopState, scope: Scope) -> None:
        if self._uvicorn_exit.watch(loop_state.runtime, scope):
            loop_state.shutting_down = False  # another server has begun in the same event loop

    # -- end ---------------------------------------------------------------------------------

    def _on_exit_signal(self) -> None:
        if self._loop_state is not None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed already
                self._loop_state.runtime.call_from_thread(self.shut_down)

    def shut_down(self) -> None:
        """Tell all clients that the server ends, and take no new ones.

        They are told by closing their transport, after which they connect again, to whatever
        process serves then.
        """
        loop_state = self._loop_state
        if loop_state is None or loop_state.shutting_down:
            return
        loop_state.shutting_down = True
        if self._directory is not None:
            self._directory.closing()
        for session in list(loop_state.sessions.values()):
            session.end(SERVER_SHUTTING_DOWN, flush=True)
        if loop_state.linger_deadlines:
            loop_state.runtime.call_later(GRACE_SECONDS, partial(_abort_lingering, loop_state))

    async def close(self) -> None:
        """End all sessions, and wait a moment for the handlers that still run.

        Raises:
            RuntimeError: The engine is in use in another event loop.
        """
        if self._loop_state is None:
            return
        loop_state = self.bound() if self._loop_state.sessions else self._loop_state
        self.shut_down()
        self._exit_signals.restore()
        self._uvicorn_exit.leave()
        runtime = loop_state.runtime
        if runtime.is_current():
            await runtime.settle(GRACE_SECONDS)
            with contextlib.suppress(TimeoutError):
                await runtime.within(GRACE_SECONDS, _all_told(loop_state))
        _abort_lingering(loop_state)


def _abort_lingering(loop_state: LoopState) -> None:
    for transport in loop_state.linger_deadlines.items():
        transport.abort()


async def _all_told(loop_state: LoopState) -> None:
    # First the clients that are about to move on: what waits for them goes by their new transport.
    for upgrade in loop_state.upgrade_deadlines.items():
        if upgrade.answered:
            await upgrade.over()
    for transport in loop_state.linger_deadlines.items():
        # Not for a client that is between two polls: it finds its session gone anyway.
        if transport.connected:
            await transport.outbox.drained(loop_state.runtime)
