"""The form of a packet on WebSocket.

Source: https://socket.io/docs/v4/engine-io-protocol/#websocket
"""

from __future__ import annotations

from ...protocol import EngineCodec, OutgoingPacket
from ...websocket.frames import Opcode, encode_frame, text_frame


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
