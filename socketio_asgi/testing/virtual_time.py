"""A time that a test moves, and the runtimes that have it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from ..runtime import Cancellable
from ..runtime.asyncio_runtime import AsyncioRuntime
from ..runtime.base import ResultT
from ..runtime.current import asyncio_runtime_factory, running_on_asyncio

if TYPE_CHECKING:
    import trio

    from ..runtime.trio_runtime import TrioRuntime

ValueT = TypeVar("ValueT")

BEGIN = 1_000.0
"""The time at the beginning, in seconds; any but zero, which could hide a time that was not set."""


class VirtualTime:
    """A time, and the calls that are due later.

    Attributes:
        now: The time, in seconds.
    """

    def __init__(self) -> None:
        self.now: float = BEGIN
        self._calls: list[_Call] = []
        self._serial = count()

    @property
    def waiting(self) -> int:
        """The number of calls that are due later."""
        return sum(not call.cancelled for call in self._calls)

    @property
    def next_due(self) -> float | None:
        """The time at which the next call is due; None when there is none."""
        while self._calls and self._calls[0].cancelled:
            heapq.heappop(self._calls)
        return self._calls[0].due if self._calls else None

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Make a call once the time has moved so far."""
        call = _Call(self.now + delay, next(self._serial), callback)
        heapq.heappush(self._calls, call)
        return call

    def move_to(self, time: float) -> None:
        """Move the time on, and make the calls that become due, each at its own time."""
        while (due := self.next_due) is not None and due <= time:
            self.now = max(self.now, due)
            heapq.heappop(self._calls).callback()
        self.now = max(self.now, time)

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Give this time to the runtimes that are opened within the context."""
        with ExitStack() as stack:
            if running_on_asyncio():
                stack.enter_context(_set(asyncio_runtime_factory, self.asyncio_runtime))
            else:
                from ..runtime.trio_runtime import trio_runtime_factory

                stack.enter_context(_set(trio_runtime_factory, _on_trio(self)))
            yield

    def asyncio_runtime(self) -> AsyncioRuntime:
        """A runtime of the running asyncio event loop that has this time."""
        return _AsyncioRuntime(self)


@contextmanager
def _set(variable: ContextVar[ValueT], value: ValueT) -> Generator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


class _Call:
    __slots__ = ("_serial", "callback", "cancelled", "due")

    def __init__(self, due: float, serial: int, callback: Callable[[], object]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False
        self._serial = serial

    def __lt__(self, other: _Call) -> bool:
        return (self.due, self._serial) < (other.due, other._serial)

    def cancel(self) -> None:
        """Take the call back."""
        self.cancelled = True


class _AsyncioRuntime(AsyncioRuntime):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time

    def now(self) -> float:
        return self._time.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        return self._time.call_later(delay, callback)


def _on_trio(time: VirtualTime) -> Callable[[trio.Nursery], TrioRuntime]:
    import trio

    from ..runtime.trio_runtime import TrioRuntime

    class VirtualTrioRuntime(TrioRuntime):
        def now(self) -> float:
            return time.now

        def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
            return time.call_later(delay, callback)

        async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT]) -> ResultT:
            with trio.CancelScope() as scope:
                timer = time.call_later(seconds, scope.cancel)
                try:
                    return await work
                finally:
                    timer.cancel()
            raise TimeoutError

    return VirtualTrioRuntime
