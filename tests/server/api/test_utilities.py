"""Looking up, moving and disconnecting many sockets at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.adapters import MemoryAdapter, SocketDetails, Target
from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.handshake import Handshake
from socketio_asgi.server.broadcast import Broadcaster
from tests.support.background import background
from tests.support.peer import DISCONNECT, Peer, PollingWire
from tests.support.serving import Served
from tests.support.waiting import until

from .conftest import Join


class Party(NamedTuple):
    """Four clients: a and b are in ``red``, b and c in ``blue``, d in none."""

    namespace: Namespace
    clients: dict[str, Peer]

    def socket(self, name: str) -> Socket:
        return self.namespace.sockets[self.clients[name].id]

    def names(self, condition: Callable[[Socket], bool]) -> str:
        """Those whose socket meets a condition."""
        return "".join(name for name in self.clients if condition(self.socket(name)))

    def who(self, sids: list[str]) -> str:
        names = {client.id: name for name, client in self.clients.items()}
        return "".join(sorted(names[sid] for sid in sids))


@pytest.fixture
async def party(io: Server, join: Join) -> Party:
    namespace = io.of("/chat")
    party = Party(namespace, {name: await join("/chat") for name in "abcd"})
    for name, rooms in {"a": ["red"], "b": ["red", "blue"], "c": ["blue"]}.items():
        await party.socket(name).join(*rooms)
    return party


Choose = Callable[[Party], Broadcaster]

CHOICES: list[tuple[str, Choose]] = [
    ("abcd", lambda p: p.namespace),
    ("ab", lambda p: p.namespace.to("red")),
    ("abc", lambda p: p.namespace.in_("red", "blue")),
    ("abc", lambda p: p.namespace.to("red").to("blue")),
    ("cd", lambda p: p.namespace.except_("red")),
    ("c", lambda p: p.namespace.to("blue").except_("red")),
    ("d", lambda p: p.namespace.except_("red", "blue")),
    ("ad", lambda p: p.namespace.to(p.clients["a"].id, p.clients["d"].id)),
    ("bcd", lambda p: p.namespace.except_(p.clients["a"].id)),
    ("", lambda p: p.namespace.to("nobody's")),
    ("bcd", lambda p: p.socket("a").broadcast),
    ("b", lambda p: p.socket("a").to("red")),
    ("bcd", lambda p: p.socket("a").local),
]

choices = pytest.mark.parametrize(("chosen", "choose"), CHOICES)


@choices
async def test_selections(party: Party, chosen: str, choose: Choose) -> None:
    found = await choose(party).fetch_sockets()
    assert party.who([remote.id for remote in found]) == chosen
    await choose(party).sockets_join("new", "newer")
    assert party.names(lambda socket: {"new", "newer"} <= socket.rooms) == chosen
    await choose(party).sockets_leave("new", "unknown")
    assert party.names(lambda socket: "newer" in socket.rooms) == chosen
    assert party.names(lambda socket: "new" in socket.rooms) == ""
    await choose(party).disconnect_sockets()
    assert sorted(party.namespace.sockets) == sorted(
        client.id for name, client in party.clients.items() if name not in chosen
    )


async def test_the_server_is_its_main_namespace(io: Server, join: Join) -> None:
    io.of("/chat")
    main, other = await join(), await join("/chat")
    assert [remote.id for remote in await io.fetch_sockets()] == [main.id]
    await io.sockets_join("room", "another")
    await io.sockets_leave("another")
    assert io.sockets.sockets[main.id].rooms == {main.id, "room"}
    await io.disconnect_sockets()
    assert (await main.packet()).type == DISCONNECT
    (remote,) = await io.of("/chat").fetch_sockets()
    assert remote.id == other.id
    assert remote.rooms == {other.id}


@pytest.mark.parametrize("close", [False, True])
async def test_disconnecting(io: Server, join: Join, transport: str, close: bool) -> None:
    reasons: list[str] = []

    @io.on("disconnect")
    async def disconnect(_socket: Socket, reason: str) -> None:
        reasons.append(reason)

    client = await join(transport=transport)
    await io.disconnect_sockets(close)
    assert (await client.packet()).type == DISCONNECT
    await until(lambda: reasons == ["server namespace disconnect"])
    if close and isinstance(client.wire, PollingWire):
        assert await client.wire.client.poll() == ["1"]
    await until(lambda: io.engine.clients_count == (0 if close else 1))


async def test_a_remote_socket(io: Server, join: Join, transport: str) -> None:
    io.of("/chat")
    client = await join("/chat", transport=transport, auth={"token": "é"})
    socket = io.of("/chat").sockets[client.id]
    socket.data["name"] = "Ann"
    await socket.join("red")
    (remote,) = await io.of("/chat").fetch_sockets()
    assert remote.id == client.id
    assert remote.handshake.auth == {"token": "é"}
    assert remote.data == {"name": "Ann"}
    assert remote.rooms == {client.id, "red"}
    assert client.id in repr(remote)
    await remote.join("blue", "green")
    await remote.leave("red")
    assert socket.rooms == {client.id, "blue", "green"}
    assert remote.rooms == {client.id, "red"}  # as it was looked up
    await remote.emit("hello", {"a": 1})
    assert await client.event() == ["hello", {"a": 1}]
    async with background(remote.emit_with_ack, "ask") as asked:
        await client.answer("yes")
        assert await asked.wait() == "yes"
    await remote.disconnect()
    assert (await client.packet()).type == DISCONNECT
    assert not socket.connected
    assert remote.emit("too late") is not None
    assert await io.of("/chat").fetch_sockets() == []


async def test_a_remote_socket_closes_the_connection(io: Server, join: Join) -> None:
    await join()
    (remote,) = await io.fetch_sockets()
    await remote.disconnect(close=True)
    await until(lambda: io.engine.clients_count == 0)


class Elsewhere(MemoryAdapter):
    """Knows a socket of another process."""

    request = EngineRequest({"type": "http", "path": "/", "query_string": b"", "headers": []})
    found = SocketDetails(
        "42", Handshake(request, {"token": 1}), frozenset({"42", "room"}), {"name": "Ann"}
    )

    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        return [self.found] if target.rooms <= self.found.rooms else []


async def test_sockets_that_an_adapter_knows(serving: Callable[..., Awaitable[Served]]) -> None:
    io = Server(adapter=Elsewhere)
    await serving(io)
    (remote,) = await io.in_("room").fetch_sockets()
    assert remote.id == "42"
    assert remote.rooms == {"42", "room"}
    assert remote.data == {"name": "Ann"}
    assert remote.handshake.auth == {"token": 1}
    assert await io.in_("another").fetch_sockets() == []


def test_rooms_must_be_named() -> None:
    io = Server()
    for operator in (io, io.of("/chat"), io.to("room"), io.volatile.local):
        for method in (
            operator.sockets_join,
            operator.sockets_leave,
            operator.to,
            operator.except_,
        ):
            with pytest.raises(ValueError, match="at least one room"):
                method()
            with pytest.raises(TypeError, match="a room is a str"):
                method(["room"])  # type: ignore[arg-type]


async def test_before_the_first_client() -> None:
    io = Server()
    assert await io.fetch_sockets() == []
    assert await io.to("room").emit_with_ack("ask") == []
    await io.sockets_join("room")
    await io.sockets_leave("room")
    await io.disconnect_sockets()


async def test_from_a_thread(io: Server, join: Join) -> None:
    client = await join()

    @io.on("count")
    def count(_socket: Socket) -> Any:
        io.sockets_join("room")
        found = io.from_thread.run(io.to("room").fetch_sockets)
        return [remote.id for remote in found]

    assert await client.ask("count") == [[client.id]]
