"""Deadlines of many connections behind one timer of the event loop.

Strategy. Every connection waits equally long for the same thing (a ping interval, a pong), so the
deadlines of one kind fall due in the order in which they were set. A queue in that order needs one
timer, for its head; setting, moving and taking back a deadline take constant time.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from . import Cancellable, Runtime

SLACK_SECONDS = 0.002
"""Seconds by which a deadline may be met too early. Event loops wake up late by up to a
millisecond, which adds up over a ping and its pong."""

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

ItemT = TypeVar("ItemT", bound=Hashable)


class DeadlineQueue(Generic[ItemT]):
    """Calls back for each item, a fixed time after it was added.

    Args:
        runtime: The event loop.
        delay: The time between adding and calling back, in seconds.
        callback: Called with the item, which has left the queue by then.
    """

    __slots__ = ("_callback", "_deadlines", "_delay", "_runtime", "_timer")

    def __init__(self, runtime: Runtime, delay: float, callback: Callable[[ItemT], object]) -> None:
        self._runtime = runtime
        self._delay = delay
        self._callback = callback
        self._deadlines: OrderedDict[ItemT, float] = OrderedDict()
        self._timer: Cancellable | None = None

    def __len__(self) -> int:
        return len(self._deadlines)

    def items(self) -> list[ItemT]:
        """The items that wait, the next one first."""
        return list(self._deadlines)

    def add(self, item: ItemT) -> None:
        """Set the deadline of an item, or move it when it has one."""
        self._deadlines[item] = self._runtime.now() + self._delay
        self._deadlines.move_to_end(item)
        if self._timer is None:
            self._arm(self._delay)

    def discard(self, item: ItemT) -> None:
        """Take the deadline of an item back, if it has one."""
        if self._deadlines.pop(item, None) is None:
            return
        if not self._deadlines and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        now = self._runtime.now() + SLACK_SECONDS
        while self._deadlines:
            item, deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                break
            del self._deadlines[item]
            self._call(item)
        self._rearm()

    def _rearm(self) -> None:
        # A callback may have set a timer for what it added; what waited before comes first.
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._deadlines:
            self._arm(next(iter(self._deadlines.values())) - self._runtime.now())

    def _arm(self, delay: float) -> None:
        self._timer = self._runtime.call_later(max(0.0, delay - SLACK_SECONDS), self._on_timer)

    def _call(self, item: ItemT) -> None:
        try:
            self._callback(item)
        except Exception:  # one connection must not take the deadlines of the others with it
            logger.exception("unexpected error when a deadline passed")
