"""Events as they are waited for, instead of handled: one, or one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

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


class EventTaker(Protocol):
    """Something that is given every event of a namespace, as it comes."""

    def on_event(self, name: str, args: Sequence[Any]) -> None:
        """Called with every event that comes."""
        ...

    def end(self, error: Exception | None) -> None:
        """Called when no more will come.

        Args:
            error: Why not; None when the client or the server wanted it.
        """
        ...


class StreamSource(Protocol):
    """The namespace, as a stream of its events sees it."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    def add_taker(self, taker: EventTaker) -> None:
        """Give all events that come to something."""
        ...

    def remove_taker(self, taker: EventTaker) -> None:
        """Give it no more."""
        ...


class EventStream:
    """Takes events down, for code that asks for them one after another.

    Args:
        source: The namespace.
        names: The names of the events; none is all.
        limit: The number of those that may wait.
    """

    __slots__ = (
        "_dropped",
        "_ended",
        "_error",
        "_limit",
        "_names",
        "_source",
        "_waiting",
        "_wake_up",
    )

    def __init__(self, source: StreamSource, names: Sequence[str], limit: int) -> None:
        self._source = source
        self._names = frozenset(names)
        self._limit = limit
        self._waiting: deque[ReceivedEvent] = deque()
        self._wake_up: Event | None = None
        self._dropped = 0
        self._ended = False
        self._error: Exception | None = None

    async def __aenter__(self) -> Self:
        """Begin to take events down."""
        self._source.add_taker(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        self._source.remove_taker(self)

    def __aiter__(self) -> Self:
        """The stream itself."""
        return self

    async def __anext__(self) -> ReceivedEvent:
        """The next event; see :meth:`next`."""
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

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

    async def next(self) -> ReceivedEvent | None:
        """The next event; None at the end.

        Raises:
            ConnectError: The connection was lost, and no other attempt is made.
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
            self._wake_up = self._source.runtime.event()
            await self._wake_up.wait()
        return self._waiting.popleft()
