"""The runtime on asyncio: tasks need no nursery, so nothing has to be set up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any

from .base import Cancellable, Event, ResultT, Runtime, Sender
from .resuming import resume

if sys.version_info < (3, 12):
    from .eager import EagerStarter
else:
    _Task = asyncio.Task  # a global name, on the way of every event


Starter = Callable[[Coroutine[Any, Any, None], Context], "asyncio.Task[None] | None"]
"""Runs a coroutine up to its first wait; returns the task that goes on with it, if it waits."""


class AsyncioRuntime(Runtime):
    """The running asyncio (or uvloop) event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(self._loop)
        # asyncio itself holds its tasks by weak references only.
        self._tasks: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._senders: list[Sender] = []
        self._waiting: deque[asyncio.Future[None]] | None = None  # until it is needed: it is large
        if sys.version_info < (3, 12):
            self.begin: Starter = EagerStarter(self._loop).start

    def is_current(self) -> bool:
        """True when the caller runs in this very loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _runs(self) -> bool:
        return self._loop.is_running()

    def now(self) -> float:
        """The present time of the loop's clock, in seconds."""
        return self._loop.time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Call back after ``delay`` seconds."""
        return self._loop.call_later(delay, callback)

    async def next_turn(self) -> None:
        """Let everything else have its turn first; see :meth:`.base.Runtime.next_turn`."""
        waiter = self._loop.create_future()
        if self._waiting is None:
            self._waiting = deque()
        if not self._waiting:
            self._loop.call_soon(self._let_one_go_on, self._waiting)
        self._waiting.append(waiter)
        await waiter

    def _let_one_go_on(self, waiting: deque[asyncio.Future[None]]) -> None:
        while waiting:
            waiter = waiting.popleft()
            if not waiter.done():  # it may have been cancelled
                waiter.set_result(None)
                break
        if waiting:
            self._loop.call_soon(self._let_one_go_on, waiting)

    def send_after_turn(self, sender: Sender) -> None:
        """Let a sender send when this turn is over."""
        if not self._senders:
            self._loop.call_soon(self._on_turn_end)
        self._senders.append(sender)

    def _on_turn_end(self) -> None:
        senders, self._senders = self._senders, []
        self.start(self._let_send(iter(senders)), copy_context())

    async def _let_send(self, senders: Iterator[Sender]) -> None:
        # Most sending does not wait: it hands bytes to the loop, and has ended. So one task does it
        # for all. A sender that does wait keeps the task, and another task does the rest.
        for sender in senders:
            work, context = sender.begin_sending(), sender.context
            if work is None:
                continue
            try:
                awaited = context.run(work.send, None)
            except (StopIteration, asyncio.CancelledError):
                continue
            self.keep(self._loop.create_task(self._let_send(senders)))
            sender.send_task = asyncio.current_task()
            return await resume(work, awaited, context)

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
        return AsyncioEvent(self._loop)

    def cancel_scope(self) -> AsyncioCancelScope:
        """A new cancel scope, to interrupt a task with."""
        return AsyncioCancelScope()

    def on_readable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be read."""
        descriptor = sock.fileno()
        self._loop.add_reader(descriptor, callback)
        return _Watch(self._loop.remove_reader, descriptor)

    def on_writable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be written to."""
        descriptor = sock.fileno()
        self._loop.add_writer(descriptor, callback)
        return _Watch(self._loop.remove_writer, descriptor)

    def task_starter(self, context: Context) -> AsyncioTaskStarter:
        """A starter of tasks for one connection."""
        return AsyncioTaskStarter(self, context)

    def start(self, work: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None] | None:
        """Start a task, which runs at once up to its first wait."""
        task = self.begin(work, context)
        return None if task is None else self.keep(task)

    def start_background(
        self, work: Coroutine[Any, Any, None], context: Context | None = None
    ) -> asyncio.Task[None]:
        """Start a task that :meth:`settle` leaves alone."""
        task = self._loop.create_task(work, context=Context() if context is None else context)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def cancellable(self, work: Coroutine[Any, Any, ResultT]) -> Awaitable[ResultT]:
        """A coroutine in a task that can be cancelled; see :meth:`.base.Runtime.cancellable`."""
        if type(asyncio.current_task(self._loop)) is asyncio.Task:
            return work
        return self._loop.create_task(work)

    async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Await a coroutine; once it has to wait, for no longer than that."""
        # Trio has no such short cut: its scopes nest, and the coroutine may be in one by now.
        try:
            awaited = work.send(None)
        except StopIteration as end:  # nearly always, and then a timer would have been in vain
            result: ResultT = end.value
            return result
        scope = AsyncioCancelScope()
        timer = self.call_later(seconds, scope.cancel)
        try:
            async with scope:
                return await resume(work, awaited)
        finally:
            timer.cancel()
        raise TimeoutError

    def keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Hold a task until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    if sys.version_info >= (3, 12):

        def begin(
            self, work: Coroutine[Any, Any, None], context: Context
        ) -> asyncio.Task[None] | None:
            """Run a coroutine up to its first wait; the task that goes on with it, if it waits."""
            task = _Task(work, loop=self._loop, context=context, eager_start=True)
            return None if task.done() else task

    async def settle(self, grace: float) -> None:
        """Wait until the started tasks ended, at most ``grace`` seconds, then cancel the rest."""
        tasks = self._tasks - {asyncio.current_task()}
        with contextlib.suppress(TimeoutError):
            return await self.within(grace, _all_ended(tasks))
        late = {task for task in tasks if not task.done()}
        for task in late:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await self.within(grace, _all_ended(late))

    async def end(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        tasks = (self._tasks | self._background) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await _all_ended(tasks)


class _Watch:
    """A socket that the event loop watches."""

    __slots__ = ("_descriptor", "_remove")

    def __init__(self, remove: Callable[[int], bool], descriptor: int) -> None:
        self._remove: Callable[[int], bool] | None = remove
        self._descriptor = descriptor

    def cancel(self) -> None:
        """Watch it no more."""
        # Once: the number may be another socket's afterwards.
        remove, self._remove = self._remove, None
        if remove is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                remove(self._descriptor)


async def _all_ended(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


class AsyncioEvent:
    """A wake-up for few waiters, smaller and faster than :class:`asyncio.Event`.

    Args:
        loop: The event loop.
    """

    __slots__ = ("_is_set", "_loop", "_waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_set = False
        self._waiters: list[asyncio.Future[None]] = []

    def set(self) -> None:
        """Wake all that wait; none is there any more when the loop is closed."""
        self._is_set = True
        if self._loop.is_closed():
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def is_set(self) -> bool:
        """True once :meth:`set` was called."""
        return self._is_set

    async def wait(self) -> None:
        """Wait until :meth:`set` is called."""
        if not self._is_set:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)


class AsyncioCancelScope:
    """Cancels a task and takes that back again; see :class:`.base.CancelScope`.

    Source: https://docs.python.org/3/library/asyncio-task.html#asyncio.Task.uncancel
    """

    __slots__ = ("_cancelled", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False

    async def __aenter__(self) -> None:
        """Begin, in the task that is interrupted."""
        self._task = asyncio.current_task()
        if self._cancelled and self._task is not None:
            self._task.cancel()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """End; what :meth:`cancel` has caused goes no further."""
        task, self._task = self._task, None
        if task is None or not self._cancelled:
            return None
        if exc_type is None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # the interruption is still to come
        elif not issubclass(exc_type, asyncio.CancelledError):
            return None
        return task.uncancel() == 0

    def cancel(self) -> None:
        """Interrupt the code at its next wait."""
        if not self._cancelled:
            self._cancelled = True
            if self._task is not None:
                self._task.cancel()


class AsyncioTaskStarter:
    """Starts tasks in copies of one context; asyncio keeps their order by itself."""

    __slots__ = ("_runtime", "context")

    def __init__(self, runtime: AsyncioRuntime, context: Context) -> None:
        self._runtime = runtime
        self.context: Context = context

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task; see :meth:`.base.TaskStarter.start`."""
        task = self._runtime.begin(function(*args), self.context.copy())
        if task is not None:
            self._runtime.keep(task)
