"""Packets of one session that wait for its transport."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from ...protocol import OutgoingPacket
from ...runtime import Event, Runtime

PACKET_OVERHEAD = 64
"""Bytes that a waiting packet is counted with beyond its content, so that empty ones count too."""


class Outbox:
    """A queue of packets that knows its size in bytes.

    Attributes:
        first: The packet that is next to be sent, which stays in the queue; None for none.
        rest: The packets behind it; None or empty when there are none.
        size: The bytes that wait.
        on_drained: Called when nothing waits any more.
    """

    __slots__ = ("_drained", "first", "on_drained", "rest", "size")

    def __init__(self) -> None:
        self.first: OutgoingPacket | None = None
        # Made when it is needed: mostly one packet waits at a time, and a deque is large.
        self.rest: deque[OutgoingPacket] | None = None
        self.size: int = 0
        self.on_drained: Callable[[], object] | None = None
        self._drained: Event | None = None

    def __len__(self) -> int:
        return 0 if self.first is None else 1 + len(self.rest or ())

    def __iter__(self) -> Iterator[OutgoingPacket]:
        if self.first is not None:
            yield self.first
            yield from self.rest or ()

    def extend(self, packets: Iterable[OutgoingPacket]) -> None:
        """Append packets that belong together."""
        for packet in packets:
            if self.first is None:
                self.first = packet
            elif self.rest is None:
                self.rest = deque((packet,))
            else:
                self.rest.append(packet)
            self.size += packet.size + PACKET_OVERHEAD

    def put_in_front(self, packets: Collection[OutgoingPacket]) -> None:
        """Put packets in front of all that wait."""
        if packets:
            waiting = [*packets, *self]
            self.first, self.rest, self.size = None, None, 0
            self.extend(waiting)

    def take(self, count: int) -> list[OutgoingPacket]:
        """Remove the first packets, which the transport has taken over."""
        return [self.take_first() for _ in range(min(count, len(self)))]

    def take_first(self) -> OutgoingPacket:
        """Remove the first packet, which the transport has taken over.

        Raises:
            IndexError: There is none.
        """
        packet = self.first
        if packet is None:
            raise IndexError("nothing waits")
        if self.rest:
            self.first = self.rest.popleft()
            self.size -= packet.size + PACKET_OVERHEAD
        else:
            self.first = self.rest = None
            self.size = 0
            if self._drained is not None or self.on_drained is not None:
                self._on_empty()
        return packet

    def _on_empty(self) -> None:
        if self._drained is not None:
            self._drained.set()
            self._drained = None
        if self.on_drained is not None:
            self.on_drained()

    def clear(self) -> None:
        """Remove everything."""
        if self.first is not None:
            self.first = self.rest = None
            self.size = 0
            self._on_empty()

    async def drained(self, runtime: Runtime) -> None:
        """Wait until nothing waits any more."""
        while self.first is not None:
            if self._drained is None:
                self._drained = runtime.event()
            await self._drained.wait()
