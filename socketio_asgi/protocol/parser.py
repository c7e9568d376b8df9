"""The default parser of Socket.IO: text with JSON, binary attachments as messages of their own.

Source: https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
"""

from __future__ import annotations

from .binary import reconstruct
from .errors import DecodeError, EncodeError
from .json import Default, JSONEncoder, loads
from .packet import Decoder, Packet, PacketType, check_event, check_payload

MAX_ATTACHMENTS = 10
"""Attachments that one incoming packet may have, as in the official parser."""

MAX_ID_DIGITS = 16
"""Digits of an acknowledgement id: enough for every safe integer of JavaScript."""

MAX_COUNT_DIGITS = 9
"""Digits of an attachment count that are looked at."""

_TYPES = {str(type_.value): type_ for type_ in PacketType}
_BINARY_FORM = {
    PacketType.EVENT: PacketType.BINARY_EVENT,
    PacketType.ACK: PacketType.BINARY_ACK,
}
_PLAIN_FORM = {binary: plain for plain, binary in _BINARY_FORM.items()}
_DIGITS = frozenset("0123456789")


class DefaultParser:
    """The parser that every official client speaks unless told otherwise.

    Args:
        default: Turns a value of one of your own types into one that JSON knows, or raises
            TypeError; asked for every value that has no JSON form of its own.
        max_attachments: The largest number of binary attachments accepted in one packet.
    """

    def __init__(
        self, *, default: Default | None = None, max_attachments: int = MAX_ATTACHMENTS
    ) -> None:
        self._default = default
        self._max_attachments = max_attachments

    def encode(self, packet: Packet) -> list[str | bytes]:
        """Encode a packet as text, followed by its attachments.

        Raises:
            EncodeError: A value has no JSON form.
        """
        type_, data = packet.type, packet.data
        namespace = "" if packet.namespace == "/" else packet.namespace + ","
        number = "" if packet.id is None else packet.id
        if data is None:
            return [f"{type_:d}{namespace}{number}"]
        encoder = JSONEncoder(self._default)
        json = encoder.encode(data)
        attachments = encoder.attachments
        if not attachments:
            return [f"{type_:d}{namespace}{number}{json}"]
        binary_type = _BINARY_FORM.get(type_)
        if binary_type is None:
            raise EncodeError("only events and acknowledgements can carry binary data")
        head = f"{binary_type:d}{len(attachments)}-{namespace}{number}{json}"
        return [head, *attachments]

    def decoder(self) -> Decoder:
        """A new decoder for one connection."""
        return DefaultDecoder(self._max_attachments)


class DefaultDecoder:
    """Decodes the messages of one connection.

    Args:
        max_attachments: The largest number of binary attachments accepted in one packet.
    """

    __slots__ = ("_attachments", "_expected", "_max_attachments", "_partial")

    def __init__(self, max_attachments: int = MAX_ATTACHMENTS) -> None:
        self._max_attachments = max_attachments
        self._partial: Packet | None = None
        self._expected = 0
        self._attachments: list[bytes] = []

    def add(self, data: str | bytes) -> Packet | None:
        """Take one message; see :meth:`.packet.Decoder.add`."""
        if not isinstance(data, str):
            return self._add_attachment(data)
        if self._partial is not None:
            raise DecodeError("Socket.IO", "text came where an attachment was expected")
        # The most common packet by far, told by its first two characters: 2["name", ...
        if data[:2] == "2[":
            payload = loads(data[1:])
            check_event(payload)
            return Packet(PacketType.EVENT, "/", payload)
        return self._add_text(data)

    def reset(self) -> None:
        """Forget a packet whose attachments did not all come."""
        self._partial = None
        self._attachments = []

    def _add_text(self, text: str) -> Packet | None:
        type_ = _TYPES.get(text[:1])
        if type_ is None:
            raise DecodeError("Socket.IO", "unknown packet type")
        index = 1
        plain_type = _PLAIN_FORM.get(type_)
        if plain_type is not None:
            self._expected, index = self._read_count(text)
        packet, index = _read_head(text, index, plain_type or type_)
        if index < len(text):
            packet.data = loads(text[index:])
            if packet.data is None:
                raise DecodeError("Socket.IO", "the payload is null")
        check_payload(packet.type, packet.data)
        if packet.type is PacketType.ACK and packet.id is None:
            raise DecodeError("Socket.IO", "an acknowledgement has no id")
        if plain_type is None:
            return packet
        self._partial = packet
        return None

    def _read_count(self, text: str) -> tuple[int, int]:
        """The number of attachments, and the index after the dash behind it."""
        dash = text.find("-", 1, 2 + MAX_COUNT_DIGITS)
        digits = text[1:dash] if dash > 0 else ""
        if not (digits.isascii() and digits.isdigit()):
            raise DecodeError("Socket.IO", "the number of attachments is not a number")
        count = int(digits)
        if not 1 <= count <= self._max_attachments:
            raise DecodeError(
                "Socket.IO", f"{count} attachments, allowed are 1 to {self._max_attachments}"
            )
        return count, dash + 1

    def _add_attachment(self, data: bytes) -> Packet | None:
        packet = self._partial
        if packet is None:
            raise DecodeError("Socket.IO", "an attachment came without its packet")
        self._attachments.append(data)
        if len(self._attachments) < self._expected:
            return None
        attachments = self._attachments
        self.reset()
        reconstruct(packet.data, attachments)
        if packet.type is PacketType.EVENT:
            check_event(packet.data)  # the name itself may have been a placeholder
        return packet


def _read_head(text: str, index: int, type_: PacketType) -> tuple[Packet, int]:
    """The namespace and the id of a packet, and the index of its payload."""
    namespace = "/"
    if text[index : index + 1] == "/":
        comma = text.find(",", index)
        end = comma if comma >= 0 else len(text)
        namespace = text[index:end]
        index = end + 1
    start = index
    while index < len(text) and text[index] in _DIGITS:
        index += 1
        if index - start > MAX_ID_DIGITS:
            raise DecodeError("Socket.IO", "the acknowledgement id is too long")
    number = int(text[start:index]) if index > start else None
    return Packet(type_, namespace, None, number), index
