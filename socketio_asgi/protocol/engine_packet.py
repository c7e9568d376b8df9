"""Engine.IO packets: the types, the outgoing :class:`OutgoingPacket`, and decoding of one packet.

Both revisions of the protocol share the packet types and the text form; what differs (binary data
and the payloads of HTTP long-polling) is in :mod:`.engine_v4` and :mod:`.engine_v3`.

Source: https://socket.io/docs/v4/engine-io-protocol/#protocol
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from .errors import DecodeError


class EnginePacketType(IntEnum):
    """The seven packet types of Engine.IO; the value is the digit on the wire."""

    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


class EnginePacket(NamedTuple):
    """One decoded Engine.IO packet.

    Attributes:
        type: What kind of packet it is.
        data: The text after the type digit, or the bytes of a binary message.
    """

    type: EnginePacketType
    data: str | bytes


class OutgoingPacket:
    """One outgoing Engine.IO packet, and its form on each transport once that was needed.

    A broadcast shares one packet between all its recipients, so each form is computed at most once.

    Attributes:
        text: The packet as text, type digit included; None for a binary message.
        binary: The bytes of a binary message (its type is always MESSAGE); None for text.
        compress: Whether an HTTP response that carries the packet may be compressed.
        websocket_text: A text packet as a WebSocket frame, the same in all revisions of the
            protocol; None until a transport has made it.
        websocket_binary: The same for a binary message of revision 4.
    """

    __slots__ = (
        "_piece",
        "_size",
        "binary",
        "compress",
        "text",
        "websocket_binary",
        "websocket_text",
    )

    def __init__(
        self, text: str | None, binary: bytes | None = None, compress: bool = True
    ) -> None:
        self.text: str | None = text
        self.binary: bytes | None = binary
        self.compress: bool = compress
        self._piece: bytes | None = None
        self._size: int | None = None
        self.websocket_text: bytes | None = None
        self.websocket_binary: bytes | None = None

    @classmethod
    def message(cls, data: str | bytes, *, compress: bool = True) -> OutgoingPacket:
        """A MESSAGE packet with the given text or bytes."""
        if isinstance(data, str):
            return cls("4" + data, None, compress)
        return cls(None, data, compress)

    @classmethod
    def messages(
        cls, data: Sequence[str | bytes], *, compress: bool = True
    ) -> list[OutgoingPacket]:
        """MESSAGE packets with the given texts or bytes; nearly always it is one text."""
        first = data[0]
        if len(data) == 1 and isinstance(first, str):
            return [cls("4" + first, None, compress)]
        return [cls.message(item, compress=compress) for item in data]

    @classmethod
    def packet(cls, type_: EnginePacketType, data: str = "") -> OutgoingPacket:
        """A packet of any type with text data."""
        return cls(f"{type_:d}{data}")

    @property
    def piece(self) -> bytes:
        """The packet as one record of an Engine.IO 4 payload (binary data as base64)."""
        if self._piece is None:
            if self.text is not None:
                self._piece = self.text.encode("utf-8", "replace")
            else:
                self._piece = b"b" + base64.b64encode(self.binary or b"")
        return self._piece

    @property
    def size(self) -> int:
        """The bytes that the packet counts against the limit of what waits to be sent."""
        if self._size is None:
            if self.text is None:
                self._size = len(self.binary or b"")
            else:
                self._size = len(self.text) if self.text.isascii() else len(self.piece)
        return self._size

    def __repr__(self) -> str:
        kind = "binary" if self.text is None else EnginePacketType(int(self.text[0])).name
        return f"<OutgoingPacket {kind} {self.size} bytes>"


PING = OutgoingPacket("2")
PONG = OutgoingPacket("3")
NOOP = OutgoingPacket("6")
CLOSE = OutgoingPacket("1")
PROBE = "probe"
"""The data of the PING and PONG packets that test a transport before an upgrade."""
PROBE_PONG = OutgoingPacket("3" + PROBE)

# An unchecked int() of a character would accept other scripts' digits.
_TYPES = {str(type_.value): type_ for type_ in EnginePacketType}
# A request body of 1 MB may hold 500 000 packets without data; they are one object for each type.
_BARE = {digit: EnginePacket(type_, "") for digit, type_ in _TYPES.items()}


def decode_text(text: str) -> EnginePacket:
    """Decode the text form of one packet: a type digit, then the data.

    Raises:
        DecodeError: The text is empty or does not begin with a known type.
    """
    type_ = _TYPES.get(text[:1])
    if type_ is None:
        raise DecodeError("Engine.IO", "unknown packet type" if text else "empty packet")
    if len(text) == 1:
        return _BARE[text]
    return EnginePacket(type_, text[1:])


def decode_base64(text: str) -> bytes:
    """Decode the base64 form of a binary message.

    Line breaks are skipped, and padding may be missing: the official client for Java and Android
    breaks lines after 76 characters and at the end.

    Raises:
        DecodeError: The text holds anything else than base64, or ends within a byte.
    """
    digits = text.replace("\n", "").replace("\r", "")
    missing = -len(digits) % 4
    try:
        data = binascii.a2b_base64(f"{digits}{'=' * missing}".encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise DecodeError("Engine.IO", "binary data is not valid base64") from error
    if len(data) != (len(digits) + missing) * 3 // 4 - digits.count("=") - missing:
        # The strict mode of some versions of Python overlooks surplus padding.
        raise DecodeError("Engine.IO", "binary data has the wrong padding")
    return data


def decode_utf8(body: bytes) -> str:
    """Decode a request body as text.

    Raises:
        DecodeError: The bytes are not valid UTF-8.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError("Engine.IO", "payload is not valid UTF-8") from error
