"""What the engine needs of an event loop."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol, TypeVar

ResultT = TypeVar("ResultT")


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Take the call back; does nothing when it was made already."""
        ...


class Event(Protocol):
    """A wake-up that is set once, from the loop's thread."""

    def set(self) -> object:
        """Wake everybody who waits."""
        ...

    def is_set(self) -> bool:
        """Whether :meth:`set` was called."""
        ...

    async def wait(self) -> object:
        """Wait until :meth:`set` is called."""
        ...


class Lane(Protocol):
    """Starts the handlers of one connection: in its context, in the order of the calls."""

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start a task that runs ``function(*args)`` in a copy of the connection's context.

        Args:
            function: Must handle its exceptions itself: on trio, one would end the server.
            *args: Its arguments.
        """
        ...


class Runtime(ABC):
    """One event loop, seen from synchronous code that runs in its thread."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def in_thread(self) -> bool:
        """Whether the caller runs in the loop's thread."""
        return threading.get_ident() == self._thread

    @abstractmethod
    def is_current(self) -> bool:
        """Whether the caller runs in this very loop, and the loop can still start tasks."""

    @abstractmethod
    def now(self) -> float:
        """The loop's clock, in seconds."""

    @abstractmethod
    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call back after ``delay`` seconds."""

    @abstractmethod
    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back in the loop's thread, from any thread; in the order of the calls.

        It does nothing once the loop has ended: nobody is connected any more.
        """

    @abstractmethod
    def run_from_thread(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the loop, from another thread, and wait for it."""

    @abstractmethod
    def event(self) -> Event:
        """A new wake-up."""

    @abstractmethod
    def lane(self, context: Context) -> Lane:
        """A starter of tasks for one connection.

        Args:
            context: The context variables that every task sees; each gets a copy of its own.
        """

    @abstractmethod
    async def settle(self, grace: float) -> None:
        """Wait until the started tasks ended, at most ``grace`` seconds, then cancel the rest."""
