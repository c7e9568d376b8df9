"""The form of messages on the channels of the classic Redis adapter, older than all others.

There are three kinds of channels, each with a form of its own. Events are MessagePack arrays; the
rest is JSON, or MessagePack where there is binary data or an official server wants it. Answers do
not say whose they are; those of ours do, in the object ``python`` that official servers ignore.

Source: https://github.com/socketio/socket.io-redis-adapter
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ....protocol import EncodeError, ProtocolError
from ....protocol.json import JSONEncoder, loads
from ...target import Target
from ..message import (
    ANSWERS,
    Body,
    Broadcast,
    ClientCount,
    ClientReply,
    Disconnection,
    Fetch,
    FoundSockets,
    MalformedMessage,
    Message,
    MessageType,
    Reply,
    RoomChange,
    ServerEvent,
)
from . import checks
from .messagepack import pack, unpack
from .official import (
    broadcast_fields,
    client_reply,
    options,
    ours_of,
    read_broadcast,
    read_client_reply,
    read_disconnection,
    read_room_change,
    read_target,
)

_SOCKETS = 0
_ALL_ROOMS = 1
_JOIN = 2
_LEAVE = 3
_DISCONNECT = 4
_FETCH = 5
_SERVER_EVENT = 6
_BROADCAST = 7
_CLIENT_COUNT = 8
_CLIENT_REPLY = 9

IDS_ONLY = "ids:"
"""The beginning of the id of a question to which old servers want the ids of sockets alone."""


class ValueParser(Protocol):
    """Turns values into bytes and back, in place of MessagePack; all servers need the same one."""

    def encode(self, value: Any, /) -> bytes:
        """Turn plain values, binary data among them, into bytes."""
        ...

    def decode(self, data: bytes, /) -> Any:
        """Turn bytes into values; it may raise whatever it likes when they are none."""
        ...


class _MessagePack:
    """The parser of official servers."""

    def encode(self, value: Any, /) -> bytes:
        """Turn values into bytes."""
        return pack(value)

    def decode(self, data: bytes, /) -> Any:
        """Turn bytes into values."""
        return unpack(data)


@dataclass(frozen=True, slots=True)
class RoomsQuestion:
    """A question for the names of all rooms, which servers of ours do not ask.

    Attributes:
        request: The id that the answer carries.
        sender: The id of the server that asks; empty when it is not said.
    """

    request: str
    sender: str


@dataclass(frozen=True, slots=True)
class SocketChange:
    """The form of old servers for a change of one socket; the server that has it confirms that.

    Attributes:
        change: The change.
        sid: The socket.
        request: The id that the confirmation carries.
    """

    change: Message
    sid: str
    request: str


class ClassicWire:
    """The form of messages on the classic channels.

    Args:
        parser: In place of MessagePack; None for that.
    """

    def __init__(self, parser: ValueParser | None = None) -> None:
        self._parser: ValueParser = parser or _MessagePack()

    def beginning(self, server: str) -> bytes | None:
        """The bytes that all events of a server begin with; None where that is not known."""
        return b"\x93" + pack(server) if isinstance(self._parser, _MessagePack) else None

    # -- out ---------------------------------------------------------------------------------

    def encode(self, message: Message) -> bytes:
        """Turn a message into the bytes for the channel that it belongs on.

        Raises:
            EncodeError: It cannot be represented.
        """
        if isinstance(message.body, Broadcast):
            return self._encode_broadcast(message, message.body)
        fields = {**_HEADS[message.type], **_content(message)}
        if message.type in ANSWERS:
            if message.request is not None:
                fields["requestId"] = message.request.removeprefix(IDS_ONLY)
            if message.sender:
                fields["python"] = {**fields.get("python", {}), "uid": message.sender}
        else:
            if message.sender:
                fields["uid"] = message.sender
            if message.request is not None:
                fields["requestId"] = message.request
        if message.type is MessageType.BROADCAST_ACK:
            return self._parser.encode(fields)
        return self._encode_fields(fields)

    def encode_rooms(self, question: RoomsQuestion, rooms: list[str]) -> bytes:
        """The answer to the question for all rooms."""
        return self._encode_fields({"requestId": question.request, "rooms": rooms})

    def encode_confirmation(self, change: SocketChange) -> bytes:
        """The confirmation of a change of one socket."""
        return self._encode_fields({"requestId": change.request})

    def _encode_broadcast(self, message: Message, body: Broadcast) -> bytes:
        fields = broadcast_fields(message, body)
        fields["packet"]["nsp"] = message.namespace
        if message.request is None:
            return self._parser.encode([message.sender, fields["packet"], fields["opts"]])
        return self._parser.encode({"uid": message.sender, "type": _BROADCAST, **fields})

    def _encode_fields(self, fields: dict[str, Any]) -> bytes:
        encoder = JSONEncoder()
        text = encoder.encode(fields)
        return self._parser.encode(fields) if encoder.attachments else text.encode()

    # -- in ----------------------------------------------------------------------------------

    def decode_event(self, data: bytes, namespace: str) -> Message | None:
        """Read what came on the channels of events; None when it is for another namespace.

        Raises:
            MalformedMessage: It is no event.
        """
        items = checks.items(self._decode(data))
        if len(items) != 3:
            checks.refuse("not an event")
        sender, packet, opts = items
        # Namespaces whose names have a # may share a pattern.
        if (checks.mapping(packet).get("nsp") or "/") != namespace:
            return None
        body = read_broadcast({"packet": packet, "opts": opts})
        return Message(MessageType.BROADCAST, namespace, checks.identifier(sender), body)

    def decode_request(self, data: bytes, namespace: str) -> Message | RoomsQuestion | SocketChange:
        """Read what came on the channel of requests.

        Raises:
            MalformedMessage: It is no request.
        """
        fields = self._fields(data)
        number = _number(fields)
        sender = checks.optional_identifier(fields.get("uid")) or ""
        request = checks.optional_identifier(fields.get("requestId"))
        if number == _ALL_ROOMS:
            return RoomsQuestion(request or checks.refuse("a request has no id"), sender)
        if number == _SOCKETS and request is not None:
            target = Target(frozenset(checks.rooms(fields.get("rooms") or [])))
            type_, body = MessageType.FETCH_SOCKETS, Fetch(target)
            return Message(type_, namespace, sender, body, IDS_ONLY + request)
        if number in _CHANGES and request is not None:
            return _socket_change(fields, namespace, sender, request)
        read = _REQUESTS.get(number)
        if read is None:
            checks.refuse("unknown type")
        type_, read_body = read
        return Message(type_, namespace, sender, read_body(fields), request)

    def decode_response(self, data: bytes, namespace: str) -> Message:
        """Read what came on the channels of responses.

        Raises:
            MalformedMessage: It is no response.
        """
        fields = self._fields(data)
        request = checks.identifier(fields.get("requestId"))
        sender = checks.optional_identifier(ours_of(fields).get("uid")) or ""
        # An answer to a question for sockets has no type; one without sockets is an answer too.
        read = _ANSWERS.get(_number(fields))
        if read is None:
            checks.refuse("unknown type")
        type_, read_body = read
        return Message(type_, namespace, sender, read_body(fields), request)

    def _fields(self, data: bytes) -> Mapping[str, Any]:
        if data[:1] != b"{":
            return checks.mapping(self._decode(data))
        try:
            return checks.mapping(loads(data.decode()))
        except (ProtocolError, UnicodeDecodeError) as error:
            checks.refuse(str(error))

    def _decode(self, data: bytes) -> Any:
        try:
            return self._parser.decode(data)
        except MalformedMessage:
            raise
        except Exception as error:  # noqa: BLE001  # a parser of the application
            checks.refuse(f"the parser cannot read it: {error}")


# -- out -------------------------------------------------------------------------------------------


def _content(message: Message) -> dict[str, Any]:
    match message.body:
        case RoomChange(target, rooms):
            return {"opts": _options(target), "rooms": list(rooms)}
        case Disconnection(target, close):
            return {"opts": _options(target), "close": close}
        case Fetch(target):
            return {"opts": _options(target)}
        case FoundSockets(sockets):
            ids_only = message.request is not None and message.request.startswith(IDS_ONLY)
            return {"sockets": [item["id"] for item in sockets] if ids_only else list(sockets)}
        case ServerEvent(data):
            return {"data": data}
        case Reply(value):
            return {} if value is None else {"data": value}
        case ClientReply(values):
            return client_reply(values)
        case ClientCount(clients):
            return {"clientCount": clients}
        case None:
            return {}
        case _:
            raise EncodeError(f"{message.type.name} has no form on classic channels")


def _options(target: Target) -> dict[str, Any]:
    found = options(target)
    del found["flags"]
    return found


_HEADS: dict[MessageType, dict[str, Any]] = {
    MessageType.SOCKETS_JOIN: {"type": _JOIN},
    MessageType.SOCKETS_LEAVE: {"type": _LEAVE},
    MessageType.DISCONNECT_SOCKETS: {"type": _DISCONNECT},
    MessageType.FETCH_SOCKETS: {"type": _FETCH},
    MessageType.FETCH_SOCKETS_RESPONSE: {},
    MessageType.SERVER_SIDE_EMIT: {"type": _SERVER_EVENT},
    MessageType.SERVER_SIDE_EMIT_RESPONSE: {"type": _SERVER_EVENT},
    MessageType.BROADCAST_CLIENT_COUNT: {"type": _CLIENT_COUNT},
    MessageType.BROADCAST_ACK: {"type": _CLIENT_REPLY},
    MessageType.CLIENT_GONE: {"type": int(MessageType.CLIENT_GONE)},
}


# -- in --------------------------------------------------------------------------------------------


def _number(fields: Mapping[str, Any]) -> int | None:
    """The type of a request or response; -1 for nonsense."""
    number = fields.get("type")
    return number if number is None or type(number) is int else -1


def _socket_change(
    fields: Mapping[str, Any], namespace: str, sender: str, request: str
) -> SocketChange:
    (sid,) = checks.rooms([fields.get("sid")])
    target = Target(frozenset({sid}))
    type_ = _CHANGES[fields["type"]]
    body: Body = (
        Disconnection(target, fields.get("close") is True)
        if type_ is MessageType.DISCONNECT_SOCKETS
        else RoomChange(target, checks.rooms([fields.get("room")]))
    )
    return SocketChange(Message(type_, namespace, sender, body), sid, request)


def _read_found(fields: Mapping[str, Any]) -> FoundSockets:
    found = fields.get("sockets")
    return FoundSockets(checks.sockets(found) if isinstance(found, list) else [])


_Read = Callable[[Mapping[str, Any]], Body | None]

_CHANGES: dict[int | None, MessageType] = {
    _JOIN: MessageType.SOCKETS_JOIN,
    _LEAVE: MessageType.SOCKETS_LEAVE,
    _DISCONNECT: MessageType.DISCONNECT_SOCKETS,
}
_REQUESTS: dict[int | None, tuple[MessageType, _Read]] = {
    _JOIN: (MessageType.SOCKETS_JOIN, read_room_change),
    _LEAVE: (MessageType.SOCKETS_LEAVE, read_room_change),
    _DISCONNECT: (MessageType.DISCONNECT_SOCKETS, read_disconnection),
    _FETCH: (MessageType.FETCH_SOCKETS, lambda fields: Fetch(read_target(fields))),
    _SERVER_EVENT: (
        MessageType.SERVER_SIDE_EMIT,
        lambda fields: ServerEvent(checks.event(fields.get("data"))),
    ),
    _BROADCAST: (MessageType.BROADCAST, read_broadcast),
}
_ANSWERS: dict[int | None, tuple[MessageType, _Read]] = {
    None: (MessageType.FETCH_SOCKETS_RESPONSE, _read_found),
    _SERVER_EVENT: (
        MessageType.SERVER_SIDE_EMIT_RESPONSE,
        lambda fields: Reply(fields.get("data")),
    ),
    _CLIENT_COUNT: (
        MessageType.BROADCAST_CLIENT_COUNT,
        lambda fields: ClientCount(checks.count(fields.get("clientCount"))),
    ),
    _CLIENT_REPLY: (MessageType.BROADCAST_ACK, read_client_reply),
    int(MessageType.CLIENT_GONE): (MessageType.CLIENT_GONE, lambda _: None),
}
