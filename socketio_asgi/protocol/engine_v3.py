"""Engine.IO 3, spoken by Socket.IO 2.x clients: packets with a length in front.

Strategy. Lengths of text count UTF-16 code units, as JavaScript strings do. A text body is
therefore cut in its UTF-16 encoding whenever it holds a character beyond U+FFFF, and directly when
it does not; both take linear time. A payload that has binary data goes out as bytes (each packet:
kind, decimal digits as bytes, 0xff, data) unless the client asked for base64.

Source: https://github.com/socketio/engine.io-protocol/tree/v3
"""

from __future__ import annotations

import base64
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

MAX_LENGTH_DIGITS = 10
"""Digits of a packet length that are looked at: no body is that long."""

_TEXT, _BINARY, _LENGTH_END = 0, 1, 255
_BINARY_TYPE_BYTE = b"\x04"


class EngineCodecV3:
    """The previous revision of the Engine.IO protocol."""

    revision = 3

    def decode(self, data: str | bytes) -> EnginePacket:
        """Decode one WebSocket message: the first byte of binary data is the packet type."""
        return _decode_text_packet(data) if isinstance(data, str) else _decode_bytes(data)

    def decode_payload(self, body: bytes, *, binary: bool) -> list[EnginePacket]:
        """Decode the body of a POST request."""
        return _decode_binary_payload(body) if binary else _decode_text_payload(decode_utf8(body))

    def encode_binary(self, data: bytes) -> bytes:
        """Bytes carry the packet type in front."""
        return _BINARY_TYPE_BYTE + data

    def encode_payload(
        self, packets: Sequence[OutgoingPacket], *, supports_binary: bool
    ) -> Payload:
        """Encode as bytes when there is binary data and the client takes it, else as text."""
        if supports_binary and any(packet.text is None for packet in packets):
            return Payload(b"".join(map(_binary_record, packets)), binary=True)
        return Payload("".join(map(_text_record, packets)).encode("utf-8", "replace"), binary=False)

    def fitting(self, packets: Iterable[OutgoingPacket], limit: int) -> int:
        """How many of the first packets fit into ``limit`` bytes; at least one."""
        size = count = 0
        for packet in packets:
            # The text form is the longest of a packet: base64 with one more character than in
            # revision 4, the digits of the length and a colon.
            size += len(packet.piece) + 1 + MAX_LENGTH_DIGITS + 1
            if size > limit and count:
                break
            count += 1
        return count


def _decode_text_packet(text: str) -> EnginePacket:
    if text[:1] != "b":
        return decode_text(text)
    if text[1:2] != "4":
        raise DecodeError("Engine.IO", "only messages can be binary")
    return EnginePacket(EnginePacketType.MESSAGE, decode_base64(text[2:]))


def _decode_bytes(data: bytes) -> EnginePacket:
    if data[:1] != _BINARY_TYPE_BYTE:
        raise DecodeError("Engine.IO", "only messages can be binary")
    return EnginePacket(EnginePacketType.MESSAGE, data[1:])


def _decode_text_payload(text: str) -> list[EnginePacket]:
    if not text:
        raise DecodeError("Engine.IO", "empty payload")
    units = _astral_units(text)
    end = len(text) if units is None else len(units) // 2
    packets: list[EnginePacket] = []
    # ``position`` counts UTF-16 units, ``index`` characters; they differ only beyond U+FFFF.
    position = index = 0
    while position < end:
        colon = text.find(":", index, index + MAX_LENGTH_DIGITS + 1)
        length = _parse_length(text[index:colon] if colon >= 0 else "")
        start = position + (colon - index) + 1
        if start + length > end:
            raise DecodeError("Engine.IO", "packet is longer than the payload")
        chunk = _cut(text, units, colon + 1, start, length)
        packets.append(_decode_text_packet(chunk))
        position, index = start + length, colon + 1 + len(chunk)
    return packets


def _astral_units(text: str) -> bytes | None:
    """The UTF-16 encoding of text that has characters beyond U+FFFF; None for other text."""
    if text.isascii():
        return None
    units = text.encode("utf-16-le")
    return units if len(units) > 2 * len(text) else None


def _cut(text: str, units: bytes | None, index: int, start: int, length: int) -> str:
    if units is None:
        return text[index : index + length]
    try:
        return units[2 * start : 2 * (start + length)].decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise DecodeError("Engine.IO", "packet ends within a character") from error


def _parse_length(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise DecodeError("Engine.IO", "packet length is not a number")
    return int(digits)


def _decode_binary_payload(body: bytes) -> list[EnginePacket]:
    if not body:
        raise DecodeError("Engine.IO", "empty payload")
    packets: list[EnginePacket] = []
    position = 0
    while position < len(body):
        kind = body[position]
        mark = body.find(_LENGTH_END, position + 1, position + 2 + MAX_LENGTH_DIGITS)
        start = mark + 1
        end = start + _parse_length_bytes(body[position + 1 : mark] if mark >= 0 else b"")
        if kind not in (_TEXT, _BINARY) or end > len(body):
            raise DecodeError("Engine.IO", "packet is longer than the payload or of no known kind")
        chunk = body[start:end]
        packets.append(
            _decode_bytes(chunk) if kind == _BINARY else _decode_text_packet(decode_utf8(chunk))
        )
        position = end
    return packets


def _parse_length_bytes(digits: bytes) -> int:
    if not digits or max(digits) > 9:
        raise DecodeError("Engine.IO", "packet length is not a number")
    return int("".join(map(str, digits)))


def _binary_record(packet: OutgoingPacket) -> bytes:
    if packet.text is None:
        kind, data = _BINARY, _BINARY_TYPE_BYTE + (packet.binary or b"")
    else:
        kind, data = _TEXT, packet.piece
    digits = bytes(map(int, str(len(data))))
    return bytes((kind,)) + digits + bytes((_LENGTH_END,)) + data


def _text_record(packet: OutgoingPacket) -> str:
    text = packet.text
    if text is None:
        text = "b4" + base64.b64encode(packet.binary or b"").decode("ascii")
    length = len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2
    return f"{length}:{text}"
