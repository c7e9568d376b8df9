"""Events as they are waited for, instead of handled: one, or one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..exceptions import SocketIOError
from ..runtime import Event, Runtime

MAX_WAITING = 1000
"""Events that wait for the code that takes them one after another."""


class ReceivedEvent(NamedTuple):
    """An event of the server.

    Attributes:
        name: Its name.
        args: Its values.
    """

    name: str
    args: tuple[Any, ...]

    @property
    def data(self) -> Any:
        """The value, if there is one; all of them as a tuple if there are several."""
        if len(self.args) == 1:
            return self.args[0]
        return self.args or None


class EventsLost(SocketIOError):
    """More events came than wait for the code that takes them one after another.

    Args:
        count: The number of those that were dropped.
        limit: The number of those that may wait.

    Attributes:
        count: The same.
        limit: The same.
    """

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(count, limit)
        self.count: int = count
        self.limit: int = limit

    def __str__(self) -> str:
        return (
            f"{self.count} events were dropped, because {self.limit} waited already: take them"
            " faster, or pass max_waiting=... to events()"
        )


class EventStream:
    """Takes events down, for code that asks for them.

    Args:
        names: The names of the events; none is all.
        limit: The number of those that may wait.
    """

    __slots__ = ("_dropped", "_ended", "_error", "_limit", "_names", "_waiting", "_wake_up")

    def __init__(self, names: Sequence[str], limit: int = MAX_WAITING) -> None:
        self._names = frozenset(names)
        self._limit = limit
        self._waiting: deque[ReceivedEvent] = deque()
        self._wake_up: Event | None = None
        self._dropped = 0
        self._ended = False
        self._error: Exception | None = None

    def on_event(self, name: str, args: Sequence[Any]) -> None:
        """Called with every event that comes."""
        if self._names and name not in self._names:
            return
        if len(self._waiting) >= self._limit:
            self._dropped += 1
        else:
            self._waiting.append(ReceivedEvent(name, tuple(args)))
        self._wake()

    def end(self, error: Exception | None) -> None:
        """Called when no more will come.

        Args:
            error: What the code that asks is told; None for the plain end.
        """
        self._ended = True
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._wake_up is not None:
            self._wake_up.set()

    async def next(self, runtime: Runtime) -> ReceivedEvent | None:
        """The next event; None at the end.

        Raises:
            EventsLost: Some were dropped before the next one.
        """
        while not self._waiting:
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                raise EventsLost(dropped, self._limit)
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._wake_up = runtime.event()
            await self._wake_up.wait()
        return self._waiting.popleft()
