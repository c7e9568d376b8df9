"""The documents of the official MongoDB adapter, and its sessions.

Keys that official servers do not know, and ignore, are all in the object ``python``.

Source: https://github.com/socketio/socket.io-mongo-adapter
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final, NamedTuple

from ....protocol import EncodeError
from ...recovery import SavedSocket
from ..driver import MAX_MESSAGE_BYTES, Skips
from ..message import ANSWERS, MalformedMessage, Message, MessageType
from . import bson, checks
from .official import fields_of, is_skipped, read
from .tracks import read_track, track_fields, track_of_official

SESSION = 13
"""The type of a session. Other official adapters say goodbye under that number."""

GOODBYE = 65
"""The type by which servers of ours say goodbye; official ones ignore it, as they say nothing."""

TAKEN = -13
"""The type of a session that was restored, or is too old."""

LARGE_BYTES = 4096
"""From that size on, a look at the rooms of an event is faster than to read it."""

RESERVED_BYTES = 64 * 1024
"""Bytes of the largest message that go around an event: rooms, and ids."""

CHANGES: Final = tuple(
    sorted(
        int(type_)
        for type_ in (
            MessageType.SOCKETS_JOIN,
            MessageType.SOCKETS_LEAVE,
            MessageType.DISCONNECT_SOCKETS,
        )
    )
)
"""The types of messages that change sockets."""

BROADCAST: Final = int(MessageType.BROADCAST)

ANSWER_TYPES: Final = tuple(sorted(map(int, ANSWERS)))


# -- messages ----------------------------------------------------------------------------------


class MongoWire:
    """The form of messages as documents.

    Args:
        add_created_at: Whether they have a field for an index by which MongoDB deletes them.
        max_bytes: The size of the largest message.
    """

    def __init__(
        self, *, add_created_at: bool = False, max_bytes: int = MAX_MESSAGE_BYTES + RESERVED_BYTES
    ) -> None:
        self.add_created_at: bool = add_created_at
        self.max_bytes: int = max_bytes

    def encode(self, message: Message) -> bytes:
        """Turn a message into a document, which has an id of its own.

        Raises:
            EncodeError: It cannot be represented, or is too large.
        """
        fields = fields_of(message)
        if message.type is MessageType.ADAPTER_CLOSE:
            fields["type"] = GOODBYE
        return self._document(fields)

    def _document(self, fields: Mapping[str, Any]) -> bytes:
        document = {"_id": import_module("bson").ObjectId(), **fields}
        if self.add_created_at:
            document["createdAt"] = datetime.now(UTC)
        data = bson.encode(document)
        if len(data) > self.max_bytes:
            raise EncodeError(f"the message has {len(data)} bytes; {self.max_bytes} are the most")
        return data

    def decode(self, data: bytes) -> Message:
        """Turn a document into a message.

        Raises:
            MalformedMessage: It is none.
        """
        return read(_fields(data))

    def decode_unless(self, skips: Skips, data: bytes) -> Message | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: It is no message.
        """
        if len(data) >= LARGE_BYTES and is_skipped(skips, _at_a_glance(data)):
            return None
        fields = _fields(data)
        return None if is_skipped(skips, fields) else read(fields)

    # -- sessions ------------------------------------------------------------------------------

    def encode_session(
        self, server: str, namespace: str, saved: SavedSocket, until: float
    ) -> bytes:
        """The session of a socket, which official servers can restore as well.

        Args:
            server: The id of the server.
            namespace: The namespace.
            saved: The socket.
            until: The time up to which it can come back, in seconds since 1970.

        Raises:
            EncodeError: It cannot be represented, or is too large.
        """
        ours = track_fields(saved.track)
        # A room may have a name that is none for a field.
        ours["rooms"] = [[room, since] for room, since in saved.track.rooms.items()]
        data = {
            "sid": saved.sid,
            "pid": saved.pid,
            "rooms": [saved.sid, *sorted(saved.rooms)],
            "data": saved.data,
            "python": {"until": until, **ours},
        }
        return self._document({"type": SESSION, "data": data, "uid": server, "nsp": namespace})


def _fields(data: bytes) -> Mapping[str, Any]:
    fields = bson.decode(data)
    type_ = fields.get("type")
    if type_ == GOODBYE:
        fields["type"] = int(MessageType.ADAPTER_CLOSE)
    elif type_ == SESSION:
        checks.refuse("a session is no message")
    return fields


def _at_a_glance(data: bytes) -> Mapping[str, Any]:
    """A document of which only those parts are read that are looked at."""
    document: Mapping[str, Any] = import_module("bson.raw_bson").RawBSONDocument(data)
    return document


