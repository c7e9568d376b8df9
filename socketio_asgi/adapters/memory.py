"""The adapter for a single process: rooms are sets in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from ..events.acks import AckSink
from ..runtime.awaitables import DONE, together
from .base import Adapter, LocalNamespace, Recipient, SocketDetails
from .memory_log import MemoryLog
from .observer import AdapterObserver
from .packet import SharedPacket, to_plain
from .packet_store import MAX_ROOM_BYTES
from .recovery import can_be_missed, carries_offset
from .rooms import Rooms
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
        self._rooms = Rooms()

    @property
    def reaches_other_processes(self) -> bool:
        """False: there are no other processes."""
        return False

    @property
    def needs_closing(self) -> bool:
        """True for a subclass that has something to release."""
        return type(self).close is not MemoryAdapter.close

    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""
        if self.room_observer is not None and sid in self._sockets:
            return self._join_observed(self.room_observer, sid, rooms)
        self._rooms.join(sid, rooms)
        if self.log is not None:
            self.log.joined(sid, rooms)
        return DONE

    def _join_observed(
        self, observer: AdapterObserver, sid: str, rooms: Sequence[str]
    ) -> Awaitable[None]:
        known = self._rooms.joined.get(sid, frozenset[str]())
        added = [room for room in dict.fromkeys(rooms) if room != sid and room not in known]
        self._rooms.join(sid, rooms)
        if self.log is not None:
            self.log.joined(sid, rooms)
        for room in added:
            observer.room_joined(self.namespace.name, room, sid)
        return DONE

    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room."""
        observer = self.room_observer
        member = observer is not None and room in self._rooms.joined.get(sid, ())
        self._rooms.leave(sid, room)
        if self.log is not None:
            self.log.left(sid, room)
        if observer is not None and member and sid in self._sockets:
            observer.room_left(self.namespace.name, room, sid)
        return DONE

    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket out of all rooms."""
        self._rooms.leave_all(sid)
        if self.log is not None:
            self.log.forget(sid)
        return DONE

    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""
        return frozenset(self._rooms.joined.get(sid, ()))

    def has_members(self, room: str) -> bool:
        """True if a socket of this process is in a room, or has it for its own."""
        return room in self._rooms.members or room in self._sockets

    def rooms_with_members(self) -> list[str]:
        """The rooms that have members in this process, without those of the sockets' own."""
        return list(self._rooms.members)

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for."""
        if self._memory_log is not None and carries_offset(packet):
            return self._log_and_broadcast(self._memory_log, packet, target)
        volatile = target.volatile
        recipients = self._rooms.select(target, self._sockets)
        for recipient in recipients:
            recipient.deliver(packet, volatile)
        if not recipients:
            packet.check()
        if self.observer is not None:
            self.observer.broadcast(self.namespace.name, len(recipients))
        return DONE

    def _log_and_broadcast(
        self, log: MemoryLog, packet: SharedPacket, target: Target
    ) -> Awaitable[None]:
        kept = can_be_missed(packet, target)
        packet = log.keep(packet, target) if kept else packet.with_argument(log.position())
        offset = log.position()
        recipients = self.recipients(target)
        for recipient in recipients:
            if kept and recipient.id in self._sockets:  # no delivery before has ended it
                log.sent(recipient.id, offset)
            recipient.deliver(packet, target.volatile)
        if not recipients:
            packet.check()
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
        if not recipients:
            packet.check()
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
        """Let all sockets that are meant join rooms, those of clients that are away as well."""
        if self.log is not None:
            self.log.let_join(target, rooms)
        return together(self.join(recipient.id, rooms) for recipient in self.recipients(target))

    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant leave rooms, those of clients that are away as well."""
        if self.log is not None:
            self.log.let_leave(target, rooms)
        for recipient in self.recipients(target):
            for room in rooms:
                self.leave(recipient.id, room)
        return DONE

    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets that are meant; of clients that are away, none is kept."""
        if self.log is not None:
            self.log.drop(target)
        for recipient in self.recipients(target):
            recipient.disconnect(close)
        return DONE

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Check the values; there is no other server."""
        to_plain([event, *args], self.namespace.parser)
        return DONE

    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Check the values, and return no replies: there is no other server."""
        to_plain([event, *args], self.namespace.parser)
        return []

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def recipients(self, target: Target) -> list[Recipient]:
        """The sockets of this process that a target includes, each once."""
        return self._rooms.select(target, self._sockets)


def memory_log(namespace: LocalNamespace) -> MemoryLog | None:
    """A log in this process, when the namespace recovers clients.

    What one client has missed must not be more than may be sent to it at once.
    """
    if namespace.recovery is None:
        return None
    max_bytes = min(MAX_ROOM_BYTES, namespace.max_replay_bytes)
    return MemoryLog(namespace, namespace.recovery.max_disconnection_duration, max_bytes)
