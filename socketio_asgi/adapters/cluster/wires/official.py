"""The official form of messages: JSON, and MessagePack where there is binary data.

This is what the sharded Redis adapter publishes, and what others spread over fields and rows. An
event that is there as text already is put into the JSON as it is, and not encoded again.

Keys that official servers do not know, and ignore, are all in the object ``python``.

Source: https://github.com/socketio/socket.io/tree/main/packages/socket.io-adapter
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ....protocol import EncodeError, ProtocolError
from ....protocol.json import JSONEncoder, loads
from ...packet import SharedPacket
from ...target import Target
from ..driver import Skips
from ..message import (
    Body,
    Broadcast,
    ClientCount,
    ClientReply,
    Disconnection,
    EventValues,
    Fetch,
    FoundSockets,
    Message,
    MessageType,
    Presence,
    Reply,
    RoomChange,
    ServerEvent,
)
from . import checks
from .messagepack import pack, unpack

_EVENT = 2
_BROADCAST = MessageType.BROADCAST
_MILLISECONDS = 1000


class OfficialWire:
    """The form of messages that servers in Node.js understand; see :class:`..driver.BytesWire`."""

    def encode(self, message: Message) -> bytes:
        """Turn a message into bytes.

        Raises:
            EncodeError: It holds binary data, and ormsgpack is not installed.
        """
        data = spliced_data(message)
        if data is not None:
            end = ending(message.sender, message.namespace)
            return b'{"type":%d,"data":%s%s' % (message.type, data, end)
        fields = fields_of(message)
        encoder = JSONEncoder()
        text = encoder.encode(fields)
        return pack(fields) if encoder.attachments else text.encode()

    def decode(self, data: bytes) -> Message:
        """Turn bytes into a message.

        Raises:
            MalformedMessage: They are none.
        """
        return read(_fields(data))

    def decode_unless(self, skips: Skips, data: bytes) -> Message | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: They are no message.
        """
        return read_unless(skips, _fields(data))


def _fields(data: bytes) -> Mapping[str, Any]:
    try:
        return checks.mapping(loads(data.decode()) if data[:1] == b"{" else unpack(data))
    except (ProtocolError, UnicodeDecodeError) as error:
        checks.refuse(str(error))


def read_unless(skips: Skips, fields: Mapping[str, Any]) -> Message | None:
    """The message of an object with the official fields; None for one that need not be read.

    Raises:
        MalformedMessage: It is none.
    """
    return None if is_skipped(skips, fields) else read(fields)


def is_skipped(skips: Skips, fields: Mapping[str, Any]) -> bool:
    """True for an event that need not be read."""
    if fields.get("type") != _BROADCAST:
        return False
    match fields.get("data"):
        case {"requestId": _}:
            return False
        case {"opts": {"rooms": rooms}}:
            return skips(fields.get("uid"), fields.get("nsp"), rooms)
        case _:
            return False


def ending(server: str, namespace: str) -> bytes:
    """The bytes that an event of a server of ours ends with, if it is JSON.

    They close the whole message, so no value within it ends like that.
    """
    return b"," + orjson.dumps({"uid": server, "nsp": namespace})[1:]


def read(fields: Mapping[str, Any]) -> Message:
    """The message of an object with the official fields.

    Raises:
        MalformedMessage: It is none.
    """
    type_ = checks.message_type(fields.get("type"))
    data = checks.mapping({} if fields.get("data") is None else fields["data"])
    return Message(
        type_,
        checks.namespace_name(fields.get("nsp")),
        checks.identifier(fields.get("uid")),
        _read(type_, data),
        checks.optional_identifier(data.get("requestId")),
        recipient=checks.optional_identifier(ours_of(data).get("to")),
    )


# -- out ---------------------------------------------------------------------------------------


def fields_of(message: Message) -> dict[str, Any]:
    """The object with the official fields, its values plain.

    Raises:
        EncodeError: It cannot be represented.
    """
    body = message.body
    data = broadcast_fields(message, body) if isinstance(body, Broadcast) else _data(message)
    return {
        "type": int(message.type),
        **({} if data is None else {"data": data}),
        "uid": message.sender,
        "nsp": message.namespace,
    }


def spliced_data(message: Message) -> bytes | None:
    """The field ``data`` as JSON, around an event that is JSON text already; None for others."""
    body = message.body
    if not isinstance(body, Broadcast) or not isinstance(body.event, SharedPacket):
        return None
    text = body.event.json()
    if text is None:
        return None
    rest = _broadcast(message, body, None)
    del rest["packet"]
    packet = b'{"packet":{"type":%d,"data":%s},' % (_EVENT, text.encode("utf-8"))
    return packet + orjson.dumps(rest)[1:]


def broadcast_fields(message: Message, body: Broadcast) -> dict[str, Any]:
    """The fields of a broadcast, its values plain.

    Raises:
        EncodeError: It cannot be represented.
    """
    match body.event:
        case SharedPacket():
            return _broadcast(message, body, body.event.plain())
        case EventValues(data):
            return _broadcast(message, body, data)
        case _:
            raise EncodeError("an encoded event of another server cannot be passed on by this wire")


def _broadcast(message: Message, body: Broadcast, values: Any) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    if body.target.volatile:
        flags["volatile"] = True
    if not body.event.compress:
        flags["compress"] = False
    if body.timeout is not None:
        flags["timeout"] = round(body.timeout * _MILLISECONDS)
    ours: dict[str, Any] = {}
    if body.hears_gone:
        ours["gone"] = True
    if body.number is not None:
        ours["n"] = body.number
    # A key that is not meant must be left out: official servers look whether it is there at all.
    return {
        "packet": {"type": _EVENT, "data": values},
        **_request(message),
        "opts": options(body.target, flags),
        **({"python": ours} if ours else {}),
    }


