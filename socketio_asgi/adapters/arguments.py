"""Checks of the rooms that applications tell servers and emitters."""

from __future__ import annotations

from collections.abc import Sequence


def check_rooms(rooms: Sequence[object], method: str) -> frozenset[str]:
    """Check the arguments of a method that takes rooms.

    Raises:
        ValueError: There are none; in JavaScript that silently means all sockets.
        TypeError: One of them is not text.
    """
    if not rooms:
        raise ValueError(f"{method}() needs at least one room")
    checked: set[str] = set()
    for room in rooms:
        if not isinstance(room, str):
            raise TypeError(f"a room is a str, not {room!r}; for several, write {method}(*rooms)")
        checked.add(room)
    return frozenset(checked)
