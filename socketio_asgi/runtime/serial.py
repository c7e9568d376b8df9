"""Running asynchronous work strictly one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from . import TaskStarter

Work = Callable[..., Coroutine[Any, Any, None]]


class SerialQueue:
    """Runs what is added, each when the one before has ended.

    Args:
        task_starter: The starter of the work.
    """

    __slots__ = ("_queue", "_running", "_task_starter")

    def __init__(self, task_starter: TaskStarter) -> None:
        self._task_starter = task_starter
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
            self._task_starter.start(self._run)

    async def _run(self) -> None:
        try:
            while self._queue:
                work, args = self._queue.popleft()
                await work(*args)
        finally:
            self._running = False
