"""The interface of an event loop, as the engine needs it."""

from __future__ import annotations

import os
import socket
from _thread import get_ident
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    import asyncio

ResultT = TypeVar("ResultT")


class Cancellable(Protocol):
    """A call that is due later, or a task that runs."""

    def cancel(self) -> object:
        """Take the call back, or cancel the task; does nothing when it is over already."""
        ...


class CancelScope(Protocol):
    """Code that can be interrupted: ``async with scope: ...``; it ends quietly when it is."""

    async def __aenter__(self) -> object:
        """Begin, in the task that is interrupted."""
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """End; what :meth:`cancel` has caused goes no further."""
        ...

    def cancel(self) -> object:
        """Interrupt the code at its next wait; does nothing when it has ended already."""
        ...


class Event(Protocol):
    """A wake-up that is set once, from the loop's thread."""

    def set(self) -> object:
        """Wake all that wait."""
        ...

    def is_set(self) -> bool:
        """True once :meth:`set` was called."""
        ...

    async def wait(self) -> object:
        """Wait until :meth:`set` is called."""
        ...


class Sender(Protocol):
    """A sender that sends when a turn of the event loop is over.

    Attributes:
        context: The context variables that the sending sees; nothing else may run in this context.
        send_task: The handle of the sending that waits, or waited last.
    """

    context: Context
    send_task: Cancellable | None

    def begin_sending(self) -> Coroutine[Any, Any, None] | None:
        """A coroutine that sends all that is there by now; None when there is nothing to do.

        The coroutine must handle its exceptions itself.
        """
        ...


class TaskStarter(Protocol):
    """Starts the handlers of one connection, in the order of the calls.

    Attributes:
        context: The context variables that every task gets a copy of.
    """

    context: Context

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task that runs ``function(*args)`` in a copy of the context.

        Args:
            function: Must handle its exceptions itself: on trio, one would end the server.
            *args: Its arguments.
        """
        ...


class Runtime(ABC):
    """One event loop, seen from synchronous code that runs in it.

    Args:
        asyncio_loop: The event loop, if it is one of asyncio.

    Attributes:
        asyncio_loop: The same.
        arrivals: The number of messages that came in so far. What is sent between two of them, and
            in one turn of the loop, was sent by one piece of code.
        thread: The thread of the loop, as :func:`threading.get_ident` tells it; no thread at all
            in a copy of the process.
    """

    def __init__(self, asyncio_loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.arrivals: int = 0
        self.asyncio_loop: asyncio.AbstractEventLoop | None = asyncio_loop
        self.thread: int = get_ident()
        self._pid = os.getpid()
        _runtimes.add(self)

    @abstractmethod
    def is_current(self) -> bool:
        """True when the caller runs in this very loop, and the loop can still start tasks."""

    @property
    def running(self) -> bool:
        """True while the loop runs, in whichever thread of this process."""
        # A process that was forked from within the loop has a copy that looks as if it ran.
        return self._runs() and self._pid == os.getpid()

    @property
    def closed(self) -> bool:
        """True once nothing can begin in the loop any more; its tasks are thrown away then."""
        return self.asyncio_loop is not None and self.asyncio_loop.is_closed()

    @abstractmethod
    def _runs(self) -> bool:
        """True while the loop runs; in a copy of the process, what was true when it was made."""

    @abstractmethod
    def now(self) -> float:
        """The present time of the loop's clock, in seconds; it never goes back."""

    @abstractmethod
    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Call back after ``delay`` seconds."""

    @abstractmethod
    async def next_turn(self) -> None:
        """Let everything else have its turn first; of those who wait here, one goes on in each."""

    @abstractmethod
    def send_after_turn(self, sender: Sender) -> None:
        """Let a sender send when this turn is over; at once where a turn starts no tasks."""

    def send_now(self, sender: Sender) -> None:
        """Let a sender send at once."""
        work = sender.begin_sending()
        if work is not None:
            sender.send_task = self.start(work, sender.context)

    @abstractmethod
    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back in the loop's thread, from any thread; in the order of the calls.

        It does nothing once the loop has ended: no client is connected any more.
        """

    @abstractmethod
    def run_from_thread(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the loop, from another thread, and wait for it."""

    @abstractmethod
    def event(self) -> Event:
        """A new wake-up."""

    @abstractmethod
    def start(self, work: Coroutine[Any, Any, None], context: Context) -> Cancellable | None:
        """Start a task; where the event loop can do that, it runs at once up to its first wait.

        Args:
            work: Must handle its exceptions itself: on trio, one would end the server.
            context: The context variables that it sees; nothing else may run in this context.

        Returns:
            A handle that cancels the task; None when it has ended already.
        """

    @abstractmethod
    def start_background(
        self, work: Coroutine[Any, Any, None], context: Context | None = None
    ) -> Cancellable:
        """Start a task that :meth:`settle` leaves alone, because its owner ends it.

        It does not run at once, as tasks of :meth:`start` may do.

        Args:
            work: Must handle its exceptions itself: on trio, one would end the server.
            context: The context variables that it sees. None are the default: it does not belong to
                the request that happened to need it.

        Returns:
            A handle that cancels the task.
        """

    @abstractmethod
    def cancellable(self, work: Coroutine[Any, Any, ResultT]) -> Awaitable[ResultT]:
        """A coroutine in a task that can be cancelled, to be awaited.

        Nearly always that is the present task. But an ASGI server may run applications in something
        else, such as granian with ``--task-impl rust``; there it is a task of its own.
        """

    @abstractmethod
    async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Await a coroutine, for no longer than that.

        Raises:
            TimeoutError: It took longer, and was cancelled.
        """

    @abstractmethod
    def cancel_scope(self) -> CancelScope:
        """A new cancel scope, to interrupt a task with."""

    @abstractmethod
    def on_readable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be read, until that is cancelled.

        To be cancelled before the socket is closed.
        """

    @abstractmethod
    def on_writable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        """Call back whenever a socket can be written to, until that is cancelled."""

    @abstractmethod
    def task_starter(self, context: Context) -> TaskStarter:
        """A starter of tasks for one connection.

        Args:
            context: The context variables that every task sees; each gets a copy of its own.
        """

    @abstractmethod
    async def settle(self, grace: float) -> None:
        """Wait until the started tasks ended, at most ``grace`` seconds, then cancel the rest."""

    @abstractmethod
    async def end(self) -> None:
        """Cancel all tasks, and wait until they have ended."""


_runtimes: WeakSet[Runtime] = WeakSet()


def _forget_threads() -> None:
    """Called in a process that was forked: its loops are copies, and run in none of its threads."""
    for runtime in _runtimes:
        runtime.thread = 0


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork either
    os.register_at_fork(after_in_child=_forget_threads)
