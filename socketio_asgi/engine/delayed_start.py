"""Sessions that nobody has heard of yet, because another engine may go on with them.

Where a client may come to other engines, its WebSocket may well come to another one than its first
request. As long as the application has not heard of the session, the whole of it can move there;
later every packet has to be passed on. So a session that begins with polling is told of a moment
later, or as soon as it is clear where it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..protocol import EnginePacket, EnginePacketType
from ..runtime import Runtime

MAX_DELAYED_PACKETS = 100
"""Messages of a client that may wait until the application hears of it; more end the delay."""

MAX_DELAYED_BYTES = 64 * 1024
"""The same in bytes."""


class DelayedSession(Protocol):
    """A session, as its delayed start sees it.

    Attributes:
        delayed: The delayed start; None when it is over.
    """

    delayed: DelayedStart | None

    @property
    def is_moving(self) -> bool:
        """True while the client tests another transport."""
        ...

    def replay(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets that came before all that wait."""
        ...


class DelayedStart:
    """The listener to a session that the application has not heard of.

    Args:
        runtime: The event loop.
        session: The session.
        seconds: The time for the client to move on; twice as long while it is about to.
        start: Tells the application of the session, and sets another listener.
    """

    __slots__ = ("_packets", "_runtime", "_seconds", "_session", "_size", "_start", "_timer")

    def __init__(
        self,
        runtime: Runtime,
        session: DelayedSession,
        seconds: float,
        start: Callable[[], object],
    ) -> None:
        self._runtime = runtime
        self._session = session
        self._seconds = seconds
        self._start = start
        self._packets: list[EnginePacket] = []
        self._size = 0
        self._timer = runtime.call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        if self._session.is_moving:
            self._timer = self._runtime.call_later(self._seconds, self.end)
        else:
            self.end()

    def on_open(self) -> None:
        """Do nothing: the application hears of the session later."""

    def on_message(self, data: str | bytes) -> None:
        """Keep a message for later."""
        self._packets.append(EnginePacket(EnginePacketType.MESSAGE, data))
        self._size += len(data)
        if len(self._packets) > MAX_DELAYED_PACKETS or self._size > MAX_DELAYED_BYTES:
            self.end()

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        """Leave it: it is kept as a message."""
        return False

    def on_close(self, reason: str, description: str | None) -> None:
        """Stop: the session has ended with its event loop."""
        self.take()

    def take(self) -> list[EnginePacket]:
        """End the delay without a word to the application; returns the messages so far."""
        self._timer.cancel()
        self._session.delayed = None
        packets, self._packets = self._packets, []
        return packets

    def end(self) -> None:
        """Tell the application of the session, and hand it the messages so far."""
        if self._session.delayed is self:
            packets = self.take()
            self._start()
            self._session.replay(packets)
