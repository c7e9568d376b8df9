"""Connection state recovery: the packets that a client missed are kept for a while.

Every event that may be missed ends with its offset, an extra argument that official clients keep
and send back when they connect again. Offsets are text to everything but the log that made them.

:class:`PacketLog` is the interface that the server needs; :class:`MemoryLog` keeps everything in
this process.

Source: https://socket.io/docs/v4/connection-state-recovery/
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from ..engine.transports.outbox import PACKET_OVERHEAD
from ..protocol import OutgoingPacket, PacketType
from ..runtime import Runtime
from ..runtime.awaitables import DONE
from ..runtime.checks import check_flag, check_seconds
from .packet import SharedPacket
from .target import Target

MAX_PACKETS = 10_000
"""Packets that a namespace keeps for clients that come back: more than a client misses during a
short break."""

MAX_BYTES = 8 * 1024 * 1024
"""Bytes of those packets, whichever of the two is reached first."""

MAX_SESSIONS = 100_000
"""Sockets that a namespace keeps for clients that come back."""

MAX_DISCONNECTION_SECONDS = 86_400.0
"""The longest time that a client may be away: after a day, nobody waits for it
any more."""

MissedPackets = Sequence[Sequence[OutgoingPacket]]
"""Encoded packets with their attachments, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStateRecovery:
    """The options for clients that lost their connection.

    Args:
        max_disconnection_duration: How long a client may be away, in seconds.
        skip_middlewares: Whether the middlewares are left out when it comes back.

    Raises:
        TypeError: A value is of another kind.
        ValueError: The time makes no sense.
    """

    max_disconnection_duration: float = 120.0
    skip_middlewares: bool = True

    def __post_init__(self) -> None:
        duration = self.max_disconnection_duration
        check_seconds("max_disconnection_duration", duration, MAX_DISCONNECTION_SECONDS)
        check_flag("skip_middlewares", self.skip_middlewares)


@dataclass(frozen=True, slots=True)
class SavedSocket:
    """The state of a socket that lost its connection.

    Attributes:
        sid: Its public id.
        pid: The secret by which the client proves that it is the same.
        rooms: The rooms it was in.
        data: The data that the application kept with it.
        offset: The position of the log when the socket connected; for a client that has received
            no packet since.
    """

    sid: str
    pid: str
    rooms: frozenset[str]
    data: Any
    offset: str


@dataclass(frozen=True, slots=True)
class RestoredSocket:
    """A socket that may come back, unless a middleware refuses it.

    Attributes:
        saved: The state of the socket.
        claim: Takes the socket out of the log once it is accepted, and returns the packets that the
            client has missed until then; None when another connection was faster, or time is up.
            Until it is called, the socket stays in the log. A log in memory does not wait in it.
    """

    saved: SavedSocket
    claim: Callable[[], Awaitable[MissedPackets | None]]


class PacketLog(ABC):
    """A log of packets and sockets for clients that come back; any adapter can have one."""

    @abstractmethod
    def position(self) -> str:
        """The offset at which the stream of packets stands at present."""

    @abstractmethod
    def save(self, saved: SavedSocket) -> Awaitable[None]:
        """Keep a socket that lost its connection.

        Returns:
            An awaitable for what takes longer; nothing is lost when it is dropped.
        """

    @abstractmethod
    async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that is kept.

        Args:
            pid: The secret of the client.
            offset: The last packet that it has received, if it has received any.

        Returns:
            The socket; None when it is too late, or the missed packets are not known any more.
        """

    def kept_for(self) -> float:
        """The time that a kept socket may still come back in, in seconds; 0 when none is kept."""
        return 0.0


def can_be_missed(packet: SharedPacket, target: Target) -> bool:
    """True if a packet is kept for clients that are away.

    An acknowledgement cannot be given later, and a volatile packet may be missed.
    """
    if target.volatile:
        return False
    data = packet.packet
    return data.type is PacketType.EVENT and data.id is None


class HasRuntime(Protocol):
    """A part of a namespace that lives in an event loop."""

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while the server has not been used in one."""
        ...


_MAX_OFFSET_DIGITS = 16


class _Kept(NamedTuple):
    """A packet that a client may have missed."""

    expires: float
    target: Target
    encoded: Sequence[OutgoingPacket]
    size: int


class _Away(NamedTuple):
    """A socket that may come back.

    ``sent`` and ``left`` are the numbers after the last packet that was sent to it, and after the
    last one of all, when its connection was lost.
    """

    expires: float
    saved: SavedSocket
    sent: int | None
    left: int


