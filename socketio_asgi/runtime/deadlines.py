"""Deadlines of many connections behind one timer of the event loop.

Strategy. Every connection waits equally long for the same thing (a ping interval, a pong), so the
deadlines of one kind fall due in the order in which they were set. A queue in that order needs one
timer, for its head; setting, moving and taking back a deadline take constant time.

A timer that fires late tells that the event loop stood still: a handler blocked it, or the machine
slept. Who had to send something by then may have done so, and gets as much time as was lost, once.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

from . import Cancellable, Runtime

SLACK_SECONDS = 0.002
"""Seconds by which a deadline may be met too early. Event loops wake up late by up to a
millisecond, which adds up over a ping and its pong."""

LATE_SECONDS = 0.1
"""Seconds by which a timer is late when the event loop stood still, rather than being busy."""

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

ItemT = TypeVar("ItemT", bound=Hashable)


class DeadlineQueue(Generic[ItemT]):
    """Calls back for each item, a fixed time after it was added.

    Args:
        runtime: The event loop.
        delay: The time between adding and calling back, in seconds.
        callback: Called with the item, which has left the queue by then.
        lasting: Whether the timer stays when the last item is taken back: for items that nearly
            always are, one soon after the other. :meth:`close` takes it back. These deadlines are
            not met too early.
        lenient: Whether items get another chance, once, when the timer is late itself: for what
            clients have to send in time, which may have come while the event loop stood still.
    """

    __slots__ = (
        "_callback",
        "_deadlines",
        "_delay",
        "_due",
        "_lasting",
        "_lenient",
        "_runtime",
        "_slack",
        "_spared",
        "_timer",
    )

    def __init__(
        self,
        runtime: Runtime,
        delay: float,
        callback: Callable[[ItemT], object],
        *,
        lasting: bool = False,
        lenient: bool = False,
    ) -> None:
        self._runtime = runtime
        self._lasting = lasting
        self._slack = 0.0 if lasting else SLACK_SECONDS
        self._lenient = lenient
        # The deadlines up to here have had another chance.
        self._spared = -inf
        # The time for which the timer is set.
        self._due = 0.0
        self._delay = delay
        self._callback = callback
        self._deadlines: OrderedDict[ItemT, float] = OrderedDict()
        self._timer: Cancellable | None = None

    def __len__(self) -> int:
        return len(self._deadlines)

    def __contains__(self, item: ItemT) -> bool:
        return item in self._deadlines

    def items(self) -> list[ItemT]:
        """The items that wait, the next one first."""
        return list(self._deadlines)

    def add(self, item: ItemT) -> None:
        """Set the deadline of an item, or move it when it has one."""
        now = self._runtime.now()
        self._deadlines[item] = now + self._delay
        self._deadlines.move_to_end(item)
        if self._timer is None:
            self._arm(now, self._delay)

    def discard(self, item: ItemT) -> None:
        """Take the deadline of an item back, if it has one."""
        if self._deadlines.pop(item, None) is None:
            return
        if not self._deadlines and not self._lasting:
            self._disarm()

    def close(self) -> None:
        """Take all deadlines back."""
        self._deadlines.clear()
        self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        now = self._runtime.now()
        late = now - self._due
        passed = now + self._slack
        if self._lenient and late > LATE_SECONDS:
            passed, self._spared = self._spared, passed
        while self._deadlines:
            item, deadline = next(iter(self._deadlines.items()))
            if deadline > passed:
                break
            del self._deadlines[item]
            self._call(item)
        self._rearm(min(late, self._delay))

    def _rearm(self, chance: float) -> None:
        # A callback may have set a timer for what it added; what waited before comes first.
        self._disarm()
        if self._deadlines:
            now = self._runtime.now()
            deadline = next(iter(self._deadlines.values()))
            self._arm(now, chance if deadline <= self._spared else deadline - now)

    def _arm(self, now: float, delay: float) -> None:
        delay = max(0.0, delay - self._slack)
        self._due = now + delay
        self._timer = self._runtime.call_later(delay, self._on_timer)

    def _call(self, item: ItemT) -> None:
        try:
            self._callback(item)
        except Exception:  # one connection must not take the deadlines of the others with it
            logger.exception("unexpected error when a deadline passed")
