"""A clock that the test moves, instead of waiting for real time-outs; on asyncio.

>>> clock = Clock()
>>> app = EngineApp(runtime_factory=clock.runtime, ping_interval=25)
>>> clock.advance(25)  # the ping is sent

What waits for the network takes real time as ever: only deadlines of the package move.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from socketio_asgi.runtime import Cancellable
from socketio_asgi.runtime.asyncio_runtime import AsyncioRuntime

BEGIN = 1_000.0  # seconds; any time but zero, which could hide a time that was not set


class Clock:
    """The time of one test, and the calls that are due later.

    Attributes:
        now: the time, in seconds.
    """

    def __init__(self) -> None:
        self.now = BEGIN
        self._calls: list[_Call] = []
        self._serial = count()

    def runtime(self) -> ClockedRuntime:
        """Make a runtime of the running event loop that has this time."""
        return ClockedRuntime(self)

    @property
    def waiting(self) -> int:
        """How many calls are due later."""
        return sum(not call.cancelled for call in self._calls)

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Make a call once the time has moved so far."""
        call = _Call(self.now + delay, next(self._serial), callback)
        heapq.heappush(self._calls, call)
        return call

    def stall(self, seconds: float) -> None:
        """Move the time on as for an event loop that stands still: calls become due, and are late.

        The next :meth:`advance` makes them.
        """
        self.now += seconds

    def advance(self, seconds: float) -> None:
        """Move the time on, and make the calls that become due, each at its own time."""
        end = self.now + seconds
        while self._calls and self._calls[0].due <= end:
            call = heapq.heappop(self._calls)
            self.now = max(self.now, call.due)
            if not call.cancelled:
                call.callback()
        self.now = end


class ClockedRuntime(AsyncioRuntime):
    """The running event loop, with the time of a test.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        """Return the time of the test."""
        return self._clock.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        """Call back once the test has moved the time."""
        return self._clock.call_later(delay, callback)


class _Call:
    def __init__(self, due: float, serial: int, callback: Callable[[], object]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False
        self._serial = serial

    def __lt__(self, other: _Call) -> bool:
        return (self.due, self._serial) < (other.due, other._serial)

    def cancel(self) -> None:
        self.cancelled = True
