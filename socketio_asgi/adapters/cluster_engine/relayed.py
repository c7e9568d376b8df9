"""The transport of a session whose WebSocket is at another server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from ...engine.transports.base import Transport, TransportName
from ...engine.transports.outbox import PACKET_OVERHEAD, Outbox
from ...protocol import EngineCodec, EnginePacket, OutgoingPacket
from ...protocol.engine_packet import CLOSE
from ...protocol.reasons import TRANSPORT_CLOSE, TRANSPORT_ERROR
from ...runtime import Runtime

WINDOW = 256 * 1024
"""Bytes under way to a server that it has not confirmed; the rest waits in the session, and counts
against ``send_buffer_limit``."""

MAX_UNREAD = 4 * 1024 * 1024
"""Bytes of a client that may wait for the application, where the other server does not wait."""


class RelayedTransport(Transport):
    """Packets that another server has to write to a WebSocket.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        deliver: Sends packets to the other server; False when that is not possible.
        confirm: Asks the other server to call back when everything so far was taken by the client;
            False when that is not possible. None where the server does not know the question.
    """

    __slots__ = ("_asked", "_closing", "_confirm", "_deliver", "_due", "_under_way", "_unread")

    name: TransportName = "websocket"
    scope_type: ClassVar[str] = "websocket"

    def __init__(
        self,
        runtime: Runtime,
        codec: EngineCodec,
        *,
        deliver: Callable[[Sequence[OutgoingPacket]], bool],
        confirm: Callable[[Callable[[], object]], bool] | None,
    ) -> None:
        super().__init__(runtime, codec, Outbox())
        self._deliver = deliver
        self._confirm = confirm
        self._due = False
        self._under_way = 0
        self._asked = False
        self._closing = False
        self._unread = 0

    @property
    def connected(self) -> bool:
        """Always true, as long as the transport lasts."""
        return True

    @property
    def writable(self) -> bool:
        """True while the client reads, as far as that is known."""
        return self.outbox.first is None and self._under_way < WINDOW and not self._closing

    # -- out ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what waits when this turn of the event loop is over."""
        if not self._due:
            self._due = True
            self.runtime.call_later(0.0, self._send)

    def _send(self) -> None:
        self._due = False
        while self.outbox.first is not None and self._under_way < WINDOW:
            packets = self._next_packets()
            if not self._deliver(packets):
                return self.lost(TRANSPORT_ERROR, "the other server cannot be reached")
        if self._confirm is not None and self._under_way > WINDOW // 2 and not self._asked:
            size = self._under_way
            self._asked = self._confirm(lambda: self._on_confirmed(size))
        if self._closing and self.outbox.first is None:
            self._closing = False
            self._deliver([CLOSE])

    def _next_packets(self) -> list[OutgoingPacket]:
        packets: list[OutgoingPacket] = []
        size = 0
        while self.outbox.first is not None and size < WINDOW // 2:
            packet = self.outbox.take_first()
            size += packet.size + PACKET_OVERHEAD
            packets.append(packet)
        if self._confirm is not None:
            self._under_way += size
        return packets

    def _on_confirmed(self, size: int) -> None:
        self._asked = False
        self._under_way -= size
        if self.outbox.first is not None or self._closing:
            self.flush()

    def close(self) -> None:
        """Close after everything that waits was sent."""
        self._closing = True
        self.flush()

    def abort(self) -> None:
        """Close at once."""
        self.outbox.clear()
        self._deliver([CLOSE])
        self.lost(TRANSPORT_CLOSE)

    def lost(self, reason: str, description: str | None = None) -> None:
        """Take note that the WebSocket has ended, or cannot be reached any more."""
        self._closing = False
        self._report_end(reason, description)

    # -- in ----------------------------------------------------------------------------------

    def receive(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets of the client."""
        if self.owner.paused:
            self._unread += sum(len(packet.data) + PACKET_OVERHEAD for packet in packets)
            if self._unread > MAX_UNREAD:
                self._deliver([CLOSE])
                description = f"{self._unread} bytes of the client wait to be handled"
                return self.lost(TRANSPORT_ERROR, description)
        self.owner.receive_packets(packets)

    def resume_reading(self) -> None:
        """Receive messages again."""
        self._unread = 0
