"""Connection state recovery: the packets that a client missed are kept for a while.

Every event ends with an offset, an extra argument that official clients keep and send back when
they connect again: its own position in the log, or that of the last event before, when it is not
kept itself. Offsets are text to everything but the log that made them.

:class:`PacketLog` is the part that the server and the adapters need, with what all logs have in
common: the track of each socket. Where packets and sockets are kept is left to the subclasses,
:class:`.MemoryLog` for this process and :class:`.cluster.log.ClusterLog` for a broker.

Source: https://socket.io/docs/v4/connection-state-recovery/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks import check_flag, check_seconds
from ..protocol import OutgoingPacket, PacketType
from .packet import SharedPacket
from .target import Target
from .track import Track

MAX_DISCONNECTION_SECONDS = 86_400.0
"""The longest time that a client may be away; after a day it begins anew."""

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
        data: The data that the application kept with it.
        track: What it may have seen; it goes on while the client is away.
    """

    sid: str
    pid: str
    data: Any
    track: Track

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms it is in, without the one of its own."""
        return frozenset(self.track.rooms)


@dataclass(frozen=True, slots=True)
class RestoredSocket:
    """A socket that may come back, unless a middleware refuses it.

    Attributes:
        saved: The state of the socket; its rooms may change until it is claimed.
        claim: Takes the socket out of the log once it is accepted, and returns the packets that the
            client has missed until then; None when another connection was faster, time is up, or
            the socket was disconnected while it was away. Until it is called, the socket stays in
            the log. A log in memory does not wait in it.
    """

    saved: SavedSocket
    claim: Callable[[], Awaitable[MissedPackets | None]]


class PacketLog(ABC):
    """A log of packets and sockets for clients that come back; any adapter can have one.

    The adapter tells it of rooms and deliveries; the server, of sockets that begin and are lost.
    """

    def __init__(self) -> None:
        # Of the sockets that are connected, or are about to be.
        self._tracks: dict[str, Track] = {}

    # -- connected sockets -------------------------------------------------------------------

    def begin(self, sid: str) -> None:
        """A socket has connected: from now on it sees what is sent."""
        self._track(sid).start = self.position()

    def resume(self, saved: SavedSocket) -> None:
        """A socket has connected that goes on with the track of an earlier connection."""
        meanwhile = self._tracks.get(saved.sid)
        if meanwhile is not None:  # a middleware has let it join rooms
            for room, since in meanwhile.rooms.items():
                saved.track.join(room, since)
        self._tracks[saved.sid] = saved.track

    def joined(self, sid: str, rooms: Iterable[str]) -> None:
        """A socket joins rooms."""
        track, position = self._track(sid), self.position()
        for room in rooms:
            if room != sid:
                track.join(room, position)

    def left(self, sid: str, room: str) -> None:
        """A socket leaves a room."""
        track = self._tracks.get(sid)
        if track is not None:
            track.leave(room, self.position())

    def sent(self, sid: str, offset: str) -> None:
        """The packet with an offset is sent to a socket."""
        track = self._tracks.get(sid)
        if track is not None:
            track.sent = offset

    def lose(self, sid: str, pid: str, data: Any) -> Awaitable[None]:
        """Keep a socket that has just lost its connection; see :meth:`save`."""
        track = self._track(sid)
        track.left = self.position()
        return self.save(SavedSocket(sid, pid, data, track))

    def forget(self, sid: str) -> None:
        """A socket goes; it was kept before, if at all."""
        self._tracks.pop(sid, None)

    def _track(self, sid: str) -> Track:
        track = self._tracks.get(sid)
        if track is None:
            track = self._tracks[sid] = Track(self.position())
        return track

    # -- sockets that are away ---------------------------------------------------------------

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

    def let_join(self, target: Target, rooms: Sequence[str]) -> None:  # noqa: B027
        """Let the sockets of a target that are away join rooms.

        Like the next two, for logs in this process: a broker keeps the changes in their place
        among the packets.
        """

    def let_leave(self, target: Target, rooms: Sequence[str]) -> None:  # noqa: B027
        """Let the sockets of a target that are away leave rooms."""

    def drop(self, target: Target) -> None:  # noqa: B027
        """Forget the sockets of a target that are away: they were disconnected."""

    # -- positions ---------------------------------------------------------------------------

    @abstractmethod
    def position(self) -> str:
        """The offset at which the stream of packets stands at present."""

    @abstractmethod
    def is_after(self, offset: str, other: str) -> bool:
        """True if an offset is after another one.

        Raises:
            ValueError: One of them is none of this log.
        """

    def last_known(self, track: Track, offset: str | None) -> str | None:
        """The offset behind which a client has to be sent what was meant for it.

        Nothing of the time before it connected, whatever it claims: the offset may as well be that
        of an earlier socket.

        Args:
            track: The track of its socket.
            offset: The last packet that it says it has received.

        Returns:
            The offset; None when it is not known what the client has received.

        Raises:
            ValueError: An offset is none of this log.
        """
        if track.sent is None:  # so none was lost with the connection
            return track.left
        if offset is None:
            return None
        known = offset if self.is_after(offset, track.start) else track.start
        if self.is_after(known, self.position()):  # never given
            return None
        if not self.is_after(track.sent, known):
            # It has all that it was sent: what matters is what came since, however long ago the
            # last packet was.
            return track.left
        forgotten = track.forgotten
        return None if forgotten and self.is_after(forgotten, known) else known


def carries_offset(packet: SharedPacket) -> bool:
    """True if clients take the last argument of a packet for its offset, when that is text.

    They do so with every event but those that ask for an acknowledgement.
    """
    data = packet.packet
    return data.type is PacketType.EVENT and data.id is None


def can_be_missed(packet: SharedPacket, target: Target) -> bool:
    """True if a packet is kept for clients that are away.

    An acknowledgement cannot be given later, and a volatile packet may be missed.
    """
    return not target.volatile and carries_offset(packet)
