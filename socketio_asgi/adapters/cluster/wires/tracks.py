"""The tracks of sockets beside the official fields of their sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...track import Stay, Track
from . import checks

MAX_SAVED_ROOMS = 100_000
"""The most rooms of a socket that comes back."""

Check = Callable[[Any], str]
"""Returns a position that came, or raises MalformedMessage."""


def track_fields(track: Track) -> dict[str, Any]:
    """The fields of a track."""
    return {
        "start": track.start,
        "left": track.left,
        "sent": track.sent,
        "rooms": track.rooms,
        "stays": [list(stay) for stay in track.stays],
        "forgotten": track.forgotten,
    }


def read_track(fields: Mapping[str, Any], check: Check, oldest: str) -> Track:
    """The track of such fields.

    Args:
        fields: The fields.
        check: Checks the positions.
        oldest: The position before all others.

    Raises:
        MalformedMessage: It is none.
    """
    sent = fields.get("sent")
    rooms = checks.mapping(fields.get("rooms"))
    if len(rooms) > MAX_SAVED_ROOMS:
        checks.refuse("too many rooms")
    return Track(
        check(fields.get("start")),
        {str(room): check(since) for room, since in rooms.items()},
        tuple(_read_stay(item, check) for item in checks.items(fields.get("stays"))),
        None if sent is None else check(sent),
        check(fields.get("left")),
        check(fields.get("forgotten") or oldest),
    )


def _read_stay(value: Any, check: Check) -> Stay:
    match checks.items(value):
        case [str(room), since, until]:
            return Stay(room, check(since), check(until))
        case _:
            checks.refuse("not a stay in a room")


def track_of_official(rooms: Iterable[str], oldest: str, newest: str) -> Track:
    """The track of a socket of an official server.

    These do not say when it joined its rooms, nor what it was sent: it gets everything for its
    rooms behind the offset that it names.
    """
    return Track(oldest, dict.fromkeys(rooms, oldest), sent=newest, left=newest)
