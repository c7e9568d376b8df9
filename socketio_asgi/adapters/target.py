"""The address of a broadcast."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The sockets that a broadcast is meant for.

    Attributes:
        rooms: The rooms whose members get it, each socket once; empty means all sockets.
        excluded: The rooms whose members do not get it.
        volatile: Whether sockets that cannot take it at once miss it.
        local: Whether it stays in this process.
    """

    rooms: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    volatile: bool = False
    local: bool = False

    def includes(self, rooms: AbstractSet[str]) -> bool:
        """True when the target includes a socket in these rooms, its own room among them."""
        included = not self.rooms or not self.rooms.isdisjoint(rooms)
        return included and self.excluded.isdisjoint(rooms)
