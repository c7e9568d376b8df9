"""The rooms that a driver subscribes to: those that have members in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from ...runtime.awaitables import DONE, together
from ...runtime.deadlines import DeadlineQueue
from ..base import LocalNamespace
from ..memory import MemoryAdapter
from .core import Core


class RoomSubscriptions:
    """The rooms of one namespace, as the driver has to know them.

    A client that is away, and comes back to this process, misses events of its rooms meanwhile: so
    a room without members is kept for as long as clients may be away.

    Args:
        namespace: The namespace.
        local: Its sockets in this process.
    """

    def __init__(self, namespace: LocalNamespace, local: MemoryAdapter) -> None:
        self._namespace = namespace
        self._local = local
        self._core: Core | None = None
        self._kept: DeadlineQueue[str] | None = None

    def bind(self, core: Core) -> None:
        """Begin in an event loop, the first or another one."""
        self._core = core
        recovery = self._namespace.recovery
        if recovery is not None:
            seconds = recovery.max_disconnection_duration
            self._kept = DeadlineQueue(core.runtime, seconds, self._end)

    def close(self) -> None:
        """End with the namespace, and all its subscriptions."""
        if self._kept is not None:
            for room in self._kept.items():
                self._kept.discard(room)

    def connected(self, sid: str) -> None:
        """A socket has connected, and has a room of its own."""
        core = self._core
        if core is not None and core.traits.private_rooms and core.driver and core.ready:
            core.driver.room_created(self._namespace.name, sid)

    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms; ends when messages to the new ones will come."""
        core, local = self._core, self._local
        if core is None or not core.traits.subscribes_rooms:
            return local.join(sid, rooms)
        created = [room for room in rooms if room != sid and not local.has_members(room)]
        local.join(sid, rooms)
        if core.driver is None or not core.ready:
            return DONE
        return together(core.driver.room_created(self._namespace.name, room) for room in created)

    def left(self, room: str) -> None:
        """A socket has left a room."""
        core = self._core
        if core is None or not core.traits.subscribes_rooms or self._local.has_members(room):
            return
        if self._kept is None:
            self._end(room)
        else:
            self._kept.add(room)

    def disconnected(self, sid: str) -> None:
        """A socket has gone, and its own room with it."""
        if self._core is not None and self._core.traits.private_rooms:
            self.left(sid)

    def _end(self, room: str) -> None:
        core = self._core
        if core is None or core.driver is None or not core.ready or self._local.has_members(room):
            return
        core.driver.room_deleted(self._namespace.name, room)
