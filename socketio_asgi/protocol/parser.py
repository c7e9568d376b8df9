"""The default parser of Socket.IO: text with JSON, binary attachments as messages of their own.

Source: https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from ..checks import check_count, check_default
from .binary import reconstruct
from .errors import DecodeError, EncodeError
from .json import (
    DEEP_SIZE,
    PLACEHOLDER,
    PLAIN,
    Default,
    JSONEncoder,
    check_depth,
    loads,
    loads_slowly,
)
from .packet import RESERVED_EVENTS, Decoder, Packet, PacketType, check_event, check_payload

MAX_ATTACHMENTS = 10
"""Attachments that one packet may have, in either direction, as in the official parser."""

MAX_ID_DIGITS = 20
"""Digits of an acknowledgement id: enough for every integer of 64 bits."""

MAX_COUNT_DIGITS = 9
"""Digits of an attachment count that are looked at."""

_PLACEHOLDERS = [{PLACEHOLDER: True, "num": number} for number in range(MAX_ATTACHMENTS)]
_DIGITS = "0123456789"
_COUNTS = tuple(f"{count}-" for count in range(1, 10))
"""Numbers of attachments with one digit, as they are written."""
# Plain strings and global names on the way of every packet: members and hashes of an enum are slow.
_CONNECT, _EVENT, _ACK = PacketType.CONNECT, PacketType.EVENT, PacketType.ACK
_TYPES = {_DIGITS[type_]: type_ for type_ in PacketType}
_PLAIN_FORM = {_DIGITS[PacketType.BINARY_EVENT]: _EVENT, _DIGITS[PacketType.BINARY_ACK]: _ACK}
_BINARY_FORM = {_EVENT: PacketType.BINARY_EVENT, _ACK: PacketType.BINARY_ACK}


class DefaultParser:
    """The parser that every official client speaks unless told otherwise.

    Args:
        default: Turns a value of one of your own types into one that JSON knows, or raises
            TypeError; asked for every value that has no JSON form of its own.
        max_attachments: The largest number of binary attachments of one packet. One that comes
            with more ends the connection, one to send raises EncodeError; more than the default
            needs clients whose parser takes as many.

    Raises:
        TypeError: A value is of another kind.
        ValueError: ``max_attachments`` is no whole number, or negative.
    """

    def __init__(
        self, *, default: Default | None = None, max_attachments: int = MAX_ATTACHMENTS
    ) -> None:
        check_default(default)
        self._default = default
        self._max_attachments = check_count(
            "max_attachments", max_attachments, "attachments", at_least=0
        )

    def encode(self, packet: Packet) -> list[str | bytes]:
        """Encode a packet as text, followed by its attachments.

        Raises:
            EncodeError: A value has no JSON form, or there are too many attachments.
        """
        type_, data = packet.type, packet.data
        digit = "2" if type_ is _EVENT else "3" if type_ is _ACK else _DIGITS[type_]
        namespace = "" if packet.namespace == "/" else packet.namespace + ","
        number = "" if packet.id is None else packet.id
        if data is None:
            return [f"{digit}{namespace}{number}"]
        attachments: list[bytes] = []
        try:
            json = orjson.dumps(take_bytes(data, attachments), None, PLAIN).decode()
        except orjson.JSONEncodeError:  # there are values that have no JSON form of their own
            json = None
        if json is None:
            encoder = JSONEncoder(self._default)
            json = encoder.encode(data)
            attachments = encoder.attachments
        if not attachments:
            return [f"{digit}{namespace}{number}{json}"]
        binary_type = _BINARY_FORM.get(type_)
        if binary_type is None:
            raise EncodeError("only events and acknowledgements can carry binary data")
        if len(attachments) > self._max_attachments:
            raise EncodeError(_too_many(len(attachments), self._max_attachments))
        head = f"{_DIGITS[binary_type]}{len(attachments)}-{namespace}{number}{json}"
        return [head, *attachments]

    def to_plain(self, value: Any) -> Any:
        """A value as a client gets it; see :meth:`.packet.PlainConverter.to_plain`."""
        encoder = JSONEncoder(self._default)
        holder = [loads(encoder.encode(value))]
        if encoder.attachments:
            try:
                reconstruct(holder, encoder.attachments)
            except DecodeError as error:
                raise EncodeError("a value looks like the placeholder of binary data") from error
        return holder[0]

    def decoder(self) -> Decoder:
        """A new decoder for one connection."""
        return DefaultDecoder(self._max_attachments)


class DefaultDecoder:
    """Decodes the messages of one connection.

    Args:
        max_attachments: The largest number of binary attachments accepted in one packet.

    Attributes:
        partial: A packet whose attachments are still coming; None when there is none.
    """

    __slots__ = ("_attachments", "_counts", "_expected", "_max_attachments", "partial")

    def __init__(self, max_attachments: int = MAX_ATTACHMENTS) -> None:
        self._max_attachments = max_attachments
        self._counts = _COUNTS if max_attachments >= len(_COUNTS) else ()
        self.partial: Packet | None = None
        self._expected = 0
        self._attachments: list[bytes] = []

    @property
    def takes_attachments(self) -> bool:
        """True unless a packet with an attachment is refused."""
        return self._max_attachments > 0

    def add(self, data: str | bytes) -> Packet | None:
        """Take one message; see :meth:`.packet.Decoder.add`."""
        if not isinstance(data, str):
            return self._add_attachment(data)
        if self.partial is not None:
            raise DecodeError("Socket.IO", "text came where an attachment was expected")
        # Short cuts for the most common packets by far: 2["name", ... and 212["name", ...
        kind = data[:1]
        if kind == "2":
            packet = _read_event(data, 1)
            if packet is not None:
                return packet
        elif kind == "5" and data[1:3] in self._counts:  # and 51-["name", ... and 51-12["name", ...
            packet = _read_event(data, 3)
            if packet is not None:
                self.partial, self._expected = packet, int(data[1])
                return None
        elif data == "0":  # a CONNECT to the main namespace, with nothing to say
            return Packet(_CONNECT)
        return self._add_text(data)

    def reset(self) -> None:
        """Forget a packet whose attachments did not all come."""
        self.partial = None
        self._attachments = []

    def _add_text(self, text: str) -> Packet | None:
        kind = text[:1]
        plain_type = _PLAIN_FORM.get(kind)
        if plain_type is None:
            return _read_packet(text, 1, _TYPES.get(kind))
        count, index = self._read_count(text)
        self.partial = _read_packet(text, index, plain_type)
        self._expected = count
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
        packet = self.partial
        if packet is None:
            raise DecodeError("Socket.IO", "an attachment came without its packet")
        self._attachments.append(data)
        if len(self._attachments) < self._expected:
            return None
        attachments = self._attachments
        self.reset()
        reconstruct(packet.data, attachments)
        return packet


def encode_ack(number: int, values: Sequence[Any]) -> str | None:
    """The acknowledgement of an event in the main namespace, as :class:`DefaultParser` encodes it.

    Args:
        number: The number of the event.
        values: What it is answered with.

    Returns:
        The text; None when there are attachments, or a value has no JSON form of its own.
    """
    if bytes in map(type, values):
        return None
    try:
        return f"3{number}{orjson.dumps(values, None, PLAIN).decode()}"
    except orjson.JSONEncodeError:
        return None


def take_bytes(data: Any, attachments: list[bytes]) -> Any:
    """Data with placeholders for bytes in the list itself, which are taken out.

    A short cut of :class:`.json.JSONEncoder`, which is asked where there are others, or many.
    """
    if data.__class__ is not list or bytes not in map(type, data):  # nearly always
        return data
    values: list[Any] = data.copy()
    for index, value in enumerate(values):
        if type(value) is bytes and len(attachments) < len(_PLACEHOLDERS):
            values[index] = _PLACEHOLDERS[len(attachments)]
            attachments.append(value)
    return values


def _read_event(text: str, index: int) -> Packet | None:
    """An event of the main namespace whose id begins at ``index``; None if it is something else."""
    start = text.find("[", index, index + 1 + MAX_ID_DIGITS)
    digits = text[index:start]
    if start < 0 or (digits and not (digits.isascii() and digits.isdigit())):
        return None
    try:
        payload: Any = orjson.loads(text[start:])
    except orjson.JSONDecodeError:
        payload = loads_slowly(text[start:])
    else:
        if len(text) >= DEEP_SIZE:
            check_depth(payload)
    # Nearly always the name needs no second look, and no call.
    name = payload[0] if payload else None
    if type(name) is not str or name in RESERVED_EVENTS:
        check_event(payload)
    return Packet(_EVENT, "/", payload, int(digits) if digits else None)


def _read_packet(text: str, index: int, type_: PacketType | None) -> Packet:
    """The packet whose namespace begins at ``index``, without its attachments."""
    if type_ is None:
        raise DecodeError("Socket.IO", "unknown packet type")
    namespace = "/"
    if text[index : index + 1] == "/":
        namespace = text[index:].partition(",")[0]
        index += len(namespace) + 1
    number, index = _read_id(text, index)
    data = None
    if index < len(text):
        data = loads(text[index:])
        if data is None:
            raise DecodeError("Socket.IO", "the payload is null")
    check_payload(type_, data)
    if type_ is _ACK and number is None:
        raise DecodeError("Socket.IO", "an acknowledgement has no id")
    return Packet(type_, namespace, data, number)


def _read_id(text: str, index: int) -> tuple[int | None, int]:
    """The acknowledgement id, and the index behind it."""
    window = text[index : index + MAX_ID_DIGITS + 1]
    length = len(window) - len(window.lstrip(_DIGITS))
    if length > MAX_ID_DIGITS:
        raise DecodeError("Socket.IO", "the acknowledgement id is too long")
    end = index + length
    return (int(text[index:end]) if length else None), end


def _too_many(count: int, limit: int) -> str:
    return (
        f"{count} binary values in one packet, and {limit} are allowed, because clients end the "
        "connection beyond that; send fewer, or raise the limit on both sides (here with "
        "DefaultParser(max_attachments=...)), or use MsgpackParser, which has no such limit"
    )
