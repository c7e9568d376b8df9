"""Rooms, and the operator that chooses who gets an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest

from socketio_asgi import BroadcastOperator, Server, Socket
from tests.support.peer import Peer
from tests.support.waiting import until

from .conftest import Join
from .support import add_sync


class Clients:
    """Four clients: ``a`` in room one, ``b`` in one and two, ``c`` in two, ``d`` in none."""

    def __init__(self, io: Server, peers: dict[str, Peer]) -> None:
        self.io = io
        self.peers = peers

    def socket(self, name: str) -> Socket:
        return self.io.sockets.sockets[self.peers[name].id]

    async def who_got(self, event: str = "event") -> str:
        """The names of those who got the event once; the others got nothing."""
        got = ""
        for name, peer in self.peers.items():
            await peer.emit("sync", ack=1)
            packet = await peer.text()
            if packet.startswith("2"):
                assert packet == f'2["{event}"]'
                got += name
                packet = await peer.text()  # a second copy would be seen here
            assert packet == "31[]"
        return got


@pytest.fixture
async def clients(io: Server, join: Join) -> Clients:
    result = Clients(io, {name: await join(io) for name in "abcd"})
    await result.socket("a").join("one")
    await result.socket("b").join("one", "two")
    await result.socket("c").join("two")
    return result


Choose = Callable[[Clients], Any]

CHOICES: list[tuple[str, Choose]] = [
    ("abcd", lambda c: c.io),
    ("abcd", lambda c: c.io.of("/")),
    ("ab", lambda c: c.io.to("one")),
    ("ab", lambda c: c.io.in_("one")),
    ("abc", lambda c: c.io.to("one", "two")),
    ("abc", lambda c: c.io.to("one").to("two")),
    ("abc", lambda c: c.io.to("one").in_("two").to("nowhere")),
    ("", lambda c: c.io.to("nowhere")),
    ("cd", lambda c: c.io.except_("one")),
    ("d", lambda c: c.io.except_("one", "two")),
    ("d", lambda c: c.io.except_("one").except_("two")),
    ("a", lambda c: c.io.to("one").except_("two")),
    ("a", lambda c: c.io.except_("two").to("one")),
    ("", lambda c: c.io.to("one").except_("one")),
    ("ab", lambda c: c.io.to("one").except_("nowhere")),
    ("c", lambda c: c.io.to(c.peers["c"].id)),
    ("abc", lambda c: c.io.to("one", c.peers["c"].id, c.peers["b"].id)),
    ("bcd", lambda c: c.io.except_(c.peers["a"].id)),
    ("abcd", lambda c: c.io.local),
    ("ab", lambda c: c.io.local.to("one")),
    ("ab", lambda c: c.io.to("one").local.compress(False)),
    ("abcd", lambda c: c.io.compress(False)),
    ("a", lambda c: c.socket("a")),
    ("bcd", lambda c: c.socket("a").broadcast),
    ("b", lambda c: c.socket("a").to("one")),
    ("bc", lambda c: c.socket("a").to("one").to("two")),
    ("bc", lambda c: c.socket("a").in_("one", "two")),
    ("bc", lambda c: c.socket("a").broadcast.to("one", "two")),
    ("cd", lambda c: c.socket("a").except_("one")),
    ("d", lambda c: c.socket("c").except_("one")),
    ("", lambda c: c.socket("a").to(c.peers["a"].id)),
    ("b", lambda c: c.socket("a").to(c.peers["b"].id)),
    ("bcd", lambda c: c.socket("a").local),
    ("bcd", lambda c: c.socket("a").broadcast.compress(True).local),
]


@pytest.mark.parametrize(("expected", "choose"), CHOICES)
async def test_who_gets_an_event_once(clients: Clients, expected: str, choose: Choose) -> None:
    await choose(clients).emit("event")
    assert await clients.who_got() == expected


@pytest.mark.parametrize(
    ("expected", "choose"),
    [("abcd", lambda c: c.io.volatile), ("b", lambda c: c.socket("a").to("one").volatile)],
)
async def test_volatile_reaches_whoever_is_ready(
    clients: Clients, expected: str, choose: Choose
) -> None:
    sockets = clients.io.sockets.sockets.values()
    await until(lambda: all(socket.conn.__socketio__.transport.writable for socket in sockets))
    await choose(clients).emit("event")
    assert await clients.who_got() == expected


async def test_operators_are_immutable(clients: Clients) -> None:
    io = clients.io
    base = io.to("one")
    base.to("two").except_("one").volatile.local.compress(False)
    await base.emit("event")
    assert await clients.who_got() == "ab"
    await base.emit("again")
    assert await clients.who_got("again") == "ab"
    await io.emit("everybody")
    assert await clients.who_got("everybody") == "abcd"
    with pytest.raises(AttributeError):
        base.rooms = frozenset()  # type: ignore[attr-defined]


async def test_operators_from_a_thread(clients: Clients) -> None:
    operator = clients.socket("a").to("one", "two").except_("nowhere")
    await anyio.to_thread.run_sync(operator.emit, "event")
    assert await clients.who_got() == "bc"


@pytest.mark.parametrize("method", ["to", "in_", "except_"])
def test_no_room_is_an_error_and_not_everybody(method: str) -> None:
    io = Server()
    for broadcaster in (io, io.of("/admin"), io.to("room")):
        with pytest.raises(ValueError, match="needs at least one room"):
            getattr(broadcaster, method)()
        with pytest.raises(ValueError, match="needs at least one room"):
            getattr(broadcaster, method)(*[])


@pytest.mark.parametrize("room", [None, 1, ["a"], b"room"])
async def test_rooms_are_text(io: Server, join: Join, room: Any) -> None:
    await join(io)
    (socket,) = io.sockets.sockets.values()
    for method in (io.to, io.except_, socket.to, socket.join):
        with pytest.raises(TypeError, match="a room is a str"):
            method(room)


async def test_rooms_are_those_of_the_namespace(io: Server, join: Join) -> None:
    admin = io.of("/admin")
    add_sync(admin)
    peer = await join(io)
    main = io.sockets.sockets[peer.id]
    admin_id = await peer.join("/admin")
    await main.join("room")
    await admin.to("room").emit("nobody")
    await admin.to(main.id).emit("nobody")
    await peer.sync("/admin")
    await admin.sockets[admin_id].join("room")
    await admin.to("room").emit("event")
    assert await peer.expect("event", "/admin") == []
    await peer.sync()


async def test_join_and_leave(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    assert socket.rooms == {peer.id}
    await socket.join("one", "two")
    await socket.join("one", peer.id)
    assert socket.rooms == {peer.id, "one", "two"}
    await socket.leave("one")
    await socket.leave("never joined")
    assert socket.rooms == {peer.id, "two"}
    await io.to("one").emit("not for you")
    await io.to("two").emit("for you")
    assert await peer.expect("for you") == []
    await peer.sync()


async def test_joining_nothing_is_an_error(io: Server, join: Join) -> None:
    await join(io)
    (socket,) = io.sockets.sockets.values()
    with pytest.raises(ValueError, match="needs at least one room"):
        socket.join()


async def test_the_room_of_another_socket_is_private(io: Server, join: Join) -> None:
    first, second = await join(io), await join(io)
    intruder = io.sockets.sockets[first.id]
    with pytest.raises(ValueError, match="belongs to another socket"):
        await intruder.join("harmless", second.id)
    assert intruder.rooms == {first.id}
    await io.to(second.id).emit("private")
    assert await second.expect("private") == []
    await first.sync()


async def test_a_room_ends_with_its_last_member(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    await socket.join(*(f"room {number}" for number in range(50)))
    await peer.send("1")
    await until(lambda: not io.sockets.sockets)
    adapter = vars(io.sockets.adapter)
    assert not any(value for value in adapter.values() if isinstance(value, (dict, set)))


def test_an_operator_is_made_without_a_client() -> None:
    assert isinstance(Server().to("room"), BroadcastOperator)
