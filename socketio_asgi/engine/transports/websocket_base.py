"""The part that all WebSocket transports share.

Source: https://socket.io/docs/v4/engine-io-protocol/#websocket
"""

from __future__ import annotations

from typing import ClassVar

from ...protocol import EngineCodec, OutgoingPacket
from ...websocket.frames import Opcode, encode_frame, text_frame
from .base import ConnectionTransport, TransportName


class WebSocketBase(ConnectionTransport):
    """A transport with one packet in each message of a WebSocket."""

    __slots__ = ()

    name: TransportName = "websocket"
    scope_type: ClassVar[str] = "websocket"
    upgrades_from: ClassVar[tuple[TransportName, ...]] = ("polling",)


def encode_websocket(packet: OutgoingPacket, codec: EngineCodec) -> bytes:
    """A packet as a ready frame of a server, kept in the packet for its other recipients."""
    if packet.text is not None:
        if packet.websocket_text is None:
            packet.websocket_text = text_frame(packet.text.encode("utf-8", "replace"))
        return packet.websocket_text
    data = packet.binary or b""
    message = codec.encode_binary(data)
    if message is not data:  # revision 3 puts the packet type in front
        return encode_frame(Opcode.BINARY, message)
    if packet.websocket_binary is None:
        packet.websocket_binary = encode_frame(Opcode.BINARY, data)
    return packet.websocket_binary
