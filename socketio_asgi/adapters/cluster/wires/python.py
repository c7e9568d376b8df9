"""The wire of Python servers alone: it carries the encoded event, so that no receiver encodes it.

    lengths of the binary parts, a JSON array, one line
    the message, a JSON array, one line
    the binary parts

The messages that the sender's parser made are parts as they are, text as UTF-8. Why not MessagePack
around all of it: this needs no package beyond those that are there, and a long event is copied,
where JSON or MessagePack would look at each of its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from ....protocol import EncodeError, ProtocolError
from ....protocol.binary import reconstruct
from ....protocol.json import JSONEncoder, loads
from ...target import Target
from ..driver import Skips
from ..message import (
    Body,
    Broadcast,
    ClientCount,
    ClientReply,
    Disconnection,
    EncodedEvent,
    EventValues,
    Fetch,
    FoundSockets,
    Message,
    MessageType,
    Presence,
    Reply,
    RoomChange,
    ServerEvent,
    parser_name,
)
from . import checks

VERSION = 1
"""The first value of a message; a server that does not know it drops the message."""

MAX_PARTS = 10_000
"""The most binary parts of one message."""


class PythonWire:
    """The form of messages between Python servers; see :class:`..driver.BytesWire`."""

    def encode(self, message: Message) -> bytes:
        """Turn a message into bytes.

        Raises:
            EncodeError: It holds a value that was not made plain.
        """
        parts: Sequence[str | bytes] = ()
        body = message.body
        if isinstance(body, Broadcast):
            encoded = _encoded(body, message)
            parts = encoded.messages
            content: Any = _broadcast(body, encoded)
        else:
            content = _content(body)
        head = [
            VERSION,
            int(message.type),
            message.namespace,
            message.sender,
            message.recipient,
            message.request,
            content,
        ]
        return pack(head, parts)

    def decode(self, data: bytes) -> Message:
        """Turn bytes into a message.

        Raises:
            MalformedMessage: They are none.
        """
        try:
            return _read_message(*unpack(data, 7))
        except (ProtocolError, UnicodeDecodeError) as error:
            checks.refuse(str(error))

    def decode_unless(self, skips: Skips, data: bytes) -> Message | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: They are no message.
        """
        try:
            head, parts = unpack(data, 7)
            _, number, namespace, sender, _, request, content = head
            if number == _BROADCAST and request is None:
                match content:
                    case [rooms, *_] if skips(sender, namespace, rooms):
                        return None
                    case _:
                        pass
            return _read_message(head, parts)
        except (ProtocolError, UnicodeDecodeError) as error:
            checks.refuse(str(error))


def pack(head: list[Any], parts: Sequence[str | bytes] = ()) -> bytes:
    """Put values of JSON and bytes, and further parts, into one piece.

    Raises:
        EncodeError: There is a value of another kind.
    """
    encoder = JSONEncoder()
    text = encoder.encode(head)
    raw = [
        part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        for part in (*parts, *encoder.attachments)
    ]
    lengths = orjson.dumps([len(part) for part in raw])
    return b"".join((lengths, b"\n", text.encode(), b"\n", *raw))


def unpack(data: bytes, fields: int) -> tuple[list[Any], list[bytes]]:
    """The values and the parts of such a piece; bytes among the values are still parts.

    Raises:
        MalformedMessage: It is none, or does not have that many values.
    """
    end_of_lengths = data.find(b"\n")
    end_of_head = data.find(b"\n", end_of_lengths + 1)
    if end_of_lengths < 0 or end_of_head < 0:
        checks.refuse("the head is missing")
    head = checks.items(loads(data[end_of_lengths + 1 : end_of_head].decode()))
    if len(head) != fields or head[0] != VERSION:
        checks.refuse("another version of the wire")
    return head, _parts(data, end_of_head + 1, checks.items(loads(data[:end_of_lengths].decode())))


def _encoded(body: Broadcast, message: Message) -> EncodedEvent:
    event = body.event
    if isinstance(event, EncodedEvent):
        return event
    if isinstance(event, EventValues):
        raise EncodeError("an event of another server cannot be passed on by this wire")
    # The number of an acknowledgement is another one in each server.
    event = event.with_id(None) if message.request is not None else event
    return EncodedEvent(parser_name(event.parser), event.messages(), event.compress)


def _broadcast(body: Broadcast, event: EncodedEvent) -> list[Any]:
    kinds = "".join("t" if isinstance(item, str) else "b" for item in event.messages)
    options = [body.timeout, body.hears_gone, body.number]
    return [*_target(body.target), event.parser, kinds, event.compress, *options]


def _target(target: Target) -> list[Any]:
    return [sorted(target.rooms), sorted(target.excluded), target.volatile]


