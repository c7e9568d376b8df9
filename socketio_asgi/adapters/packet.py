"""The packet that adapters carry: one for all recipients, and for the servers beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from ..protocol import (
    DecodeError,
    DefaultParser,
    OutgoingPacket,
    Packet,
    PacketType,
    Parser,
    PlainConverter,
)


class SharedPacket:
    """A packet on its way out, encoded when the first recipient is found, and only then.

    Args:
        packet: The packet; None when it is given encoded, and decoded only when it has to be.
        parser: How it is encoded.
        compress: Whether an HTTP response that carries it may be compressed.
        encoded: The encoded packet with its attachments, when it is there already.

    Attributes:
        parser: The same.
        compress: The same.
        encoded: The same, or what :meth:`encode` returned; no call for each recipient.
    """

    __slots__ = ("_checked", "_packet", "compress", "encoded", "parser")

    def __init__(
        self,
        packet: Packet | None,
        parser: Parser,
        *,
        compress: bool = True,
        encoded: Sequence[OutgoingPacket] | None = None,
    ) -> None:
        self._packet = packet
        self.parser: Parser = parser
        self.compress: bool = compress
        self.encoded: Sequence[OutgoingPacket] | None = encoded
        self._checked = False

    @classmethod
    def of_messages(
        cls, messages: Sequence[str | bytes], parser: Parser, *, compress: bool = True
    ) -> SharedPacket:
        """A packet that another process has encoded.

        Args:
            messages: The Engine.IO messages that the parser of that process made.
            parser: The same parser in this process.
            compress: Whether an HTTP response that carries it may be compressed.
        """
        encoded = OutgoingPacket.messages(messages, compress=compress)
        return cls(None, parser, compress=compress, encoded=encoded)

    @property
    def packet(self) -> Packet:
        """The packet, with its values.

        Raises:
            DecodeError: It came from another process, and is none.
        """
        if self._packet is None:
            self._packet = _decode(self.messages(), self.parser)
        return self._packet

    def encode(self) -> Sequence[OutgoingPacket]:
        """The encoded packet and its attachments.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        if self.encoded is None:
            messages = self.parser.encode(self._packet or self.packet)
            self.encoded = OutgoingPacket.messages(messages, compress=self.compress)
        return self.encoded

    def check(self) -> None:
        """Check the values of a packet that nobody gets, so that a mistake shows at once.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        if not self._checked:
            self.encode()

    def messages(self) -> list[str | bytes]:
        """The encoded packet as Engine.IO messages.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        return [
            (item.binary or b"") if item.text is None else item.text[1:] for item in self.encode()
        ]

    @property
    def size(self) -> int:
        """The size of the encoded packet with its attachments, in bytes."""
        return sum(item.size for item in self.encode())

    def json(self) -> str | None:
        """The data as JSON text, where the encoded packet holds that; otherwise None."""
        packet, (first, *attachments) = self.packet, self.encode()
        if first.text is None or attachments or not isinstance(self.parser, DefaultParser):
            return None
        # Behind the two digits of the types are the namespace and the number, if there are any.
        start = 2 if packet.namespace == "/" else 3 + len(packet.namespace)
        return first.text[start if packet.id is None else start + len(str(packet.id)) :]

    def plain(self) -> Any:
        """The data in plain types alone; see :class:`~socketio_asgi.protocol.PlainConverter`.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        return to_plain(self.packet.data, self.parser)

    def with_argument(self, argument: str) -> SharedPacket:
        """The same event with one more argument."""
        longer = None if self._packet is None else _longer(self._packet, argument)
        if self.encoded is None or not isinstance(self.parser, DefaultParser):
            longer = longer or _longer(self.packet, argument)
            return SharedPacket(longer, self.parser, compress=self.compress)
        # The text ends with the bracket behind the arguments, which need not be encoded again.
        first, *attachments = self.encoded
        text = f"{(first.text or '')[:-1]},{orjson.dumps(argument).decode()}]"
        encoded = [OutgoingPacket(text, None, self.compress), *attachments]
        return SharedPacket(longer, self.parser, compress=self.compress, encoded=encoded)

    def with_id(self, id: int | None) -> SharedPacket:
        """The same event with another number for its acknowledgement, or without one."""
        packet = self.packet
        numbered = Packet(packet.type, packet.namespace, packet.data, id)
        return SharedPacket(numbered, self.parser, compress=self.compress)

    def for_namespace(self, name: str, *, checked: bool = False) -> SharedPacket:
        """The same packet, addressed to another namespace.

        Args:
            name: The name of the namespace.
            checked: Whether its values are known to be good.
        """
        packet = self.packet
        addressed = Packet(packet.type, name, packet.data, packet.id)
        shared = SharedPacket(addressed, self.parser, compress=self.compress)
        shared._checked = checked or self.encoded is not None
        return shared


def to_plain(value: Any, parser: Parser) -> Any:
    """A value in plain types alone: what the clients of a parser make of it.

    Raises:
        EncodeError: The value cannot be represented.
    """
    if isinstance(parser, PlainConverter):
        return parser.to_plain(value)
    answer = Packet(PacketType.ACK, "/", [value], 0)
    return _decode(parser.encode(answer), parser).data[0]


def _longer(packet: Packet, argument: str) -> Packet:
    return Packet(packet.type, packet.namespace, [*packet.data, argument], packet.id)


def _decode(messages: Sequence[str | bytes], parser: Parser) -> Packet:
    decoder = parser.decoder()
    packet = None
    for message in messages:
        packet = decoder.add(message)
    if packet is None:
        raise DecodeError("Socket.IO", "attachments of a packet are missing")
    return packet
