"""The messages between engines, and their form, which engines in Node.js share.

Each message is a map in MessagePack, with the number of its kind, its sender and recipient, and the
rest in ``data``. Kinds from 100 on are ours, and go to servers of ours only.

Source: https://github.com/socketio/socket.io/tree/main/packages/socket.io-cluster-engine
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from ...protocol import EnginePacket, EnginePacketType, OutgoingPacket
from ..cluster.message import MalformedMessage

SOURCE = "_eio"
"""The mark of all messages."""

MAX_SID_LENGTH = 200
"""The longest session id that is looked up elsewhere, in characters."""

MAX_REASON_LENGTH = 200
"""The longest reason for the end of a session, in characters."""

_NODE = re.compile(r"[!-~]{1,64}")
_TYPES = {type_.name.lower(): type_ for type_ in EnginePacketType}
_NAMES = {type_: name for name, type_ in _TYPES.items()}


class MessageKind(IntEnum):
    """The kinds of messages; the value is the number on the wire."""

    ACQUIRE_LOCK = 0
    """To the owner of a session, or to all: a request of its client has come."""
    LOCK_RESPONSE = 1
    """From the owner: whether the request fits."""
    DRAIN = 2
    """From the owner: packets for the client."""
    PACKET = 3
    """To the owner: a packet of the client."""
    UPGRADE = 4
    """To the owner: the outcome of the test of another transport."""
    UPGRADE_RESPONSE = 5
    """From the owner: whether the session moves, or its packets are passed on."""
    CLOSE = 6
    """To the owner: the client is gone. Between servers of ours also the other way."""

    CONFIRM = 100
    """Asks for a word when everything before it was taken."""
    CONFIRMED = 101
    """That word."""
    LET_GO = 102
    """To the owner: the server ends, and the poll that waits there is to be answered."""


@dataclass(slots=True, kw_only=True)
class EngineMessage:
    """A message; what it has beside its kind and its sender depends on the kind.

    Attributes:
        kind: What it is.
        sender: The id of the server that sends it.
        recipient: The id of the server that it is for; None for all.
        request: The number of a question of its sender; of its recipient, in an answer.
        sid: The id of the session.
        transport: The name of the transport of a request.
        writes: Whether the request brings packets.
        revision: The revision of the protocol that the client speaks; None when not told.
        success: The answer, or the outcome.
        waits: In an answer, whether packets have to wait at present; in a question, whether the
            answer waits until they have not.
        drained: Packets for the client.
        packets: Packets of the client.
        reason: The reason of an end, by its official name.
    """

    kind: MessageKind
    sender: str
    recipient: str | None = None
    request: int | None = None
    sid: str = ""
    transport: str = ""
    writes: bool = False
    revision: int | None = None
    success: bool = False
    waits: bool = False
    drained: Sequence[OutgoingPacket] = ()
    packets: Sequence[EnginePacket] = ()
    reason: str = ""


def encode(message: EngineMessage) -> bytes:
    """Turn a message into bytes."""
    import ormsgpack

    fields: dict[str, Any] = {}
    if message.request is not None:
        fields["requestId"] = message.request
    fields["senderId"] = message.sender
    if message.recipient is not None:
        fields["recipientId"] = message.recipient
    fields["type"] = int(message.kind)
    fields["data"] = _data_of(message)
    fields["_source"] = SOURCE
    return ormsgpack.packb(fields, None, ormsgpack.OPT_REPLACE_SURROGATES)


def _data_of(message: EngineMessage) -> dict[str, Any]:
    match message.kind:
        case MessageKind.ACQUIRE_LOCK:
            data: dict[str, Any] = {
                "sid": message.sid,
                "transportName": message.transport,
                "type": "write" if message.writes else "read",
            }
            if message.revision is not None:
                data["protocol"] = message.revision
            return data
        case MessageKind.LOCK_RESPONSE | MessageKind.CONFIRMED:
            waits = {"waits": True} if message.waits else {}
            return {"success": message.success, **waits}
        case MessageKind.DRAIN:
            return {"sid": message.sid, "packets": [_drained(each) for each in message.drained]}
        case MessageKind.PACKET:
            return {"sid": message.sid, "packet": _received(message.packets[0])}
        case MessageKind.UPGRADE:
            return {"sid": message.sid, "success": message.success}
        case MessageKind.UPGRADE_RESPONSE:
            packets = [_received(each) for each in message.packets]
            return {"takeOver": message.success, "packets": packets}
        case MessageKind.CLOSE:
            return {"sid": message.sid, "reason": message.reason}
        case MessageKind.CONFIRM | MessageKind.LET_GO:
            return {"sid": message.sid, "waits": message.waits}


def _drained(packet: OutgoingPacket) -> dict[str, Any]:
    """A packet for a client, as engines in Node.js write it."""
    if packet.text is None:
        type_, data = EnginePacketType.MESSAGE, packet.binary or b""
        return {"type": _NAMES[type_], "options": {"compress": packet.compress}, "data": data}
    type_ = EnginePacketType(int(packet.text[0]))
    fields: dict[str, Any] = {"type": _NAMES[type_]}
    if type_ in _WITH_OPTIONS:
        fields["options"] = {"compress": packet.compress}
    if len(packet.text) > 1 or type_ is EnginePacketType.MESSAGE:
        fields["data"] = packet.text[1:]
    return fields


_WITH_OPTIONS = frozenset({EnginePacketType.MESSAGE, EnginePacketType.PING})


def _received(packet: EnginePacket) -> dict[str, Any]:
    """A packet of a client, as engines in Node.js write it."""
    fields: dict[str, Any] = {"type": _NAMES[packet.type]}
    if packet.data or packet.type is EnginePacketType.MESSAGE:
        fields["data"] = packet.data
    return fields


# -- in --------------------------------------------------------------------------------------------


def decode(data: bytes) -> EngineMessage:
    """Turn bytes into a message.

    Raises:
        MalformedMessage: They are none.
    """
    import ormsgpack

    try:
        fields: Any = ormsgpack.unpackb(data)
    except ValueError as error:
        raise MalformedMessage(f"no MessagePack: {error}") from error
    envelope = _map(fields)
    if envelope.get("_source") != SOURCE:
        raise MalformedMessage("the source is another one")
    kind = envelope.get("type")
    if type(kind) is not int or kind not in _KINDS:
        raise MalformedMessage("unknown type")
    recipient, request = envelope.get("recipientId"), envelope.get("requestId")
    message = EngineMessage(
        kind=MessageKind(kind),
        sender=_node(envelope.get("senderId")),
        recipient=None if recipient is None else _node(recipient),
        request=None if request is None else _number(request),
    )
    body = _map(envelope.get("data"))
    if message.kind not in _WITHOUT_SID:
        message.sid = _short(body.get("sid"), MAX_SID_LENGTH)
    _READERS[message.kind](message, body)
    if message.request is None and _needs_number(message):
        raise MalformedMessage("no number")
    return message


_KINDS = frozenset(int(kind) for kind in MessageKind)
_WITHOUT_SID = frozenset(
    {MessageKind.LOCK_RESPONSE, MessageKind.UPGRADE_RESPONSE, MessageKind.CONFIRMED}
)
_QUESTIONS = frozenset({MessageKind.ACQUIRE_LOCK, MessageKind.CONFIRM})


def _needs_number(message: EngineMessage) -> bool:
    if message.kind is MessageKind.UPGRADE:
        return message.success
    return message.kind in _WITHOUT_SID or message.kind in _QUESTIONS


def _read_lock(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.transport = _short(data.get("transportName"), MAX_SID_LENGTH)
    if data.get("type") not in {"read", "write"}:
        raise MalformedMessage("unknown lock")
    message.writes = data["type"] == "write"
    revision = data.get("protocol")
    message.revision = None if revision is None else _number(revision)


def _read_outcome(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.success = _flag(data.get("success"))
    message.waits = data.get("waits") is True


def _read_confirm(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.waits = _flag(data.get("waits"))


def _read_drain(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.drained = [_outgoing(_packet(each)) for each in _list(data.get("packets"))]


def _read_packet(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.packets = [_incoming(_packet(data.get("packet")))]


def _read_decision(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.success = _flag(data.get("takeOver"))
    message.packets = [_incoming(_packet(each)) for each in _list(data.get("packets"))]


def _read_close(message: EngineMessage, data: Mapping[str, Any]) -> None:
    message.reason = _short(data.get("reason"), MAX_REASON_LENGTH)


_READERS: Mapping[MessageKind, Callable[[EngineMessage, Mapping[str, Any]], None]] = {
    MessageKind.ACQUIRE_LOCK: _read_lock,
    MessageKind.LOCK_RESPONSE: _read_outcome,
    MessageKind.DRAIN: _read_drain,
    MessageKind.PACKET: _read_packet,
    MessageKind.UPGRADE: _read_outcome,
    MessageKind.UPGRADE_RESPONSE: _read_decision,
    MessageKind.CLOSE: _read_close,
    MessageKind.CONFIRM: _read_confirm,
    MessageKind.CONFIRMED: _read_outcome,
    MessageKind.LET_GO: _read_confirm,
}


def _packet(value: Any) -> tuple[EnginePacketType, str | bytes, bool]:
    fields = _map(value)
    name, data = fields.get("type"), fields.get("data")
    type_ = _TYPES.get(name) if isinstance(name, str) else None
    if type_ is None:
        raise MalformedMessage("a packet of an unknown type")
    if data is None:
        data = ""
    if not isinstance(data, str | bytes):
        raise MalformedMessage("a packet with data of another kind")
    if isinstance(data, bytes) and type_ is not EnginePacketType.MESSAGE:
        raise MalformedMessage("a packet with bytes that is no message")
    return type_, data, _compresses(fields.get("options"))


def _compresses(options: object) -> bool:
    try:
        return _map(options).get("compress") is not False
    except MalformedMessage:  # there are none
        return True


def _outgoing(packet: tuple[EnginePacketType, str | bytes, bool]) -> OutgoingPacket:
    type_, data, compress = packet
    if isinstance(data, bytes):
        return OutgoingPacket(None, data, compress)
    return OutgoingPacket(f"{type_:d}{data}", None, compress)


def _incoming(packet: tuple[EnginePacketType, str | bytes, bool]) -> EnginePacket:
    return EnginePacket(packet[0], packet[1])


def _node(value: Any) -> str:
    if isinstance(value, str) and _NODE.fullmatch(value):
        return value
    raise MalformedMessage("no id of a server")


def _number(value: Any) -> int:
    if type(value) is int and 0 <= value < 2**53:
        return value
    raise MalformedMessage("no number")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise MalformedMessage("neither true nor false")


def _short(value: Any, longest: int) -> str:
    if isinstance(value, str) and 0 < len(value) <= longest:
        return value
    raise MalformedMessage("no short text")


def _list(value: object) -> Sequence[Any]:
    if isinstance(value, list):
        return cast("Sequence[Any]", value)
    raise MalformedMessage("no list")


def _map(value: object) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return cast("Mapping[str, Any]", value)
    raise MalformedMessage("no map")
