"""The packets of a namespace that clients may have missed, bounded for each room.

A packet is kept in the rooms that it was sent to, or among those to all. Where there is too much,
the oldest packets go of the room that has the most: so what is sent to one client, or to the
members of one room, costs no other client what it has missed.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence

from ..protocol import OutgoingPacket
from .target import Target

MAX_ROOM_PACKETS = 10_000
"""Packets that are kept of one room, the one of a socket's own or that of all included: more than a
client misses during a short break."""

MAX_ROOM_BYTES = 8 * 1024 * 1024
"""Bytes of those packets, whichever of the two is reached first."""

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of the packets of all rooms of a namespace."""

PACKET_COST = 512
"""Bytes that a kept packet is counted with in addition to what it carries: its place here."""

MAX_DROPPED_ROOMS = 10_000
"""Rooms of which it is remembered that they had to let packets go before those had expired; when
there are more, it may have been any."""

RoomName = str | None
"""The name of a room; None for the packets to all."""


class KeptPacket:
    """A packet that a client may have missed.

    Args:
        position: Its offset.
        expires: When no client can come back any more that has missed it.
        target: Whom it is meant for.
        encoded: The packet, with its offset.
    """

    __slots__ = ("encoded", "expires", "position", "rooms", "size", "target")

    def __init__(
        self, position: str, expires: float, target: Target, encoded: Sequence[OutgoingPacket]
    ) -> None:
        self.position: str = position
        self.expires: float = expires
        self.target: Target = target
        self.encoded: Sequence[OutgoingPacket] = encoded
        self.size: int = PACKET_COST + sum(item.size for item in encoded)
        self.rooms: int = 0  # that still have it


class _Room:
    __slots__ = ("packets", "size")

    def __init__(self) -> None:
        self.packets: deque[KeptPacket] = deque()
        self.size = 0


class PacketStore:
    """Keeps packets until they expire, or too many of their room came after them.

    Positions are compared as text.

    Args:
        duration: How long they are kept, in seconds.
        max_room_bytes: How much is kept of one room.

    Attributes:
        size: The bytes of all packets that are kept.
    """

    def __init__(self, duration: float, max_room_bytes: int) -> None:
        self.size: int = 0
        self._duration = duration
        self._max_room_bytes = max_room_bytes
        self._packets: OrderedDict[str, KeptPacket] = OrderedDict()
        self._rooms: dict[RoomName, _Room] = {}
        # The rooms by the number of bits of their size: the largest is found without a search.
        self._by_size: dict[int, dict[RoomName, None]] = {}
        # The last packet that a room had to let go, and until when somebody may miss it.
        self._dropped: OrderedDict[RoomName, tuple[str, float]] = OrderedDict()
        self._expired = ""

    def __len__(self) -> int:
        return len(self._packets)

    def add(
        self, position: str, target: Target, encoded: Sequence[OutgoingPacket], now: float
    ) -> None:
        """Keep a packet; its position is after all others."""
        packet = KeptPacket(position, now + self._duration, target, encoded)
        self._packets[position] = packet
        self.size += packet.size
        for name in target.rooms or (None,):
            room = self._rooms.get(name)
            if room is None:
                room = self._rooms[name] = _Room()
            packet.rooms += 1
            room.packets.append(packet)
            self._resize(name, room, packet.size)
            while len(room.packets) > MAX_ROOM_PACKETS or room.size > self._max_room_bytes:
                self._drop_oldest(name, now)
        while self.size > MAX_BYTES:
            self._drop_oldest(next(iter(self._by_size[max(self._by_size)])), now)

    def expire(self, now: float) -> None:
        """Drop what nobody can have missed any more."""
        while self._packets:
            position, packet = next(iter(self._packets.items()))
            if packet.expires >= now:
                break
            for name in packet.target.rooms or (None,):
                room = self._rooms.get(name)
                if room is not None and room.packets[0] is packet:
                    self._take_oldest(name, room)
            self._expired = max(self._expired, position)
        while self._dropped and next(iter(self._dropped.values()))[1] < now:
            self._forget_dropped()

    def after(self, rooms: Mapping[RoomName, str], position: str) -> list[KeptPacket]:
        """Look up the packets to some rooms that are after a position, in order.

        Args:
            rooms: The rooms, each with the position behind which its packets matter.
            position: A position behind which all of them are.

        Raises:
            LookupError: Some of them are not kept any more.
        """
        if position < self._expired:
            raise LookupError(position)
        found: dict[str, KeptPacket] = {}
        for name, since in rooms.items():
            first = max(position, since)
            if name in self._dropped and self._dropped[name][0] > first:
                raise LookupError(position)
            room = self._rooms.get(name)
            for packet in reversed(room.packets if room is not None else ()):
                if packet.position <= first:
                    break
                found[packet.position] = packet
        return [found[position] for position in sorted(found)]

    def _drop_oldest(self, name: RoomName, now: float) -> None:
        packet = self._take_oldest(name, self._rooms[name])
        self._dropped[name] = packet.position, now + self._duration
        self._dropped.move_to_end(name)
        if len(self._dropped) > MAX_DROPPED_ROOMS:
            self._forget_dropped()

    def _forget_dropped(self) -> None:
        _, (position, _) = self._dropped.popitem(last=False)
        self._expired = max(self._expired, position)

    def _take_oldest(self, name: RoomName, room: _Room) -> KeptPacket:
        packet = room.packets.popleft()
        self._resize(name, room, -packet.size)
        packet.rooms -= 1
        if not packet.rooms:
            del self._packets[packet.position]
            self.size -= packet.size
        return packet

    def _resize(self, name: RoomName, room: _Room, change: int) -> None:
        before, room.size = room.size.bit_length(), room.size + change
        after = room.size.bit_length()
        if before == after:
            return
        if before:
            rooms = self._by_size[before]
            del rooms[name]
            if not rooms:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[name] = None
        else:
            del self._rooms[name]
