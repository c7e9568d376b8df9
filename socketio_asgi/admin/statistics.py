"""The statistics of a server: connections, packets and bytes, in few numbers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ..engine import Session
from ..engine.public_session import TransportInfo
from ..protocol import EnginePacket, OutgoingPacket
from ..server.observer import Observer


class Statistics(Observer):
    """Counts connections.

    Attributes:
        polling: The ids of the sessions that use HTTP long-polling.
    """

    def __init__(self) -> None:
        self.polling: set[str] = set()
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def session_opened(self, session: Session) -> None:
        """Called when a client has connected."""
        self._counts["rawConnection", None] += 1
        if session.transport.name == "polling":
            self.polling.add(session.id)

    def session_upgraded(self, session: Session, transport: TransportInfo) -> None:
        """Called when a client has moved on to another transport."""
        self.polling.discard(session.id)

    def session_closed(self, session: Session, reason: str, description: str | None) -> None:
        """Called when a session has ended."""
        self._counts["rawDisconnection", reason] += 1
        self.polling.discard(session.id)

    def take(self) -> list[dict[str, Any]]:
        """The numbers since the last time."""
        counts, self._counts = self._counts, Counter()
        second = int(datetime.now(UTC).timestamp()) * 1000
        return [
            {"timestamp": second, "type": name, "count": count}
            | ({} if detail is None else {"subType": detail})
            for (name, detail), count in counts.items()
        ]

    def count(self, name: str, number: int) -> None:
        """Count something else."""
        if number:
            self._counts[name, None] += number


class PacketStatistics(Statistics):
    """Counts packets and bytes as well: two additions for each packet, in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self._packets_in = self._packets_out = self._bytes_in = self._bytes_out = 0

    def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
        """Called when a packet came; those without data are left out, as by official servers."""
        if packet.data:
            self._packets_in += 1
            self._bytes_in += size - isinstance(packet.data, str)  # without its type

    def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
        """Called when a packet is about to go."""
        if size > 1:  # more than its type
            self._packets_out += 1
            self._bytes_out += size - (packet.text is not None)

    def take(self) -> list[dict[str, Any]]:
        """The numbers since the last time."""
        self.count("packetsIn", self._packets_in)
        self.count("packetsOut", self._packets_out)
        self.count("bytesIn", self._bytes_in)
        self.count("bytesOut", self._bytes_out)
        self._packets_in = self._packets_out = self._bytes_in = self._bytes_out = 0
        return super().take()
