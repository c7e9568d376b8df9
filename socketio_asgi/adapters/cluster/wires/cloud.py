"""The form of messages over the topics of clouds: attributes, and a body of MessagePack.

Every server gets all messages, so the attributes say what need not be decoded: the namespace, the
server that has sent it and, of an answer, the server that is meant. Official servers ignore further
attributes; one of ours makes a message known that comes twice.

Source: https://github.com/socketio/socket.io-gcp-pubsub-adapter, and those of the other clouds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ....protocol import EncodeError
from ..driver import MAX_MESSAGE_BYTES, RESERVED_BYTES, Inbox, Skips
from ..message import MalformedMessage, Message, MessageType
from . import checks
from .messagepack import pack, unpack
from .official import fields_of, read, read_unless

NAMESPACE = "nsp"
SENDER = "uid"
RECIPIENT = "requesterUid"

DELIVERY = "python"
"""The attribute with an id of ours, which a message keeps when it is sent again."""

MAX_ATTRIBUTE_BYTES = 1024
"""The longest name of a namespace in an attribute.

Source: https://cloud.google.com/pubsub/quotas#resource_limits
"""

ReadUnless = Callable[[Skips, Mapping[str, str], bytes], Message | None]
"""Reads a message from its attributes and its body; None for one that need not be read."""


def attributes_of(message: Message, delivery: str | None = None) -> dict[str, str]:
    """The attributes of a message.

    Args:
        message: The message.
        delivery: An id that no other message has, from servers and emitters of ours.

    Raises:
        EncodeError: The name of the namespace cannot be represented.
    """
    attributes = {NAMESPACE: _name(message.namespace), SENDER: message.sender}
    if message.recipient is not None:
        attributes[RECIPIENT] = message.recipient
    if delivery is not None:
        attributes[DELIVERY] = delivery
    return attributes


def _name(namespace: str) -> str:
    try:
        length = len(namespace.encode())
    except UnicodeEncodeError as error:
        raise EncodeError("the name of the namespace is not made of characters") from error
    if length > MAX_ATTRIBUTE_BYTES:
        raise EncodeError(f"the name of a namespace has {MAX_ATTRIBUTE_BYTES} bytes at the most")
    return namespace


def plain_fields(message: Message) -> dict[str, Any]:
    """The official fields of a message; who is meant is in the attributes alone.

    Raises:
        EncodeError: It cannot be represented.
    """
    return fields_of(replace(message, recipient=None))


def addressed(message: Message, attributes: Mapping[str, str]) -> Message:
    """A message that was read, for the server that its attributes name.

    Raises:
        MalformedMessage: They name none.
    """
    recipient = checks.optional_identifier(attributes.get(RECIPIENT))
    return message if recipient is None else replace(message, recipient=recipient)


class CloudWire:
    """The whole message in the body, as over Google Cloud and Azure."""

    def encode(self, message: Message) -> bytes:
        """Turn a message into a body.

        Raises:
            EncodeError: It cannot be represented, or ormsgpack is not installed.
        """
        return pack(plain_fields(message))

    def decode(self, attributes: Mapping[str, str], body: bytes) -> Message:
        """Turn attributes and a body into a message.

        Raises:
            MalformedMessage: They are none.
        """
        return addressed(read(checks.mapping(unpack(body))), attributes)

    def decode_unless(
        self, skips: Skips, attributes: Mapping[str, str], body: bytes
    ) -> Message | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: They are no message.
        """
        message = read_unless(skips, checks.mapping(unpack(body)))
        return None if message is None else addressed(message, attributes)


def is_heartbeat(body: bytes) -> bool:
    """True if a server of ours has packed a heartbeat: the first field is the type."""
    return body[1:7] in _HEARTBEATS


_HEARTBEATS = {
    b"\xa4type" + bytes([type_]) for type_ in (MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT)
}


def hand_in_addressed(
    inbox: Inbox,
    read_message: ReadUnless,
    attributes: Mapping[str, str],
    body: bytes,
    delivery: str,
    *,
    heartbeat: bool,
) -> None:
    """Decode what came, if it is for this server, and give it to the core; nothing raises.

    Args:
        inbox: The core.
        read_message: Reads it, such as :meth:`CloudWire.decode_unless`.
        attributes: Its attributes.
        body: Its body.
        delivery: The broker's id of the message, for one that has none of ours.
        heartbeat: Whether it is a heartbeat. Of what this server has sent itself, these alone are
            of use: they show the delay.
    """
    namespace, recipient = attributes.get(NAMESPACE), attributes.get(RECIPIENT)
    if namespace is None:
        return inbox.malformed("the attribute with the namespace is missing", len(body))
    if not inbox.wants(namespace, None) or recipient not in {None, "", inbox.server_id}:
        return None
    if attributes.get(SENDER) == inbox.server_id and not heartbeat:
        return None
    if len(body) > MAX_MESSAGE_BYTES + RESERVED_BYTES:
        return inbox.malformed("larger than MAX_MESSAGE_BYTES", len(body))
    try:
        message = read_message(inbox.skips, attributes, body)
    except MalformedMessage as error:
        return inbox.malformed(str(error), len(body))
    if message is not None:
        inbox.received(message, delivery=attributes.get(DELIVERY) or delivery)
