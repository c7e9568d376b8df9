"""The runtime on asyncio: tasks need no nursery, so nothing has to be set up."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

from .base import Event, ResultT, Runtime, Timer


class AsyncioRuntime(Runtime):
    """The running asyncio (or uvloop) event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        # asyncio itself holds its tasks by weak references only.
        self._tasks: set[asyncio.Task[None]] = set()

    def is_current(self) -> bool:
        """Whether the caller runs in this very loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def now(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call back after ``delay`` seconds."""
        return self._loop.call_later(delay, callback)

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back in the loop's thread, from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback, *args)

    def run_from_thread(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the loop, from another thread, and wait for it."""

        async def call() -> ResultT:
            return await function(*args)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def event(self) -> Event:
        """A new wake-up."""
        return asyncio.Event()

    def lane(self, context: Context) -> AsyncioLane:
        """A starter of tasks for one connection."""
        return AsyncioLane(self, context)

    def start(
        self,
        context: Context,
        function: Callable[..., Coroutine[Any, Any, None]],
        args: tuple[Any, ...],
    ) -> None:
        """Start a task in a copy of ``context``."""
        task = _create_task(self._loop, function(*args), context.copy())
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settle(self, grace: float) -> None:
        """Wait until the started tasks ended, at most ``grace`` seconds, then cancel the rest."""
        tasks = self._tasks - {asyncio.current_task()}
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=grace)


class AsyncioLane:
    """Starts tasks in the context of one connection; asyncio keeps their order by itself."""

    __slots__ = ("_context", "_runtime")

    def __init__(self, runtime: AsyncioRuntime, context: Context) -> None:
        self._runtime = runtime
        self._context = context

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task; see :meth:`.base.Lane.start`."""
        self._runtime.start(self._context, function, args)


if sys.version_info >= (3, 12):

    def _create_task(
        loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context
    ) -> asyncio.Task[None]:
        # Runs at once up to the first real wait: a handler that does not wait costs no turn of
        # the loop.
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)

else:

    def _create_task(
        loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context
    ) -> asyncio.Task[None]:
        return loop.create_task(coroutine, context=context)
