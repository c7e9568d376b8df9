"""The rooms of this process, and the subscriptions of the driver to those that have members."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from ...runtime.awaitables import DONE, together
from ...runtime.deadlines import DeadlineQueue
from ..base import LocalNamespace
from ..memory import MemoryAdapter
from ..recovery import PacketLog
from ..target import Target
from .core import Core


class ClusterRooms:
    """The rooms of one namespace in this process, of which the driver is told where it has to be.

    A client that is away, and comes back to this process, misses events of its rooms meanwhile: so
    a room without members is kept for as long as clients may be away.

    Args:
        namespace: The namespace.
        local: Its sockets in this process.
        log: The log of what clients that are away have missed; they are in rooms as well.
    """

    def __init__(
        self, namespace: LocalNamespace, local: MemoryAdapter, log: PacketLog | None
    ) -> None:
        self._namespace = namespace
        self._local = local
        self._log = log
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

    def leave(self, sid: str, room: str) -> None:
        """Take a socket out of a room."""
        self._local.leave(sid, room)
        self._left(room)

    def leave_all(self, sid: str) -> None:
        """Take a socket out of all rooms, its own one included."""
        rooms = self._local.rooms_of(sid)
        self._local.leave_all(sid)
        for room in rooms:
            self._left(room)
        if self._core is not None and self._core.traits.private_rooms:
            self._left(sid)

    def let_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Add all sockets that are meant to rooms, those of clients that are away as well."""
        if self._log is not None:
            self._log.let_join(target, rooms)
        return together(self.join(item.id, rooms) for item in self._local.recipients(target))

    def let_leave(self, target: Target, rooms: Sequence[str]) -> None:
        """Take all sockets that are meant out of rooms, those of clients that are away as well."""
        if self._log is not None:
            self._log.let_leave(target, rooms)
        for recipient in self._local.recipients(target):
            for room in rooms:
                self.leave(recipient.id, room)

    def _left(self, room: str) -> None:
        core = self._core
        if core is None or not core.traits.subscribes_rooms or self._local.has_members(room):
            return
        if self._kept is None:
            self._end(room)
        else:
            self._kept.add(room)

    def _end(self, room: str) -> None:
        core = self._core
        if core is None or core.driver is None or not core.ready or self._local.has_members(room):
            return
        core.driver.room_deleted(self._namespace.name, room)
