"""The form of sockets that are kept for clients who come back, among Python servers alone."""

from __future__ import annotations

from typing import Any

from ....protocol import ProtocolError
from ...recovery import SavedSocket
from ...track import Stay, Track
from . import checks
from .python import VERSION, pack, unpack, with_bytes

FIELDS = 5


def encode_socket(saved: SavedSocket) -> bytes:
    """Turn a socket into bytes.

    Raises:
        EncodeError: Its data were not made plain.
    """
    track = saved.track
    stays = [list(stay) for stay in track.stays]
    places = [track.start, track.rooms, stays, track.sent, track.left, track.forgotten]
    return pack([VERSION, saved.sid, saved.pid, places, saved.data])


def decode_socket(data: bytes) -> SavedSocket:
    """Turn bytes into a socket.

    Raises:
        MalformedMessage: They are none.
    """
    try:
        head, parts = unpack(data, FIELDS)
        _, sid, pid, places, kept = head
        kept = with_bytes(kept, parts)
    except (ProtocolError, UnicodeDecodeError) as error:
        checks.refuse(str(error))
    return SavedSocket(checks.identifier(sid), checks.identifier(pid), kept, _track(places))


def _track(value: Any) -> Track:
    fields = checks.items(value)
    if len(fields) != 6:
        checks.refuse("not the track of a socket")
    start, rooms, stays, sent, left, forgotten = fields
    return Track(
        start=_text(start),
        rooms={_text(room): _text(since) for room, since in checks.mapping(rooms).items()},
        stays=tuple(_stay(stay) for stay in checks.items(stays)),
        sent=None if sent is None else _text(sent),
        left=_text(left),
        forgotten=_text(forgotten),
    )


def _stay(value: Any) -> Stay:
    fields = checks.items(value)
    return Stay(*map(_text, fields)) if len(fields) == 3 else checks.refuse("not a stay")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else checks.refuse("not a text")
