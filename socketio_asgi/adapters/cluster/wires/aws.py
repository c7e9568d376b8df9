"""The form of messages over SNS and SQS: attributes, of which one is MessagePack, and a short text.

The text is the number of the type. An event that is too large for a message is stored in S3, whole;
the message then has another text, which official servers take for an unknown type and ignore.

Source: https://github.com/socketio/socket.io-aws-sqs-adapter
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....protocol import EncodeError
from ..driver import Skips
from ..message import Message, MessageType
from . import checks
from .cloud import DELIVERY, addressed, attributes_of, plain_fields
from .messagepack import pack, unpack
from .official import read, read_unless

DATA = "data"
"""The attribute with the content of a message, without its type, sender and namespace."""

TEXT = "text"
"""The name under which a text stands among the attributes of a message that was read."""

STORED = "s3"
"""The text of a message whose content is in S3."""

KEY = "python.key"
"""The attribute with the name of an object in S3."""

ROOM = "python.room"
"""The attribute with the one room that a stored event is meant for."""

FROM = "python.from"
"""The attribute with the server that need not get a message back; SNS does not deliver it there."""

MAX_ROOM_LENGTH = 200
"""The longest name of a room that a message tells, beside the name of an object."""

EMITTER = "emitter"
"""The id by which emitters send, which are no servers."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEARTBEATS = {str(int(type_)) for type_ in (MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT)}


@dataclass(frozen=True, slots=True)
class AwsForm:
    """A message as it is published.

    Attributes:
        text: Its text.
        attributes: Its attributes with text.
        data: Its attribute with bytes, if it has any.
    """

    text: str
    attributes: Mapping[str, str]
    data: bytes | None = None

    @property
    def size(self) -> int:
        """Its size, as SNS counts it, in bytes: names, types and values belong to it."""
        size = len(self.text)
        for name, value in self.attributes.items():
            size += len(name) + len("String") + len(value.encode())
        if self.data is not None:
            size += len(DATA) + len("Binary") + len(self.data)
        return size

    def entry(self) -> dict[str, Any]:
        """The message as botocore takes it."""
        attributes: dict[str, dict[str, str | bytes]] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in self.attributes.items()
        }
        if self.data is not None:
            attributes[DATA] = {"DataType": "Binary", "BinaryValue": self.data}
        return {"Message": self.text, "MessageAttributes": attributes}


class AwsWire:
    """The form of messages that official servers understand, and that of stored ones."""

    def encode(self, message: Message, delivery: str | None) -> AwsForm:
        """Turn a message into what is published.

        Args:
            message: The message.
            delivery: An id that no other message has.

        Raises:
            EncodeError: It cannot be represented, or ormsgpack is not installed.
        """
        fields = plain_fields(message)
        data = None if fields.get("data") is None else pack(fields["data"])
        return AwsForm(str(fields["type"]), self._attributes(message, delivery), data)

    def encode_stored(
        self, message: Message, delivery: str | None, key: str
    ) -> tuple[AwsForm, bytes]:
        """Turn a message into what is published, and what is stored.

        Args:
            message: The message.
            delivery: An id that no other message has.
            key: The name under which it is stored.

        Raises:
            EncodeError: It cannot be represented, or ormsgpack is not installed.
        """
        attributes = {**self._attributes(message, delivery), KEY: key}
        room = message.room
        if room and len(room) <= MAX_ROOM_LENGTH and not _NOT_IN_XML.search(room):
            attributes[ROOM] = room
        return AwsForm(STORED, attributes), pack(plain_fields(message))

    def _attributes(self, message: Message, delivery: str | None) -> dict[str, str]:
        if _NOT_IN_XML.search(message.namespace):
            raise EncodeError(
                f"SNS takes no control characters in the name of a namespace: {message.namespace!r}"
            )
        attributes = attributes_of(message, delivery)
        heartbeat = str(int(message.type)) in _HEARTBEATS
        if not heartbeat and message.recipient is None and message.sender != EMITTER:
            attributes[FROM] = message.sender
        return attributes

    def read_unless(
        self, skips: Skips, attributes: Mapping[str, str], data: bytes
    ) -> Message | None:
        """Read a message; None for an event that need not be read.

        Args:
            skips: Tells which events need not be read.
            attributes: The attributes with text, and the text itself under :data:`TEXT`.
            data: The attribute with bytes, or the object of a stored message.

        Raises:
            MalformedMessage: They are no message.
        """
        if attributes[TEXT] == STORED:
            fields = checks.mapping(unpack(data))
        else:
            fields = {
                "type": _type(attributes[TEXT]),
                "data": unpack(data) if data else None,
                "uid": attributes.get("uid"),
                "nsp": attributes.get("nsp"),
            }
        message = read_unless(skips, fields)
        return None if message is None else addressed(message, attributes)

    def read(self, attributes: Mapping[str, str], data: bytes) -> Message:
        """Read a message.

        Raises:
            MalformedMessage: They are no message.
        """
        message = self.read_unless(_skip_none, attributes, data)
        return message or read({})  # which is none


def _skip_none(*_: object) -> bool:
    return False


def _type(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    checks.refuse("the text is no number of a type")


def is_heartbeat(attributes: Mapping[str, str]) -> bool:
    """True for a heartbeat, by its text."""
    return attributes.get(TEXT) in _HEARTBEATS


def received(raw: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """The attributes with text, with the text itself, and the bytes of a message of SQS."""
    texts = {TEXT: str(raw.get("Body", ""))}
    data = b""
    found: Mapping[str, Mapping[str, Any]] = raw.get("MessageAttributes") or {}
    for name, value in found.items():
        text, binary = value.get("StringValue"), value.get("BinaryValue")
        if isinstance(text, str) and name != TEXT:
            texts[name] = text
        elif name == DATA and isinstance(binary, bytes):
            data = binary
    return texts, data


def numbered(attributes: Mapping[str, str]) -> tuple[str, int] | None:
    """The stream of a message and its number in it, if it is one of ours for all servers."""
    stream, _, number = attributes.get(DELIVERY, "").rpartition("-")
    if not stream or not (number.isascii() and number.isdigit()) or len(number) > 15:
        return None
    return stream, int(number)
