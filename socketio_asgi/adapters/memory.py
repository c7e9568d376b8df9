"""The adapter for a single process: rooms are sets in memory.

Every socket is alone in a room with its own id. That room is not stored: an id that is looked up
as a room is found among the sockets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from ..events.acks import AckSink
from ..runtime.awaitables import DONE, together
from .base import Adapter, LocalNamespace, Recipient, SocketDetails
from .packet import SharedPacket
from .recovery import MAX_BYTES, MemoryLog, can_be_missed
from .target import Target


class MemoryAdapter(Adapter):
    """Joins and leaves cost the number of rooms named; a broadcast, the number of members.

    Args:
        namespace: The namespace it serves.
        recovers: Whether it keeps packets and sockets for clients that come back, when the
            namespace recovers them.
    """

    def __init__(self, namespace: LocalNamespace, *, recovers: bool = True) -> None:
        self._memory_log = memory_log(namespace) if recovers else None
        super().__init__(namespace, self._memory_log)
        self._sockets: Mapping[str, Recipient] = namespace.recipients
        self._members: dict[str, set[str]] = {}
        self._rooms: dict[str, set[str]] = {}

    @property
    def reaches_other_processes(self) -> bool:
        """False: there are no other processes."""
        return False

    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""
        for room in rooms:
            if room != sid:
                self._members.setdefault(room, set()).add(sid)
                self._rooms.setdefault(sid, set()).add(room)
        return DONE

    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room."""
        rooms = self._rooms.get(sid)
        if rooms is not None and room in rooms:
            rooms.discard(room)
            if not rooms:
                del self._rooms[sid]
            self._remove_member(room, sid)
        return DONE

    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket out of all rooms."""
        for room in self._rooms.pop(sid, ()):
            self._remove_member(room, sid)
        if self._memory_log is not None:
            self._memory_log.forget(sid)
        return DONE

    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""
        return frozenset(self._rooms.get(sid, ()))

    def has_members(self, room: str) -> bool:
        """True if a socket of this process is in a room, or has it for its own."""
        return room in self._members or room in self._sockets

    def rooms_with_members(self) -> list[str]:
        """The rooms that have members in this process, without those of the sockets' own."""
        return list(self._members)

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for."""
        if self._memory_log is not None and can_be_missed(packet, target):
            return self._keep_and_broadcast(self._memory_log, packet, target)
        volatile = target.volatile
        recipients = self.recipients(target)
        for recipient in recipients:
            recipient.deliver(packet, volatile)
        if self.observer is not None:
            self.observer.broadcast(self.namespace.name, len(recipients))
        return DONE

    def _keep_and_broadcast(
        self, log: MemoryLog, packet: SharedPacket, target: Target
    ) -> Awaitable[None]:
        packet = log.keep(packet, target)
        recipients = self.recipients(target)
        for recipient in recipients:
            if recipient.id in self._sockets:  # no delivery before this one has ended it
                log.delivered(recipient.id)
                recipient.deliver(packet)
        if self.observer is not None:
            self.observer.broadcast(self.namespace.name, len(recipients))
        return DONE

    def broadcast_with_ack(
        self, packet: SharedPacket, target: Target, acks: AckSink
    ) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for, and collect what they answer."""
        recipients = self.recipients(target)
        for recipient in recipients:
            forget = recipient.deliver_with_ack(packet, acks, volatile=target.volatile)
            acks.hold(recipient.id, forget)
        acks.expect(len(recipients))
        if self.observer is not None:
            self.observer.broadcast(self.namespace.name, len(recipients))
        return DONE

    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        """Look up the sockets that are meant."""
        return [
            SocketDetails(recipient.id, recipient.handshake, recipient.rooms, recipient.data)
            for recipient in self.recipients(target)
        ]

    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant join rooms."""
        return together(self.join(recipient.id, rooms) for recipient in self.recipients(target))

    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant leave rooms."""
        for recipient in self.recipients(target):
            for room in rooms:
                self.leave(recipient.id, room)
        return DONE

    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets that are meant."""
        for recipient in self.recipients(target):
            recipient.disconnect(close)
        return DONE

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Do nothing: there is no other server."""
        return DONE

    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Return no replies: there is no other server."""
        return []

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def recipients(self, target: Target) -> list[Recipient]:
        """The sockets of this process that a target includes, each once."""
        sockets, rooms = self._sockets, target.rooms
        # A list, because a delivery can end a connection and so change what is iterated over.
        if not rooms and not target.excluded:
            return list(sockets.values())
        if len(rooms) == 1 and not target.excluded:  # nearly always: no set has to be made
            (room,) = rooms
            if room not in sockets:
                return [sockets[sid] for sid in self._members.get(room, ()) if sid in sockets]
        sids = self._sids(rooms) if rooms else sockets.keys()
        excluded = self._sids(target.excluded) if target.excluded else ()
        return [sockets[sid] for sid in sids if sid not in excluded and sid in sockets]

    def _sids(self, rooms: frozenset[str]) -> set[str]:
        sids: set[str] = set(rooms)  # the room of its own, where it is the id of a socket
        for room in rooms:
            sids.update(self._members.get(room, ()))
        return sids

    def _remove_member(self, room: str, sid: str) -> None:
        members = self._members[room]
        members.discard(sid)
        if not members:
            del self._members[room]


def memory_log(namespace: LocalNamespace) -> MemoryLog | None:
    """A log in this process, when the namespace recovers clients.

    What one client has missed must not be more than may be sent to it at once.
    """
    if namespace.recovery is None:
        return None
    max_bytes = min(MAX_BYTES, namespace.max_replay_bytes)
    return MemoryLog(namespace, namespace.recovery.max_disconnection_duration, max_bytes)