def _content(body: Body | None) -> Any:
    """Everything but a broadcast as values of JSON, and bytes."""
    match body:
        case Presence():
            names = body.namespaces
            return [body.digest, None if names is None else sorted(names), body.host, body.pid]
        case RoomChange():
            return [*_target(body.target), list(body.rooms)]
        case Disconnection():
            return [*_target(body.target), body.close]
        case Fetch():
            return _target(body.target)
        case FoundSockets():
            return list(body.sockets)
        case ServerEvent():
            return body.data
        case Reply():
            return [body.value]
        case ClientReply():
            return list(body.values)
        case ClientCount():
            return body.clients
        case _:
            return None


def _read_message(head: list[Any], parts: list[bytes]) -> Message:
    _, number, namespace, sender, recipient, request, content = head
    type_ = checks.message_type(number)
    body = _read_broadcast(content, parts) if type_ is _BROADCAST else _read(type_, content, parts)
    return Message(
        type_,
        checks.namespace_name(namespace),
        checks.identifier(sender),
        body,
        checks.optional_identifier(request),
        recipient=checks.optional_identifier(recipient),
    )


_BROADCAST = MessageType.BROADCAST


def _parts(data: bytes, start: int, lengths: list[Any]) -> list[bytes]:
    if len(lengths) > MAX_PARTS:
        checks.refuse("too many parts")
    parts: list[bytes] = []
    for length in lengths:
        parts.append(data[start : start + checks.count(length)])
        start += length
    if start != len(data):
        checks.refuse("the lengths of the parts are wrong")
    return parts


def _read_broadcast(content: Any, parts: list[bytes]) -> Broadcast:
    fields = checks.items(content)
    if len(fields) != 9:
        checks.refuse("not a broadcast")
    rooms, excluded, volatile, parser, kinds, compress, timeout, hears_gone, number = fields
    if not isinstance(kinds, str) or len(kinds) != len(parts) or not parts:
        checks.refuse("the messages of the event are missing")
    messages = [
        part.decode("utf-8", "surrogatepass") if kind == "t" else part
        for kind, part in zip(kinds, parts, strict=True)
    ]
    return Broadcast(
        EncodedEvent(checks.identifier(parser), messages, compress is not False),
        _read_target(rooms, excluded, volatile),
        checks.timeout(timeout),
        hears_gone is True,
        checks.optional_number(number),
    )


def _read_target(rooms: Any, excluded: Any, volatile: Any) -> Target:
    included = frozenset(checks.rooms(rooms))
    return Target(included, frozenset(checks.rooms(excluded)), volatile is True)


def _read(type_: MessageType, content: Any, parts: list[bytes]) -> Body | None:
    content = with_bytes(content, parts)
    reader = _READERS.get(type_)
    return None if reader is None else reader(content)


def with_bytes(content: Any, parts: list[bytes]) -> Any:
    """A value of :func:`unpack` with the bytes that it holds.

    Raises:
        ProtocolError: There are others.
    """
    holder = [content]
    if parts:
        reconstruct(holder, parts)
    return holder[0]


def _read_room_change(content: Any) -> RoomChange:
    rooms, excluded, volatile, changed = _fields(content, 4)
    return RoomChange(_read_target(rooms, excluded, volatile), checks.rooms(changed))


def _read_disconnection(content: Any) -> Disconnection:
    rooms, excluded, volatile, close = _fields(content, 4)
    return Disconnection(_read_target(rooms, excluded, volatile), close is True)


def _fields(content: Any, number: int) -> list[Any]:
    fields = checks.items(content)
    return fields if len(fields) == number else checks.refuse("fields are missing")


def _read_presence(content: Any) -> Presence | None:
    if content is None:
        return None
    digest, names, host, pid = _fields(content, 4)
    if names is not None:
        names = frozenset(checks.namespace_name(name) for name in checks.items(names))
    host, pid = checks.optional_host(host), checks.optional_number(pid)
    return Presence(checks.identifier(digest), names, host, pid)


_READERS: dict[MessageType, Callable[[Any], Body | None]] = {
    MessageType.INITIAL_HEARTBEAT: _read_presence,
    MessageType.HEARTBEAT: _read_presence,
    MessageType.ADAPTER_CLOSE: _read_presence,
    MessageType.SOCKETS_JOIN: _read_room_change,
    MessageType.SOCKETS_LEAVE: _read_room_change,
    MessageType.DISCONNECT_SOCKETS: _read_disconnection,
    MessageType.FETCH_SOCKETS: lambda content: Fetch(_read_target(*_fields(content, 3))),
    MessageType.FETCH_SOCKETS_RESPONSE: lambda content: FoundSockets(checks.sockets(content)),
    MessageType.SERVER_SIDE_EMIT: lambda content: ServerEvent(checks.event(content)),
    MessageType.SERVER_SIDE_EMIT_RESPONSE: lambda content: Reply(_fields(content, 1)[0]),
    MessageType.BROADCAST_ACK: lambda content: ClientReply(tuple(checks.items(content))),
    MessageType.BROADCAST_CLIENT_COUNT: lambda content: ClientCount(checks.count(content)),
}
