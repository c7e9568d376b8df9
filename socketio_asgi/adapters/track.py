"""The track of a socket: what it may have seen, for the case that it comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .target import Target

MAX_STAYS = 100
"""Rooms that a socket has left, and that are remembered with the time it was in there."""

IsAfter = Callable[[str, str], bool]
"""True if the first of two positions is after the second."""


class Stay(NamedTuple):
    """The time that a socket was in a room which it has left: between two positions."""

    room: str
    since: str
    until: str


@dataclass(slots=True)
class Track:
    """The events that one socket may have seen, in positions of the log.

    A position is that of the last packet before something happened.

    Attributes:
        start: When it connected.
        rooms: The rooms that it is in, each with the time when it joined.
        stays: The rooms that it has left, the latest last.
        sent: The last packet that it was sent; None when it was sent none that is kept.
        left: When its connection was lost.
        forgotten: Of the time before, it is not known any more in which rooms it was.
    """

    start: str
    rooms: dict[str, str] = field(default_factory=dict[str, str])
    stays: tuple[Stay, ...] = ()
    sent: str | None = None
    left: str = ""
    forgotten: str = ""

    def join(self, room: str, position: str) -> None:
        """Note that the socket has joined a room, unless it is in there."""
        self.rooms.setdefault(room, position)

    def leave(self, room: str, position: str) -> None:
        """Note that the socket has left a room, if it was in there."""
        since = self.rooms.pop(room, None)
        if since is None or since == position:  # no packet came in between
            return
        self.stays = (*self.stays, Stay(room, since, position))
        if len(self.stays) > MAX_STAYS:
            self.forgotten = self.stays[0].until
            self.stays = self.stays[1:]

    def sees(self, sid: str, target: Target, position: str, is_after: IsAfter) -> bool:
        """True if a packet at a position was, or would have been, meant for the socket."""

        def was_in(room: str) -> bool:
            return room == sid or self._was_in(room, position, is_after)

        included = not target.rooms or any(map(was_in, target.rooms))
        return included and not any(map(was_in, target.excluded))

    def _was_in(self, room: str, position: str, is_after: IsAfter) -> bool:
        since = self.rooms.get(room)
        if since is not None and is_after(position, since):
            return True
        return any(
            stay.room == room
            and is_after(position, stay.since)
            and not is_after(position, stay.until)
            for stay in self.stays
        )