def _request(message: Message) -> dict[str, Any]:
    return {} if message.request is None else {"requestId": message.request}


def options(target: Target, flags: dict[str, Any] | None = None) -> dict[str, Any]:
    """The official form of recipients."""
    return {"rooms": sorted(target.rooms), "except": sorted(target.excluded), "flags": flags or {}}


def _data(message: Message) -> dict[str, Any] | None:
    data = _content(message)
    if message.recipient is not None:
        data = data or {}
        data = {**data, "python": {**data.get("python", {}), "to": message.recipient}}
    return data


def _content(message: Message) -> dict[str, Any] | None:
    request = _request(message)
    match message.body:
        case Presence(digest, names, host, pid):
            listed = {} if names is None else {"nsps": sorted(names), "host": host, "pid": pid}
            return {"python": {"digest": digest, **listed}}
        case RoomChange(target, rooms):
            return {"opts": options(target), "rooms": list(rooms)}
        case Disconnection(target, close):
            return {"opts": options(target), "close": close}
        case Fetch(target):
            return {"opts": options(target), **request}
        case FoundSockets(sockets):
            return {**request, "sockets": list(sockets)}
        case ServerEvent(data):
            return {**request, "packet": data}
        case Reply(value):
            return request if value is None else {**request, "packet": value}
        case ClientReply(values):
            return {**request, **client_reply(values)}
        case ClientCount(clients):
            return {**request, "clientCount": clients}
        case _:
            return request or None


def client_reply(values: tuple[Any, ...]) -> dict[str, Any]:
    """Official servers know the first value alone; without one, the key is not there."""
    if not values:
        return {}
    first, *others = values
    return {"packet": first, **({"python": {"more": others}} if others else {})}


# -- in ----------------------------------------------------------------------------------------


def ours_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys that only servers of ours know."""
    ours = data.get("python")
    return checks.mapping(ours) if ours is not None else {}


def _read(type_: MessageType, data: Mapping[str, Any]) -> Body | None:
    reader = _READERS.get(type_)
    return None if reader is None else reader(data)


def read_room_change(data: Mapping[str, Any]) -> RoomChange:
    """The rooms that sockets join or leave."""
    return RoomChange(read_target(data), checks.rooms(data.get("rooms")))


def read_disconnection(data: Mapping[str, Any]) -> Disconnection:
    """The sockets that are disconnected."""
    return Disconnection(read_target(data), data.get("close") is True)


def read_client_reply(data: Mapping[str, Any]) -> ClientReply:
    """The values that a client has answered with."""
    if "packet" not in data:
        return ClientReply()
    more = ours_of(data).get("more")
    return ClientReply((data["packet"], *(() if more is None else checks.items(more))))


def _read_presence(ours: Mapping[str, Any]) -> Presence | None:
    if not ours:
        return None
    names = ours.get("nsps")
    listed = None if names is None else map(checks.namespace_name, checks.items(names))
    return Presence(
        checks.identifier(ours.get("digest")),
        None if listed is None else frozenset(listed),
        checks.optional_host(ours.get("host")),
        checks.optional_number(ours.get("pid")),
    )


def read_broadcast(data: Mapping[str, Any]) -> Broadcast:
    """An event for sockets."""
    packet = checks.mapping(data.get("packet"))
    if packet.get("type") != _EVENT:
        checks.refuse("the packet is no event")
    flags, ours = _flags(data), ours_of(data)
    return Broadcast(
        EventValues(checks.event(packet.get("data")), flags.get("compress") is not False),
        read_target(data),
        checks.timeout(flags.get("timeout"), _MILLISECONDS),
        ours.get("gone") is True,
        checks.optional_number(ours.get("n")),
    )


def _flags(data: Mapping[str, Any]) -> Mapping[str, Any]:
    flags = checks.mapping(data.get("opts")).get("flags")
    return {} if flags is None else checks.mapping(flags)


def read_target(data: Mapping[str, Any]) -> Target:
    """The recipients, from their official form."""
    options = checks.mapping(data.get("opts"))
    return Target(
        frozenset(checks.rooms(options.get("rooms"))),
        frozenset(checks.rooms(options.get("except"))),
        _flags(data).get("volatile") is True,
    )


_READERS: dict[MessageType, Callable[[Mapping[str, Any]], Body | None]] = {
    MessageType.INITIAL_HEARTBEAT: lambda data: _read_presence(ours_of(data)),
    MessageType.HEARTBEAT: lambda data: _read_presence(ours_of(data)),
    MessageType.BROADCAST: read_broadcast,
    MessageType.SOCKETS_JOIN: read_room_change,
    MessageType.SOCKETS_LEAVE: read_room_change,
    MessageType.DISCONNECT_SOCKETS: read_disconnection,
    MessageType.FETCH_SOCKETS: lambda data: Fetch(read_target(data)),
    MessageType.FETCH_SOCKETS_RESPONSE: lambda data: FoundSockets(
        checks.sockets(data.get("sockets"))
    ),
    MessageType.SERVER_SIDE_EMIT: lambda data: ServerEvent(checks.event(data.get("packet"))),
    MessageType.SERVER_SIDE_EMIT_RESPONSE: lambda data: Reply(data.get("packet")),
    MessageType.BROADCAST_CLIENT_COUNT: lambda data: ClientCount(
        checks.count(data.get("clientCount"))
    ),
    MessageType.BROADCAST_ACK: read_client_reply,
    MessageType.ADAPTER_CLOSE: lambda data: _read_presence(ours_of(data)),
}
