"""Connection state recovery in memory: what a client missed is kept for a while.

Every event that may be missed ends with its offset, an extra argument that official clients keep
and send back when they connect again.

Source: https://socket.io/docs/v4/connection-state-recovery/
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from ..engine.transports.outbox import PACKET_OVERHEAD
from ..protocol import OutgoingPacket, PacketType
from ..runtime.awaitables import DONE
from .base import LocalNamespace, RestoredSocket, SavedSocket, SharedPacket, Target
from .memory import MemoryAdapter

MAX_PACKETS = 10_000
"""Packets that a namespace keeps for clients who come back: more than a client misses during a
short break."""

MAX_BYTES = 8 * 1024 * 1024
"""Bytes of those packets, whichever of the two is reached first."""

MAX_SESSIONS = 100_000
"""Sockets that a namespace keeps for clients who come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStateRecovery:
    """How long, and how, clients that lost their connection are recovered.

    Args:
        max_disconnection_duration: How long a client may be away, in seconds.
        skip_middlewares: Whether the middlewares are left out when it comes back.
    """

    max_disconnection_duration: float = 120.0
    skip_middlewares: bool = True


_MAX_OFFSET_DIGITS = 16


class _Kept(NamedTuple):
    """A packet that somebody may have missed."""

    expires: float
    target: Target
    frames: Sequence[OutgoingPacket]
    size: int


class _Away(NamedTuple):
    """A socket that may come back.

    ``sent`` and ``left`` are the numbers after the last packet that was sent to it, and after the
    last one of all, when its connection was lost.
    """

    expires: float
    session: SavedSocket
    sent: int
    left: int


class RecoveryAdapter(MemoryAdapter):
    """A memory adapter that keeps packets and sockets for clients who come back.

    Args:
        namespace: The namespace it serves.
        duration: How long it keeps them, in seconds.
        max_bytes: How much of the packets it keeps; no more than one client can be sent at once.
    """

    def __init__(
        self, namespace: LocalNamespace, duration: float, max_bytes: int = MAX_BYTES
    ) -> None:
        super().__init__(namespace)
        self._duration = duration
        self._max_bytes = max_bytes
        # Offsets of another process, or texts that only look like one, name no packet of ours.
        self._stream = secrets.token_urlsafe(6)
        self._next = 0
        self._packets: OrderedDict[int, _Kept] = OrderedDict()
        self._bytes = 0
        self._sessions: OrderedDict[str, _Away] = OrderedDict()
        # For each connected socket: the number after the last packet that was sent to it.
        self._sent: dict[str, int] = {}

    def broadcast(self, outgoing: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all that it is meant for, and keep it for those that are away."""
        packet = outgoing.packet
        # An acknowledgement cannot be given later, and a volatile packet may be missed.
        if packet.type is not PacketType.EVENT or packet.id is not None or target.volatile:
            return super().broadcast(outgoing, target)
        outgoing = outgoing.with_argument(f"{self._stream}-{self._next:x}")
        self._keep(outgoing, target)
        number, connected = self._next, self.namespace.recipients
        for recipient in self.recipients(target):
            if recipient.id in connected:  # no delivery before this one has ended it
                self._sent[recipient.id] = number
                recipient.deliver(outgoing)
        return DONE

    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket that is about to go out of all rooms."""
        self._sent.pop(sid, None)
        return super().leave_all(sid)

    def offset(self) -> int:
        """The number of the next packet."""
        return self._next

    def save_socket(self, session: SavedSocket) -> None:
        """Keep a socket whose connection was lost."""
        self._expire()
        sent = self._sent.get(session.sid, session.offset)
        away = _Away(time.monotonic() + self._duration, session, sent, self._next)
        self._sessions[session.pid] = away
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    def kept_for(self) -> float:
        """How long a kept socket may still come back, in seconds; 0 when none is kept."""
        self._expire()
        # They are in the order in which their time is up.
        away = next(reversed(self._sessions.values()), None)
        return 0.0 if away is None else away.expires - time.monotonic()

    async def restore_socket(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that was kept; it is taken back when its missed packets are collected."""
        self._expire()
        away = self._sessions.get(pid)
        first = None if away is None else self._first_missed(away, offset)
        if away is None or first is None:
            return None
        # A client that knows its offset sends it again next time; another one starts from here.
        position = first if offset is None else self._after(offset)
        session = replace(away.session, offset=first if position is None else position)
        return RestoredSocket(session, partial(self._collect, session, first))

    def _first_missed(self, away: _Away, offset: str | None) -> int | None:
        """The first packet that a client may have missed; None when nobody knows any more."""
        first = away.session.offset if offset is None else self._after(offset)
        if first == away.sent:
            # Nothing was lost with the connection: what matters is what came since, however long
            # ago the last packet was.
            first = away.left
        oldest = next(iter(self._packets), self._next)
        return first if first is not None and oldest <= first <= self._next else None

    def _collect(self, session: SavedSocket, first: int) -> list[Sequence[OutgoingPacket]]:
        """Take a socket back, with the packets that it missed."""
        self._sessions.pop(session.pid, None)
        rooms = session.rooms | {session.sid}
        missed: list[Sequence[OutgoingPacket]] = []
        for number in reversed(self._packets):
            if number < first:
                break
            kept = self._packets[number]
            if _includes(kept.target, rooms):
                self._sent.setdefault(session.sid, number + 1)
                missed.append(kept.frames)
        return missed[::-1]

    def _after(self, offset: str) -> int | None:
        """The number of the packet after the one with that offset."""
        stream, _, number = offset.rpartition("-")
        try:
            return int(number[:_MAX_OFFSET_DIGITS], 16) + 1 if stream == self._stream else None
        except ValueError:
            return None

    def _keep(self, outgoing: SharedPacket, target: Target) -> None:
        self._expire()
        frames = outgoing.frames
        size = sum(frame.size + PACKET_OVERHEAD for frame in frames)
        self._packets[self._next] = _Kept(time.monotonic() + self._duration, target, frames, size)
        self._bytes += size
        self._next += 1
        while len(self._packets) > MAX_PACKETS or self._bytes > self._max_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, kept = self._packets.popitem(last=False)
        self._bytes -= kept.size

    def _expire(self) -> None:
        now = time.monotonic()
        while self._packets and next(iter(self._packets.values())).expires < now:
            self._drop_oldest()
        while self._sessions and next(iter(self._sessions.values())).expires < now:
            self._sessions.popitem(last=False)


def _includes(target: Target, rooms: frozenset[str]) -> bool:
    included = not target.rooms or not target.rooms.isdisjoint(rooms)
    return included and target.excluded.isdisjoint(rooms)
