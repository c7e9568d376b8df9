"""The packets that are kept for clients who come back, and which of them go when there are many."""

from __future__ import annotations

import pytest

from socketio_asgi.adapters import Target, packet_store
from socketio_asgi.adapters.packet_store import PACKET_COST, PacketStore
from socketio_asgi.protocol import OutgoingPacket

START = ""


class Stream:
    """A store, and the packets that went in."""

    def __init__(self, max_room_bytes: int = 10**9) -> None:
        self.store = PacketStore(60, max_room_bytes)
        self.count = 0

    def add(self, *rooms: str, size: int = 0, now: float = 0) -> str:
        self.count += 1
        position = f"{self.count:06}"
        encoded = [OutgoingPacket("x" * size)]
        self.store.add(position, Target(frozenset(rooms)), encoded, now)
        return position

    def found(self, *rooms: str | None, after: str = START) -> list[str]:
        kept = self.store.after(dict.fromkeys(rooms, START), after)
        return [packet.position for packet in kept]


def test_each_packet_once_and_in_order() -> None:
    stream = Stream()
    positions = [stream.add("a"), stream.add("a", "b"), stream.add(), stream.add("b")]
    stream.add("c")
    assert stream.found("a", "b", None) == positions
    assert stream.found("a", "b", None, after=positions[1]) == positions[2:]
    kept = stream.store.after({"a": positions[0], "b": positions[1]}, START)
    assert [packet.position for packet in kept] == [positions[1], positions[3]]


def test_a_room_loses_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_store, "MAX_ROOM_PACKETS", 3)
    stream = Stream()
    shared, last = stream.add("loud", "quiet"), ""
    for _ in range(10):
        last = stream.add("loud")
    assert stream.found("quiet") == [shared]  # it is gone from one of its rooms only
    with pytest.raises(LookupError):
        stream.found("loud", "quiet")
    assert stream.found("loud", after=last) == []
    assert len(stream.store) == 4


def test_the_bytes_of_a_room() -> None:
    stream = Stream(max_room_bytes=10 * PACKET_COST)
    first = stream.add("quiet")
    for _ in range(5):
        stream.add("loud", size=3 * PACKET_COST)
    huge = stream.add("huge", size=11 * PACKET_COST)
    assert stream.found("quiet") == [first]
    for room in ("loud", "huge"):
        with pytest.raises(LookupError):
            stream.found(room)
    assert stream.found("huge", after=huge) == []
    assert stream.store.size < 11 * PACKET_COST + PACKET_COST


def test_the_bytes_of_all_rooms_come_from_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_store, "MAX_BYTES", 1000 * PACKET_COST)
    stream = Stream()
    small = [stream.add(f"small {number}") for number in range(100)]
    for _ in range(5000):
        stream.add("loud")
    assert [stream.found(f"small {number}") for number in range(100)] == [[one] for one in small]
    assert stream.store.size <= 1000 * PACKET_COST
    assert len(stream.store) > 800
    # Loud rooms share what there is.
    for number in range(5000):
        stream.add(f"loud {number % 4}")
    assert [stream.found(f"small {number}") for number in range(100)] == [[one] for one in small]


def test_what_expired_is_not_known() -> None:
    stream = Stream()
    first, second = stream.add("a", now=0), stream.add("b", now=10)
    stream.store.expire(60)
    assert stream.found("a") == [first]
    stream.store.expire(61)
    assert len(stream.store) == 1
    with pytest.raises(LookupError):  # it may have been meant for the client
        stream.found("b")
    assert stream.found("b", after=first) == [second]
    stream.store.expire(71)
    assert (len(stream.store), stream.store.size) == (0, 0)


def test_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_store, "MAX_ROOM_PACKETS", 2)
    monkeypatch.setattr(packet_store, "MAX_BYTES", 5 * PACKET_COST)
    monkeypatch.setattr(packet_store, "MAX_DROPPED_ROOMS", 3)
    stream = Stream()
    for number in range(100):
        stream.add(f"room {number % 7}", f"room {number % 3}", now=number / 10)
    assert len(stream.store._dropped) == 3
    stream.store.expire(100)
    state = vars(stream.store)
    assert not any(value for value in state.values() if isinstance(value, dict))
    assert stream.store.size == 0
    with pytest.raises(LookupError):
        stream.found("room 1")
    assert stream.found("room 1", after=f"{stream.count:06}") == []