class MemoryLog(PacketLog):
    """Keeps the packets and sockets of one namespace in this process.

    Args:
        namespace: The namespace; its event loop has the clock.
        duration: How long they are kept, in seconds.
        max_bytes: How much of the packets is kept; no more than one client can be sent at once.
    """

    def __init__(self, namespace: HasRuntime, duration: float, max_bytes: int = MAX_BYTES) -> None:
        self._namespace = namespace
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
        self._clock: Runtime | None = None
        self._shift = 0.0
        self._latest = 0.0

    # -- packets -----------------------------------------------------------------------------

    def keep(self, packet: SharedPacket, target: Target) -> SharedPacket:
        """Keep a packet that is about to be delivered.

        Returns:
            The packet with its offset.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        packet = packet.with_argument(self._offset(self._next + 1))
        encoded = packet.encode()
        now = self._expire()
        size = sum(item.size + PACKET_OVERHEAD for item in encoded)
        self._packets[self._next] = _Kept(now + self._duration, target, encoded, size)
        self._bytes += size
        self._next += 1
        while len(self._packets) > MAX_PACKETS or self._bytes > self._max_bytes:
            self._drop_oldest()
        return packet

    def delivered(self, sid: str) -> None:
        """The packet that was kept last is sent to a socket."""
        self._sent[sid] = self._next

    def forget(self, sid: str) -> None:
        """A socket leaves; it is saved before, if at all."""
        self._sent.pop(sid, None)

    def position(self) -> str:
        """The offset at which the stream of packets stands at present."""
        return self._offset(self._next)

    # -- sockets -----------------------------------------------------------------------------

    def save(self, saved: SavedSocket) -> Awaitable[None]:
        """Keep a socket that lost its connection."""
        now = self._expire()
        sent = self._sent.get(saved.sid, self._number(saved.offset))
        self._sessions[saved.pid] = _Away(now + self._duration, saved, sent, self._next)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return DONE

    def kept_for(self) -> float:
        """The time that a kept socket may still come back in, in seconds; 0 when none is kept."""
        now = self._expire()
        # They are in the order in which their time is up.
        away = next(reversed(self._sessions.values()), None)
        return 0.0 if away is None else away.expires - now

    async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that is kept."""
        self._expire()
        away = self._sessions.get(pid)
        known = None if away is None else self._known(away.saved, offset)
        if away is None or known is None:
            return None
        # When the client has all that was sent to it, nothing was lost with the connection: what
        # matters is what came since, however long ago the last packet was.
        first = away.left if known == away.sent else known
        if not next(iter(self._packets), self._next) <= first <= self._next:
            return None
        # A client that knows its offset sends it again next time; another one starts from here.
        saved = replace(away.saved, offset=self._offset(first if offset is None else known))
        return RestoredSocket(saved, partial(self._claim, saved, first))

    def _known(self, saved: SavedSocket, offset: str | None) -> int | None:
        """The first packet that a client may not have; None when its offset is invalid.

        It sees nothing of the time before it connected, whatever it claims: the offset may as well
        be that of an earlier socket.
        """
        start = self._number(saved.offset)
        after = start if offset is None else self._number(offset)
        return None if start is None or after is None else max(start, after)

    async def _claim(self, saved: SavedSocket, first: int) -> MissedPackets | None:
        if self._sessions.pop(saved.pid, None) is None:
            return None
        rooms = saved.rooms | {saved.sid}
        missed: list[Sequence[OutgoingPacket]] = []
        for number in reversed(self._packets):
            if number < first:
                break
            kept = self._packets[number]
            if kept.target.includes(rooms):
                self._sent.setdefault(saved.sid, number + 1)
                missed.append(kept.encoded)
        return missed[::-1]

    # -- offsets and time --------------------------------------------------------------------

    def _offset(self, number: int) -> str:
        """The offset of the packet before the one with that number."""
        return f"{self._stream}-{number:x}"

    def _number(self, offset: str) -> int | None:
        """The number of the packet after the one with that offset."""
        stream, _, number = offset.rpartition("-")
        try:
            return int(number[:_MAX_OFFSET_DIGITS], 16) if stream == self._stream else None
        except ValueError:
            return None

    def _drop_oldest(self) -> None:
        _, kept = self._packets.popitem(last=False)
        self._bytes -= kept.size

    def _expire(self) -> float:
        """Drop everything that has expired.

        Returns:
            The present time.
        """
        now = self._now()
        while self._packets and next(iter(self._packets.values())).expires < now:
            self._drop_oldest()
        while self._sessions and next(iter(self._sessions.values())).expires < now:
            self._sessions.popitem(last=False)
        return now

    def _now(self) -> float:
        runtime = self._namespace.runtime
        if runtime is None:
            return self._latest
        if runtime is not self._clock:  # each event loop has a clock of its own
            self._clock, self._shift = runtime, self._latest - runtime.now()
        self._latest = runtime.now() + self._shift
        return self._latest
