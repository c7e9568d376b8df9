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
from typing import NamedTuple

from ..protocol import Frame, PacketType
from .base import LocalNamespace, Outgoing, RestoredSession, SavedSession, Target
from .memory import MemoryAdapter

MAX_PACKETS = 10_000
"""Packets that a namespace keeps for clients who come back: some hundred bytes each, and more
than a client misses during a short break."""

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
    frames: Sequence[Frame]


class RecoveryAdapter(MemoryAdapter):
    """A memory adapter that keeps packets and sockets for clients who come back.

    Args:
        namespace: The namespace it serves.
        duration: How long it keeps them, in seconds.
    """

    def __init__(self, namespace: LocalNamespace, duration: float) -> None:
        super().__init__(namespace)
        self._duration = duration
        # Offsets of another process, or texts that only look like one, name no packet of ours.
        self._stream = secrets.token_urlsafe(6)
        self._next = 0
        self._packets: OrderedDict[int, _Kept] = OrderedDict()
        self._sessions: OrderedDict[str, tuple[float, SavedSession]] = OrderedDict()

    def broadcast(self, outgoing: Outgoing, target: Target) -> Awaitable[None]:
        """Hand a packet to all that it is meant for, and keep it for those that are away."""
        packet = outgoing.packet
        # An acknowledgement cannot be given later, and a volatile packet may be missed.
        if packet.type is PacketType.EVENT and packet.id is None and not target.volatile:
            outgoing = outgoing.with_argument(f"{self._stream}-{self._next:x}")
            self._keep(outgoing, target)
        return super().broadcast(outgoing, target)

    def offset(self) -> int:
        """The number of the next packet."""
        return self._next

    def save_session(self, session: SavedSession) -> None:
        """Keep a socket whose connection was lost."""
        self._expire()
        self._sessions[session.pid] = (time.monotonic() + self._duration, session)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    async def restore_session(self, pid: str, offset: str | None) -> RestoredSession | None:
        """Take back a socket that was kept."""
        self._expire()
        _, session = self._sessions.pop(pid, (0.0, None))
        if session is None:
            return None
        first = session.offset if offset is None else self._after(offset)
        oldest = next(iter(self._packets), self._next)
        if first is None or not oldest <= first <= self._next:
            return None  # nobody knows any more what was missed
        missed = [
            kept.frames
            for number, kept in self._packets.items()
            if number >= first and _includes(kept.target, session.rooms | {session.sid})
        ]
        return RestoredSession(replace(session, offset=first), missed)

    def _after(self, offset: str) -> int | None:
        """The number of the packet after the one with that offset."""
        stream, _, number = offset.rpartition("-")
        try:
            return int(number[:_MAX_OFFSET_DIGITS], 16) + 1 if stream == self._stream else None
        except ValueError:
            return None

    def _keep(self, outgoing: Outgoing, target: Target) -> None:
        self._expire()
        kept = _Kept(time.monotonic() + self._duration, target, outgoing.frames)
        self._packets[self._next] = kept
        self._next += 1
        if len(self._packets) > MAX_PACKETS:
            self._packets.popitem(last=False)

    def _expire(self) -> None:
        now = time.monotonic()
        while self._packets and next(iter(self._packets.values())).expires < now:
            self._packets.popitem(last=False)
        while self._sessions and next(iter(self._sessions.values()))[0] < now:
            self._sessions.popitem(last=False)


def _includes(target: Target, rooms: frozenset[str]) -> bool:
    included = not target.rooms or not target.rooms.isdisjoint(rooms)
    return included and target.excluded.isdisjoint(rooms)
