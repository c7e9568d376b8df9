"""The runtime on trio: tasks live in a nursery, which the application's lifespan has to open."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar
from types import TracebackType
from typing import Any

import trio

from .base import Cancellable, Event, ResultT, Runtime, Sender

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")


class TrioRuntime(Runtime):
    """A trio run, with the nursery that owns timers and handlers.

    Args:
        nursery: The nursery in which tasks are started.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self._nursery = nursery
        self._token = trio.lowlevel.current_trio_token()
        # The started tasks; None before they run for the first time.
        self._tasks: dict[trio.CancelScope, trio.lowlevel.Task | None] = {}
        self._task_ended = trio.Event()
        self._closed = False

    def is_current(self) -> bool:
        """True when the caller runs in this trio run, and the nursery is open."""
        try:
            current = trio.lowlevel.current_trio_token()
        except RuntimeError:
            return False
        return current is self._token and not self._nursery.cancel_scope.cancel_called

    def _runs(self) -> bool:
        return not self._closed

    def close(self) -> None:
        """Cancel all tasks; the nursery ends."""
        self._closed = True
        self._nursery.cancel_scope.cancel()

    def now(self) -> float:
        """The present time of trio's clock, in seconds."""
        return trio.current_time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Call back after ``delay`` seconds."""
        scope = trio.CancelScope()
        self._nursery.start_soon(_sleep_then_call, scope, delay, callback)
        return scope

    async def next_turn(self) -> None:
        """Let the other tasks run first, in which trio takes turns by itself."""
        await trio.lowlevel.checkpoint()

    def send_after_turn(self, sender: Sender) -> None:
        """Let a sender send; trio starts no tasks within a turn, and so not before its end."""
        self.send_now(sender)

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back in trio's thread, from any thread."""
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(callback, *args)

    def run_from_thread(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in trio, from another thread, and wait for it."""

        async def call() -> ResultT:  # trio takes coroutine functions only
            return await function(*args)

        return trio.from_thread.run(call, trio_token=self._token)

    def event(self) -> Event:
        """A new wake-up."""
        return trio.Event()

    def cancel_scope(self) -> TrioCancelScope:
        """A new cancel scope, to interrupt a task with."""
        return TrioCancelScope()

    def on_readable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be read."""
        return self._watch(trio.lowlevel.wait_readable, sock, callback)

    def on_writable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be written to."""
        return self._watch(trio.lowlevel.wait_writable, sock, callback)

    def _watch(
        self,
        wait: Callable[[socket.socket], Awaitable[None]],
        sock: socket.socket,
        callback: Callable[[], object],
    ) -> Cancellable:
        watch = _Watch(sock)
        self._nursery.start_soon(watch.run, wait, callback)
        return watch

    def task_starter(self, context: Context) -> TrioTaskStarter:
        """A starter of tasks for one connection."""
        return TrioTaskStarter(self, context)

    def start(self, work: Coroutine[Any, Any, None], context: Context) -> Cancellable:
        """Start a task, which runs a little later."""
        scope = trio.CancelScope()
        self._tasks[scope] = None
        context.run(self._nursery.start_soon, self._run, scope, work)
        return scope

    def start_background(
        self, work: Coroutine[Any, Any, None], context: Context | None = None
    ) -> Cancellable:
        """Start a task that :meth:`settle` leaves alone; it ends with the nursery at the latest."""
        scope = trio.CancelScope()
        (Context() if context is None else context).run(
            self._nursery.start_soon, _run_in_scope, scope, work
        )
        return scope

    def cancellable(self, work: Coroutine[Any, Any, ResultT]) -> Awaitable[ResultT]:
        """The coroutine as it is: on trio, every task can be cancelled."""
        return work

    async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Await a coroutine, for no longer than that."""
        with trio.move_on_after(seconds):
            return await work
        raise TimeoutError

    async def settle(self, grace: float) -> None:
        """Wait until the started tasks ended, at most ``grace`` seconds, then cancel the rest."""
        await self._wait_for_others(grace)
        for scope in self._others():
            scope.cancel()
        await self._wait_for_others(grace)

    async def end(self) -> None:
        """Cancel all tasks; those of :meth:`start_background` end with the nursery."""
        self.close()

    def _others(self) -> list[trio.CancelScope]:
        current = trio.lowlevel.current_task()
        return [scope for scope, task in self._tasks.items() if task is not current]

    async def _wait_for_others(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            while self._others():
                if self._task_ended.is_set():
                    self._task_ended = trio.Event()
                await self._task_ended.wait()

    async def _run(self, scope: trio.CancelScope, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[scope] = trio.lowlevel.current_task()
        try:
            with scope:
                await work
        except Exception:  # as asyncio does: one connection must not end the server
            logger.exception("unexpected error in a task of a connection")
        finally:
            del self._tasks[scope]
            self._task_ended.set()


class TrioCancelScope:
    """A cancel scope; see :class:`.base.CancelScope`."""

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope = trio.CancelScope()

    async def __aenter__(self) -> None:
        """Begin, in the task that is interrupted."""
        self._scope.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """End; what :meth:`cancel` has caused goes no further."""
        return self._scope.__exit__(exc_type, exc_value, traceback)

    def cancel(self) -> None:
        """Interrupt the code at its next wait."""
        self._scope.cancel()


class TrioTaskStarter:
    """Starts tasks in copies of one context, and keeps their order.

    Trio runs new tasks in a random order. So a task does not run what it was started for, but
    the first entry of the queue.
    """

    __slots__ = ("_queue", "_runtime", "context")

    def __init__(self, runtime: TrioRuntime, context: Context) -> None:
        self._runtime = runtime
        self.context: Context = context
        self._queue: deque[tuple[Callable[..., Coroutine[Any, Any, None]], tuple[Any, ...]]] = (
            deque()
        )

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task; see :meth:`.base.TaskStarter.start`."""
        self._queue.append((function, args))
        self._runtime.start(self._run_first(), self.context.copy())

    async def _run_first(self) -> None:
        function, args = self._queue.popleft()
        await function(*args)


class _Watch:
    """A task that watches a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._cancelled = False

    async def run(
        self, wait: Callable[[socket.socket], Awaitable[None]], callback: Callable[[], object]
    ) -> None:
        """Call back until that is cancelled."""
        with contextlib.suppress(trio.ClosedResourceError):
            while not self._cancelled:
                await wait(self._sock)
                if not self._cancelled:
                    self._call(callback)

    def _call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception:  # as asyncio does: one callback must not end the server
            logger.exception("unexpected error in a callback of a socket")

    def cancel(self) -> None:
        """Watch it no more; it may be closed at once."""
        if not self._cancelled:
            self._cancelled = True
            with contextlib.suppress(RuntimeError):  # trio has ended
                trio.lowlevel.notify_closing(self._sock)


trio_runtime_factory: ContextVar[Callable[[trio.Nursery], TrioRuntime]] = ContextVar(
    "trio_runtime_factory", default=TrioRuntime
)
"""Makes the runtimes of trio; in tests it may be one whose time the test moves."""


@asynccontextmanager
async def open_trio_runtime() -> AsyncGenerator[TrioRuntime]:
    """Open a nursery for the time of the context; at its end, what still runs is cancelled.

    An error of the code within comes out as it is. Those of the tasks are handled by themselves, so
    an exception group of the nursery would never have a second one.
    """
    error: Exception | None = None
    async with trio.open_nursery() as nursery:
        runtime = trio_runtime_factory.get()(nursery)
        try:
            yield runtime
        except Exception as raised:  # noqa: BLE001  # raised below
            error = raised
        finally:
            runtime.close()
    if error is not None:
        raise error


async def _run_in_scope(scope: trio.CancelScope, work: Coroutine[Any, Any, None]) -> None:
    try:
        with scope:
            await work
    except Exception:  # as asyncio does: one task must not end the server
        logger.exception("unexpected error in a task of the server")


async def _sleep_then_call(
    scope: trio.CancelScope, delay: float, callback: Callable[[], object]
) -> None:
    with scope:
        await trio.sleep(delay)
    # Outside the scope: the callback may well start something that outlives this timer.
    if not scope.cancel_called:
        callback()