class Head(NamedTuple):
    """The part of a document that has to be known of every one.

    Attributes:
        logged: Whether it belongs to what clients that come back have missed.
        offset: The id of an event for clients, which is their offset; None for other documents.
    """

    logged: bool
    offset: str | None


def head_of(document: Mapping[str, Any]) -> Head:
    """Look at a document without reading it.

    Raises:
        MalformedMessage: It is none.
    """
    try:
        type_ = document.get("type")
        if type_ in CHANGES:
            return Head(True, None)
        data = document.get("data") if type_ == BROADCAST else None
        if not isinstance(data, Mapping) or "requestId" in data:
            return Head(False, None)
        id = document.get("_id")
    except (import_module("bson").errors.BSONError, ValueError) as error:
        raise MalformedMessage(f"no BSON: {error}") from error
    return Head(True, str(id) if is_offset(str(id)) else None)


class Session(NamedTuple):
    """A session that was found.

    Attributes:
        saved: The socket.
        until: The time up to which it can come back, in seconds since 1970; None if its server,
            which is an official one, does not say.
    """

    saved: SavedSocket
    until: float | None


def decode_session(namespace: str, pid: str, data: bytes) -> Session | None:
    """Read a session; None when it belongs to another namespace, or to nobody any more.

    Raises:
        MalformedMessage: It is none.
    """
    document = bson.decode(data)
    session = checks.mapping(document.get("data"))
    if session.get("tombstone") is not None or document.get("nsp") != namespace:
        return None
    sid = checks.identifier(session.get("sid"))
    ours = session.get("python")
    if ours is None:
        rooms = frozenset(checks.rooms(session.get("rooms"))) - {sid}
        track = track_of_official(rooms, OLDEST, NEWEST)
        return Session(SavedSocket(sid, pid, session.get("data"), track), None)
    ours = checks.mapping(ours)
    pairs = [checks.items(pair) for pair in checks.items(ours.get("rooms"))]
    if any(len(pair) != 2 for pair in pairs):
        checks.refuse("not the rooms of a track")
    track = read_track({**ours, "rooms": {str(room): at for room, at in pairs}}, position, OLDEST)
    until = ours.get("until")
    if not isinstance(until, int | float):
        checks.refuse("a session without its end")
    return Session(SavedSocket(sid, pid, session.get("data"), track), until)


# -- positions ---------------------------------------------------------------------------------

NO_OFFSET: Final = "0" * 24
"""The offset before any event; official servers know it for none."""


class Place(NamedTuple):
    """The place of a document among all that were inserted, as MongoDB has ordered them.

    The id of a document says little of its place: its first half is the time of whoever made it, in
    whole seconds, and the rest is chance.

    Attributes:
        time: The cluster time of its insertion: seconds, and a number within the second.
        number: Its number among those of the same time, of which clients may miss some; a
            transaction gives one time to all. 0 is the place before the first.
        offset: The offset that clients are told: the id of the last event up to there.
    """

    time: int
    number: int
    offset: str

    def __str__(self) -> str:
        return f"{self.time:016x}{self.number:08x}@{self.offset}"

    def after(self, time: int, head: Head) -> Place:
        """The place of the next document.

        Args:
            time: The cluster time of its insertion.
            head: What is known of it.
        """
        offset = head.offset or self.offset
        if time > self.time:
            return Place(time, int(head.logged), offset)
        return Place(self.time, self.number + head.logged, offset)

    @property
    def before(self) -> Place:
        """The place before all documents of the same time."""
        return Place(self.time, 0, self.offset)


OLDEST: Final = str(Place(0, 0, NO_OFFSET))
"""The position before all documents."""

NEWEST: Final = str(Place(2**64 - 1, 2**32 - 1, NO_OFFSET))
"""A position behind all documents."""

_POSITION = re.compile(r"([0-9a-f]{16})([0-9a-f]{8})@([0-9a-f]{24})")
_OFFSET = re.compile(r"[0-9a-f]{24}")


def is_offset(text: str) -> bool:
    """True for the id of a document."""
    return _OFFSET.fullmatch(text) is not None


def parse_position(text: str) -> Place:
    """The place that a position names.

    Raises:
        ValueError: It is none.
    """
    found = _POSITION.fullmatch(text)
    if found is None:
        raise ValueError(f"not a position: {text[:60]!r}")
    time, number, offset = found.groups()
    return Place(int(time, 16), int(number, 16), offset)


def order_of(text: str) -> tuple[int, int]:
    """The part of a position by which they are in order.

    Raises:
        ValueError: It is none.
    """
    return parse_position(text)[:2]


def position(value: Any) -> str:
    """A position, checked.

    Raises:
        MalformedMessage: It is none.
    """
    if not isinstance(value, str) or _POSITION.fullmatch(value) is None:
        checks.refuse("not a position")
    return value
