"""The entries of the Redis streams adapter, its messages beside the stream, and its sessions.

Source: https://github.com/socketio/socket.io-redis-streams-adapter
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ....protocol import ProtocolError
from ....protocol.json import JSONEncoder, loads
from ...recovery import SavedSocket
from ..driver import Skips
from ..message import Message
from . import checks
from .messagepack import pack, unpack
from .official import fields_of, read, read_unless, spliced_data
from .tracks import read_track, track_fields, track_of_official

OLDEST: Final = "0-0"
"""The position before all entries."""

NEWEST: Final = f"{2**64 - 1}-{2**64 - 1}"
"""A position behind all entries."""

_TEXT_FIELDS = ("uid", "nsp", "type")


# -- entries -----------------------------------------------------------------------------------


def encode_entry(message: Message) -> list[str | bytes]:
    """The fields of an entry, names and values in turns.

    Raises:
        EncodeError: It holds binary data, and ormsgpack is not installed.
    """
    head: list[str | bytes] = [
        *("uid", message.sender),
        *("nsp", message.namespace),
        *("type", str(int(message.type))),
    ]
    data: str | bytes | None = spliced_data(message)
    if data is None:
        data = _data_text(fields_of(message).get("data"))
    return head if data is None else [*head, "data", data]


def _data_text(data: Any) -> str | bytes | None:
    if data is None:
        return None
    encoder = JSONEncoder()
    text = encoder.encode(data)
    return base64.b64encode(pack(data)) if encoder.attachments else text


def decode_entry(items: Sequence[bytes]) -> Message:
    """Read the fields of an entry.

    Raises:
        MalformedMessage: They are no message.
    """
    return read(_entry_fields(items))


def decode_entry_unless(skips: Skips, items: Sequence[bytes]) -> Message | None:
    """The same; None for an event that need not be read.

    Raises:
        MalformedMessage: They are no message.
    """
    return read_unless(skips, _entry_fields(items))


def _entry_fields(items: Sequence[bytes]) -> Mapping[str, Any]:
    found = dict(zip(items[::2], items[1::2], strict=False))
    try:
        fields: dict[str, Any] = {
            name: found[name.encode()].decode() for name in _TEXT_FIELDS if name.encode() in found
        }
    except UnicodeDecodeError as error:
        checks.refuse(str(error))
    type_ = fields.get("type", "")
    fields["type"] = int(type_) if type_.isdecimal() and len(type_) < 4 else None
    data = found.get(b"data")
    return fields if data is None else {**fields, "data": _read_data(data)}


def _read_data(data: bytes) -> Any:
    try:
        if data[:1] == b"{":
            return loads(data.decode())
        return unpack(base64.b64decode(data, validate=True))
    except (ProtocolError, UnicodeDecodeError, binascii.Error) as error:
        checks.refuse(str(error))


# -- messages beside the stream ----------------------------------------------------------------


class SignalWire:
    """Questions, answers and the like; always MessagePack; see :class:`...driver.BytesWire`."""

    def encode(self, message: Message) -> bytes:
        """Turn a message into bytes.

        Raises:
            EncodeError: ormsgpack is not installed.
        """
        return pack(fields_of(message))

    def decode(self, data: bytes) -> Message:
        """Turn bytes into a message.

        Raises:
            MalformedMessage: They are none.
        """
        return read(checks.mapping(unpack(data)))

    def decode_unless(self, skips: Skips, data: bytes) -> Message:
        """The same: no event without an acknowledgement comes that way.

        Raises:
            MalformedMessage: They are no message.
        """
        return self.decode(data)


# -- sessions ----------------------------------------------------------------------------------


def encode_session(namespace: str, saved: SavedSocket) -> bytes:
    """The session of a socket, which official servers can restore as well.

    Raises:
        EncodeError: ormsgpack is not installed.
    """
    session = {
        "sid": saved.sid,
        "pid": saved.pid,
        "rooms": [saved.sid, *sorted(saved.rooms)],
        "data": saved.data,
        "python": {
            "nsp": namespace,
            **track_fields(saved.track),
        },
    }
    return base64.b64encode(pack(session))


def decode_session(namespace: str, pid: str, data: bytes) -> SavedSocket | None:
    """Read a session; None when it belongs to another namespace.

    Raises:
        MalformedMessage: It is none.
    """
    try:
        session = checks.mapping(unpack(base64.b64decode(data, validate=True)))
    except binascii.Error as error:
        checks.refuse(str(error))
    sid = checks.identifier(session.get("sid"))
    rooms = frozenset(checks.rooms(session.get("rooms"))) - {sid}
    ours = session.get("python")
    if ours is None:
        track = track_of_official(rooms, OLDEST, NEWEST)
    else:
        ours = checks.mapping(ours)
        if ours.get("nsp") != namespace:
            return None
        track = read_track(ours, position, OLDEST)
    return SavedSocket(sid, pid, session.get("data"), track)


# -- positions ---------------------------------------------------------------------------------


def parse_position(text: str) -> tuple[int, int]:
    """The two numbers of the id of an entry.

    Raises:
        ValueError: It is no such id.
    """
    milliseconds, dash, number = text.partition("-")
    numbers = milliseconds + number
    if not dash or not (numbers.isdecimal() and numbers.isascii()) or len(text) > 41:
        raise ValueError(f"not the id of an entry: {text[:50]!r}")
    return int(milliseconds), int(number)


def position(value: Any) -> str:
    """The id of an entry, checked.

    Raises:
        MalformedMessage: It is none.
    """
    if not isinstance(value, str):
        checks.refuse("a position is not text")
    try:
        parse_position(value)
    except ValueError as error:
        checks.refuse(str(error))
    return value


# -- several streams ---------------------------------------------------------------------------


def stream_names(name: str, count: int, namespace: str) -> tuple[str, str | None]:
    """The stream that a namespace is published to, and another one that official servers may use.

    With several streams, official servers choose by a hash of the namespace, whose sign they keep:
    with a negative one they publish to a stream such as ``socket.io--3``, which none of them reads.

    Args:
        name: The first part of the names.
        count: How many streams there are.
        namespace: The namespace.
    """
    if count == 1:
        return name, None
    hashed = _hash(namespace)
    rest = abs(hashed) % count
    if hashed >= 0 or rest == 0:
        return f"{name}-{rest}", None
    return f"{name}-{count - rest}", f"{name}--{rest}"


def _hash(text: str) -> int:
    """The hash of a text in Java, over its UTF-16 units, with 32 bits and a sign."""
    units = text.encode("utf-16-le", "surrogatepass")
    result = 0
    for low, high in zip(units[::2], units[1::2], strict=True):
        result = (result * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return result - (1 << 32) if result >= 1 << 31 else result
