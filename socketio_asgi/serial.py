"""Running asynchronous work strictly one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from .engine.runtime import Lane

Work = Callable[..., Coroutine[Any, Any, None]]


class SerialQueue:
    """Runs what is added, each when the one before has ended.

    Args:
        lane: Where the work is started.
    """

    __slots__ = ("_lane", "_queue", "_running")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._queue: deque[tuple[Work, tuple[Any, ...]]] = deque()
        self._running = False

    def add(self, work: Work, *args: Any) -> None:
        """Run ``work(*args)`` after everything that was added before.

        Args:
            work: Must handle its exceptions itself.
            *args: Its arguments.
        """
        self._queue.append((work, args))
        if not self._running:
            self._running = True
            self._lane.start(self._run)

    async def _run(self) -> None:
        try:
            while self._queue:
                work, args = self._queue.popleft()
                await work(*args)
        finally:
            self._running = False
