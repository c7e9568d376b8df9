"""The WebSocket transport without ASGI in between, where the ASGI server has the extension for it.

Everything above the transport is the same as on plain ASGI.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...extensions.websocket import Attach, AttachedWebSocket
from ...protocol import EngineCodec, EnginePacketType, OutgoingPacket
from ...protocol.reasons import TRANSPORT_CLOSE, TRANSPORT_ERROR
from ...runtime import Runtime
from ...websocket.frames import MEDIUM, SHORT_TEXT, CloseCode, Opcode, encode_frame, text_frame
from ...websocket.reader import OnEvent
from .base import TransportOwner
from .outbox import Outbox
from .websocket_base import WebSocketBase, encode_websocket

_MESSAGE = b"%d" % EnginePacketType.MESSAGE


class TakenOverTransport(WebSocketBase):
    """Packets as frames of a WebSocket that calls back.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets that wait while the client does not read.
    """

    __slots__ = ("_closing", "_sent_at", "_websocket")

    writes_at_once = True
    _websocket: AttachedWebSocket

    def __init__(self, runtime: Runtime, codec: EngineCodec, outbox: Outbox) -> None:
        super().__init__(runtime, codec, outbox)
        self._closing = False
        # The number of arrivals when something was sent last.
        self._sent_at = -1

    def take_over(self, attach: Attach, *, max_payload: int) -> bool:
        """Take a WebSocket over; False when that is not possible.

        Args:
            attach: The extension of the ASGI server.
            max_payload: The largest message that is accepted, in bytes.
        """
        websocket = attach(self, max_size=max_payload)
        if websocket is None:
            return False
        self._websocket = websocket
        return True

    async def run(self) -> None:
        """Begin to receive; the connection outlives the call."""
        self._websocket.resume_reading()

    @property
    def writable(self) -> bool:
        """True while the client reads, unless something was sent just before."""
        websocket = self._websocket
        if websocket.paused or self._closing:
            return False
        return websocket.flushed or self._sent_at != self.runtime.arrivals

    # -- out ---------------------------------------------------------------------------------

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets at once, or when the client reads again."""
        outbox = self.outbox
        if not self.write_packets(packets):
            outbox.extend(packets)
        elif outbox.on_drained is not None:
            outbox.on_drained()

    def write_packets(self, packets: Sequence[OutgoingPacket]) -> bool:
        """Send packets at once; False while the client does not read."""
        websocket = self._websocket
        if websocket.paused:
            return False
        codec, self._sent_at = self.codec, self.runtime.arrivals
        for packet in packets:
            websocket.write(packet.websocket_text or encode_websocket(packet, codec))
        return True

    def write_frame(self, frame: bytes) -> bool:
        """Send a frame at once; False while the client does not read."""
        websocket = self._websocket
        if websocket.paused:
            return False
        self._sent_at = self.runtime.arrivals
        websocket.write(frame)
        return True

    def write_message(self, message: str | bytes) -> bool:
        """Send one message at once; False while the client does not read."""
        websocket = self._websocket
        if websocket.paused or self.outbox.on_drained is not None or not isinstance(message, str):
            return False
        self._sent_at = self.runtime.arrivals
        websocket.write(text_frame(_MESSAGE + message.encode("utf-8", "replace")))
        return True

    def write_text(self, packet: bytes) -> bool:
        """Send a text packet at once; False while the client does not read."""
        websocket = self._websocket
        if websocket.paused:
            return False
        self._sent_at = self.runtime.arrivals
        size = len(packet)
        # As text_frame(), without a call for each packet.
        websocket.write(SHORT_TEXT[size] + packet if size < MEDIUM else text_frame(packet))
        return True

    def write_messages(self, messages: Sequence[str | bytes]) -> bool:
        """Send messages that belong together at once; False while the client does not read."""
        websocket = self._websocket
        if websocket.paused:
            return False
        self._sent_at = self.runtime.arrivals
        for message in messages:
            if isinstance(message, str):
                frame = text_frame(_MESSAGE + message.encode("utf-8", "replace"))
            else:
                frame = encode_frame(Opcode.BINARY, self.codec.encode_binary(message))
            websocket.write(frame)
        return True

    def flush(self) -> None:
        """Send what waits, as far as the client reads."""
        websocket, outbox = self._websocket, self.outbox
        self._sent_at = self.runtime.arrivals
        while (packet := outbox.first) is not None and not websocket.paused:
            websocket.write(encode_websocket(packet, self.codec))
            outbox.take_first()
        if self._closing and outbox.first is None:
            websocket.close(CloseCode.NORMAL)

    def close(self) -> None:
        """Close after everything that waits was sent."""
        self._closing = True
        self.flush()

    def abort(self) -> None:
        """Close at once; a client that does not read is cut off."""
        self.outbox.clear()
        self._closing = True
        if self._websocket.paused:
            self._websocket.abort()
        else:
            self._websocket.close(CloseCode.NORMAL)

    # -- in ----------------------------------------------------------------------------------

    def set_owner(self, owner: TransportOwner) -> None:
        """Set the receiver of what comes in."""
        self.owner = owner
        websocket = self._websocket
        websocket.on_message = owner.receive  # messages go there without a detour
        websocket.on_event = None

    def set_on_event(self, on_event: OnEvent) -> None:
        """Set the receiver of short events; attachments have another form in revision 3."""
        if self.codec.revision != 3:
            self._websocket.on_event = on_event

    def pause_reading(self) -> None:
        """Receive no more messages."""
        self._websocket.pause_reading()

    def resume_reading(self) -> None:
        """Receive messages again."""
        self._websocket.resume_reading()

    def on_writable(self) -> None:
        """Called when the client reads again."""
        self.flush()

    def on_server_exit(self) -> None:
        """Called when the ASGI server is about to end."""
        self.owner.server_exits()

    def on_close(self, code: int, reason: str) -> None:
        """Called when the connection is closed."""
        self._report_end(TRANSPORT_CLOSE, f"WebSocket closed with code {code}")

    def on_failure(self, code: int, reason: str) -> None:
        """Called when the client broke the rules of WebSocket."""
        self._report_end(TRANSPORT_ERROR, reason)
