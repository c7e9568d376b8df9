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
    def in_use(self) -> Generator[VirtualRuntimes]:
        """Give this time to the runtimes that are opened within the context."""
        runtimes = VirtualRuntimes(self)
        with ExitStack() as stack:
            if running_on_asyncio():
                stack.enter_context(_set(asyncio_runtime_factory, runtimes.make_for_asyncio))
            else:
                from ..runtime.trio_runtime import trio_runtime_factory

                stack.enter_context(_set(trio_runtime_factory, runtimes.make_for_trio))
            yield runtimes


class VirtualRuntimes:
    """Makes runtimes with the time of a test, for one server or one client.

    Args:
        time: The time.

    Attributes:
        made: The number of those that were made.
        retired: Whether they are of no use any more: what lives in one begins anew in another.
    """

    def __init__(self, time: VirtualTime) -> None:
        self.made: int = 0
        self.retired: bool = False
        self._time = time

    def make_for_asyncio(self) -> AsyncioRuntime:
        """A runtime of the running asyncio event loop."""
        self.made += 1
        return _AsyncioRuntime(self._time, self)

    def make_for_trio(self, nursery: trio.Nursery) -> TrioRuntime:
        """A runtime of the running trio event loop; it ends with its nursery."""
        self.made += 1
        return _on_trio(self._time)(nursery)


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
    def __init__(self, time: VirtualTime, siblings: VirtualRuntimes) -> None:
        super().__init__()
        self._time = time
        self._siblings = siblings

    def is_current(self) -> bool:
        return not self._siblings.retired and super().is_current()

    def _runs(self) -> bool:
        return not self._siblings.retired and super()._runs()

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
