"""Engine.IO 4: records separated by 0x1e, binary data as base64, raw bytes on WebSocket.

Source: https://socket.io/docs/v4/engine-io-protocol/#packet-encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .engine_codec import Payload
from .engine_packet import (
    EnginePacket,
    EnginePacketType,
    OutgoingPacket,
    decode_base64,
    decode_text,
    decode_utf8,
)
from .errors import DecodeError

SEPARATOR = "\x1e"
_SEPARATOR_BYTE = b"\x1e"
_MESSAGE = EnginePacketType.MESSAGE


class EngineCodecV4:
    """The current revision of the Engine.IO protocol."""

    revision = 4

    def decode(self, data: str | bytes) -> EnginePacket:
        """Decode one WebSocket message: text has a type digit or is base64, bytes are a MESSAGE."""
        return _decode_record(data) if isinstance(data, str) else EnginePacket(_MESSAGE, data)

    def decode_payload(self, body: bytes, *, binary: bool) -> list[EnginePacket]:
        """Decode the body of a POST request; binary bodies do not exist in this revision."""
        if binary:
            raise DecodeError("Engine.IO", "binary payloads belong to revision 3 of the protocol")
        text = decode_utf8(body)
        if SEPARATOR not in text:  # nearly always
            return [_decode_record(text)]
        return [_decode_record(record) for record in text.split(SEPARATOR)]

    def encode_binary(self, data: bytes) -> bytes:
        """Bytes go on the wire as they are."""
        return data

    def encode_payload(
        self, packets: Sequence[OutgoingPacket], *, supports_binary: bool
    ) -> Payload:
        """Join the records; the result is always text."""
        if len(packets) == 1:  # nearly always
            return Payload(packets[0].piece, False)
        return Payload(_SEPARATOR_BYTE.join([packet.piece for packet in packets]), False)

    def fitting(self, packets: Iterable[OutgoingPacket], limit: int) -> int:
        """How many of the first packets fit into ``limit`` bytes; at least one."""
        size = count = 0
        for packet in packets:
            size += len(packet.piece) + (1 if count else 0)
            if size > limit and count:
                break
            count += 1
        return count


def _decode_record(record: str) -> EnginePacket:
    # Also on WebSocket: a client with forceBase64 sends all its binary data like that.
    if record[:1] == "b":
        return EnginePacket(_MESSAGE, decode_base64(record[1:]))
    return decode_text(record)
