"""Rooms: which sockets are in which.

Every socket is alone in a room with its own id. That room is not stored: an id that is looked up
as a room is found among the sockets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from .target import Target

T = TypeVar("T")


class Rooms:
    """Joins and leaves cost the same in a large room; a choice, the number of members.

    Attributes:
        members: The sockets in each room that has some.
        joined: The rooms of each socket that is in some.
    """

    __slots__ = ("joined", "members")

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}
        self.joined: dict[str, set[str]] = {}

    def join(self, sid: str, rooms: Iterable[str]) -> None:
        """Add a socket to rooms."""
        for room in rooms:
            if room != sid:
                self.members.setdefault(room, set()).add(sid)
                self.joined.setdefault(sid, set()).add(room)

    def leave(self, sid: str, room: str) -> None:
        """Take a socket out of a room; does nothing when it is not in there."""
        rooms = self.joined.get(sid)
        if rooms is not None and room in rooms:
            rooms.discard(room)
            if not rooms:
                del self.joined[sid]
            self._remove_member(room, sid)

    def leave_all(self, sid: str) -> None:
        """Take a socket out of all rooms."""
        for room in self.joined.pop(sid, ()):
            self._remove_member(room, sid)

    def select(self, target: Target, sockets: Mapping[str, T]) -> list[T]:
        """Choose those of some sockets that a target includes, each once."""
        rooms = target.rooms
        # A list, because a delivery can end a connection and so change what is iterated over.
        if not rooms and not target.excluded:
            return list(sockets.values())
        if len(rooms) == 1 and not target.excluded:  # nearly always: no set has to be made
            (room,) = rooms
            if room not in sockets:
                return [sockets[sid] for sid in self.members.get(room, ()) if sid in sockets]
        sids = self._sids(rooms) if rooms else sockets.keys()
        excluded = self._sids(target.excluded) if target.excluded else ()
        return [sockets[sid] for sid in sids if sid not in excluded and sid in sockets]

    def _sids(self, rooms: frozenset[str]) -> set[str]:
        sids: set[str] = set(rooms)  # the room of its own, where it is the id of a socket
        for room in rooms:
            sids.update(self.members.get(room, ()))
        return sids

    def _remove_member(self, room: str, sid: str) -> None:
        members = self.members[room]
        members.discard(sid)
        if not members:
            del self.members[room]
