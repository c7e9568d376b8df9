"""The log of packets and sockets in this process."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from functools import partial
from operator import gt
from typing import NamedTuple, Protocol

from ..runtime import Runtime
from ..runtime.awaitables import DONE
from .packet import SharedPacket
from .packet_store import MAX_ROOM_BYTES, KeptPacket, PacketStore, RoomName
from .recovery import MissedPackets, PacketLog, RestoredSocket, SavedSocket
from .rooms import Rooms
from .target import Target

MAX_SESSIONS = 100_000
"""Sockets that a namespace keeps for clients that come back."""

_STREAM_BYTES = 6
"""Random bytes that an offset begins with: eight characters."""

_OFFSET = re.compile(r"[\w-]{8}-([0-9a-f])([0-9a-f]+)", re.ASCII)

_MAX_DIGITS = 15
"""Digits of a number in an offset: packets for as long as anybody lives."""


class HasRuntime(Protocol):
    """A part of a namespace that lives in an event loop."""

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while the server has not been used in one."""
        ...


class _Away(NamedTuple):
    """A socket that may come back."""

    expires: float
    saved: SavedSocket


def looks_like_offset(text: str) -> bool:
    """True for offsets of a :class:`MemoryLog`, and hardly ever for anything else."""
    found = _OFFSET.fullmatch(text)
    return found is not None and len(found[2]) == int(found[1], 16)


class MemoryLog(PacketLog):
    """Keeps the packets and sockets of one namespace.

    Args:
        namespace: The namespace; its event loop has the clock.
        duration: How long they are kept, in seconds.
        max_bytes: How much one client may be sent at once, and is kept of one room.
    """

    def __init__(
        self, namespace: HasRuntime, duration: float, max_bytes: int = MAX_ROOM_BYTES
    ) -> None:
        super().__init__()
        self._namespace = namespace
        self._duration = duration
        self._max_bytes = max_bytes
        # Offsets of another process, or texts that only look like one, name no packet of ours.
        self._stream = secrets.token_urlsafe(_STREAM_BYTES)
        self._count = 0
        self._position = self._offset(0)
        self._packets = PacketStore(duration, max_bytes)
        self._away: OrderedDict[str, _Away] = OrderedDict()  # by pid, in the order of their loss
        self._away_by_sid: dict[str, SavedSocket] = {}
        self._away_rooms = Rooms()
        self._clock: Runtime | None = None
        self._shift = 0.0
        self._latest = 0.0

    # -- packets -----------------------------------------------------------------------------

    def keep(self, packet: SharedPacket, target: Target) -> SharedPacket:
        """Keep a packet that is about to be delivered.

        Returns:
            The packet with its offset, which is the position then.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        position = self._offset(self._count + 1)
        packet = packet.with_argument(position)
        encoded = packet.encode()
        now = self._expire()
        self._packets.add(position, target, encoded, now)
        self._count, self._position = self._count + 1, position
        return packet

    # -- sockets that are away ---------------------------------------------------------------

    def save(self, saved: SavedSocket) -> Awaitable[None]:
        """Keep a socket that lost its connection."""
        now = self._expire()
        self._away[saved.pid] = _Away(now + self._duration, saved)
        self._away_by_sid[saved.sid] = saved
        self._away_rooms.join(saved.sid, saved.track.rooms)
        if len(self._away) > MAX_SESSIONS:
            self._drop(next(iter(self._away)))
        return DONE

    def kept_for(self) -> float:
        """The time that a kept socket may still come back in, in seconds; 0 when none is kept."""
        now = self._expire()
        # They are in the order in which their time is up.
        away = next(reversed(self._away.values()), None)
        return 0.0 if away is None else away.expires - now

    async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that is kept."""
        self._expire()
        away = self._away.get(pid)
        if away is None:
            return None
        saved = away.saved
        try:
            known = self.last_known(saved.track, offset)
            if known is None:
                return None
            self._missed(saved, known)
        except (ValueError, LookupError):
            return None
        return RestoredSocket(saved, partial(self._claim, saved, known))

    async def _claim(self, saved: SavedSocket, known: str) -> MissedPackets | None:
        away = self._away.get(saved.pid)
        if away is None or away.saved is not saved:
            return None
        self._drop(saved.pid)
        try:
            missed = self._missed(saved, known)
        except LookupError:
            return None
        if missed:
            saved.track.sent = missed[-1].position
        saved.track.left = self._position
        return [packet.encoded for packet in missed]

    def _missed(self, saved: SavedSocket, known: str) -> list[KeptPacket]:
        """The packets that a client has missed.

        Raises:
            LookupError: Some of them are gone, or they are more than may be sent at once.
        """
        sid, track = saved.sid, saved.track
        rooms: dict[RoomName, str] = {None: known, sid: known}
        rooms.update(track.rooms)
        for stay in track.stays:
            if stay.until > known:
                rooms[stay.room] = min(stay.since, rooms.get(stay.room, stay.since))
        missed = [
            packet
            for packet in self._packets.after(rooms, known)
            if track.sees(sid, packet.target, packet.position, gt)
        ]
        if sum(packet.size for packet in missed) > self._max_bytes:
            raise LookupError(known)
        return missed

    def let_join(self, target: Target, rooms: Sequence[str]) -> None:
        """Let the sockets of a target that are away join rooms."""
        for saved in self._away_rooms.select(target, self._away_by_sid):
            self._away_rooms.join(saved.sid, rooms)
            for room in rooms:
                if room != saved.sid:
                    saved.track.join(room, self._position)

    def let_leave(self, target: Target, rooms: Sequence[str]) -> None:
        """Let the sockets of a target that are away leave rooms."""
        for saved in self._away_rooms.select(target, self._away_by_sid):
            for room in rooms:
                saved.track.leave(room, self._position)
                self._away_rooms.leave(saved.sid, room)

    def drop(self, target: Target) -> None:
        """Forget the sockets of a target that are away: they were disconnected."""
        for saved in self._away_rooms.select(target, self._away_by_sid):
            self._drop(saved.pid)

    def _drop(self, pid: str) -> None:
        sid = self._away.pop(pid).saved.sid
        del self._away_by_sid[sid]
        self._away_rooms.leave_all(sid)

    # -- offsets and time --------------------------------------------------------------------

    def position(self) -> str:
        """The offset at which the stream of packets stands at present."""
        return self._position

    def is_after(self, offset: str, other: str) -> bool:
        """True if an offset is after another one."""
        return self._checked(offset) > self._checked(other)

    def _offset(self, number: int) -> str:
        """The offset of the packet with a number; offsets are in the order of their text."""
        digits = f"{number:x}"
        return f"{self._stream}-{len(digits):x}{digits}"

    def _checked(self, offset: str) -> str:
        """An offset that may have come from a client.

        Raises:
            ValueError: It is none of this log.
        """
        stream, _, digits = offset.rpartition("-")
        number = int(digits[1 : _MAX_DIGITS + 1], 16) if stream == self._stream else -1
        if number < 0 or self._offset(number) != offset:
            raise ValueError(offset)
        return offset

    def _expire(self) -> float:
        """Drop everything that has expired.

        Returns:
            The present time.
        """
        now = self._now()
        self._packets.expire(now)
        while self._away and next(iter(self._away.values())).expires < now:
            self._drop(next(iter(self._away)))
        return now

    def _now(self) -> float:
        runtime = self._namespace.runtime
        if runtime is None:
            return self._latest
        if runtime is not self._clock:  # each event loop has a clock of its own
            self._clock, self._shift = runtime, self._latest - runtime.now()
        self._latest = runtime.now() + self._shift
        return self._latest
