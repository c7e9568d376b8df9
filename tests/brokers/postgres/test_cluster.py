"""What two servers do together over Postgres, with real clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from socketio_asgi import BroadcastAckError, Server, Socket
from tests.support.background import background
from tests.support.peer import DISCONNECT
from tests.support.waiting import until

from .cluster import Cluster, make_adapter

# -- to clients --------------------------------------------------------------------------------


async def test_events_reach_the_clients_of_both_servers_in_order(cluster: Cluster) -> None:
    for number in range(300):
        cluster.here.emit("news", number, "é€😀", {"a": [None, 1.5]})
    for client in cluster.clients:
        for number in range(300):
            assert await client.expect("news") == [number, "é€😀", {"a": [None, 1.5]}]


async def test_equal_events_arrive_as_often_as_they_were_sent(cluster: Cluster) -> None:
    for _ in range(20):
        cluster.here.emit("same")
    assert await cluster.heard_by_all() == [[["same"]] * 20] * 4


async def test_rooms_and_exceptions(cluster: Cluster) -> None:
    one, two, three = [client.id for client in cluster.clients[:3]]
    cluster.here.in_(one, three).sockets_join("a")
    cluster.here.in_(two, three).sockets_join("b")
    cluster.here.to("a").emit("a")
    cluster.here.to("a", "b").emit("a or b")
    cluster.here.to("a").except_("b").emit("only a")
    cluster.here.except_("a").emit("not a")
    cluster.here.in_(three).sockets_leave("a")
    cluster.here.to("a").emit("a again")
    assert await cluster.heard_by_all() == [
        [["a"], ["a or b"], ["only a"], ["a again"]],
        [["a or b"], ["not a"]],
        [["a"], ["a or b"]],
        [["not a"]],
    ]


async def test_binary_long_and_short_events_keep_their_order(cluster: Cluster) -> None:
    lengths = [10, 9000, 20, 7900, 30, 100_000, 40]
    for length in lengths:
        cluster.here.emit("text", "é" * length)
        cluster.here.emit("bytes", b"\x00\xff" * length)
    client = cluster.clients[2]
    for length in lengths:
        assert await client.expect("text") == ["é" * length]
        head = await client.receive()
        assert head == '51-["bytes",{"_placeholder":true,"num":0}]'
        assert await client.receive() == b"\x00\xff" * length


async def test_around_the_limit_of_a_notification(cluster: Cluster) -> None:
    """The envelope belongs to the size, and bytes count, not characters."""
    for length in range(7700, 8010):
        cluster.here.emit("text", "x" * length)
        cluster.here.emit("text", "é" * (length // 2))
    for length in range(7700, 8010):
        assert await cluster.clients[3].expect("text") == ["x" * length]
        assert await cluster.clients[3].expect("text") == ["é" * (length // 2)]


async def test_a_short_event_with_strange_characters(cluster: Cluster) -> None:
    strange = ["\0", "\ud800", '"', "\\", "\u2028", "$1", "%s"]
    await cluster.here.emit("strange", *strange)
    text = await cluster.clients[2].receive()
    assert isinstance(text, str)
    assert json.loads(text[1:]) == ["strange", *strange]


async def test_acknowledgements_of_both_servers(cluster: Cluster) -> None:
    async with background(cluster.here.timeout(20).emit_with_ack, "ask", 1) as asked:
        for number, client in enumerate(cluster.clients):
            assert await client.answer(number) == ["ask", 1]
        assert sorted(await asked.wait()) == [0, 1, 2, 3]


async def test_acknowledgements_that_are_missing(cluster: Cluster) -> None:
    async with background(_partial, cluster.here.timeout(0.5)) as asked:
        for number, client in enumerate(cluster.clients[:3]):
            await client.answer(number)
        error = await asked.wait()
    assert sorted(error.replies) == [0, 1, 2]
    assert error.missing == 1


async def _partial(target: Any) -> BroadcastAckError:
    with pytest.raises(BroadcastAckError) as caught:
        await target.emit_with_ack("ask")
    return caught.value


async def test_sockets_of_both_servers_are_fetched(cluster: Cluster) -> None:
    socket = cluster.there.sockets.sockets[cluster.clients[2].id]
    socket.data = {"name": "é", "bytes": b"\x01\x02", "long": "x" * 9000}
    await socket.join("room")
    found = {item.id: item for item in await cluster.here.fetch_sockets()}
    assert set(found) == {client.id for client in cluster.clients}
    assert found[socket.id].data == socket.data
    assert set(found[socket.id].rooms) == {socket.id, "room"}
    assert found[socket.id].handshake.address == "127.0.0.1"


async def test_disconnections(cluster: Cluster) -> None:
    await cluster.here.in_(cluster.clients[2].id).disconnect_sockets()
    assert (await cluster.clients[2].packet()).type == DISCONNECT
    await cluster.here.in_(cluster.clients[3].id).disconnect_sockets(close=True)
    await cluster.clients[3].ended()


async def test_a_socket_of_another_server_broadcasts_to_all_but_itself(cluster: Cluster) -> None:
    socket: Socket = cluster.there.sockets.sockets[cluster.clients[2].id]
    socket.broadcast.emit("hello")
    assert await cluster.heard_by_all() == [[["hello"]], [["hello"]], [], [["hello"]]]


async def test_namespaces_are_separate(cluster: Cluster) -> None:
    names = ["/chat", '/we"ird', "/é", "/" + "long" * 50]
    for name in names:
        for server in cluster.servers:
            server.of(name)
    for name in names:
        await cluster.clients[0].connect(name)
        await cluster.clients[2].connect(name)
    for name in names:

        async def reached(name: str = name) -> bool:
            return len(await cluster.here.of(name).fetch_sockets()) == 2

        await until(reached, timeout=20)  # a server that is not there yet does not answer
        cluster.here.of(name).emit("in", name)
        assert await cluster.clients[2].expect("in", namespace=name) == [name]


# -- to servers --------------------------------------------------------------------------------


async def test_events_for_the_other_server(cluster: Cluster) -> None:
    got: list[Any] = []

    @cluster.there.on_server_event("tell")
    async def tell(*values: Any) -> None:
        got.append(values)

    @cluster.there.on_server_event("ask")
    async def ask(value: bytes) -> Any:
        return {"length": len(value), "bytes": value}

    await cluster.here.server_side_emit("tell", 1, b"\x00", "x" * 9000)
    answers = await cluster.here.server_side_emit_with_ack("ask", b"\x01\x02")
    assert answers == [{"length": 2, "bytes": b"\x01\x02"}]
    assert got == [(1, b"\x00", "x" * 9000)]


async def test_an_event_before_any_client(cluster: Cluster) -> None:
    """A process without clients: a request handler, or a start-up hook."""
    async with _server(cluster.database, cluster.key) as third:
        await third.emit("early", 1)
        for client in cluster.clients:
            assert await client.expect("early") == [1]
        await third.emit("early", 2)
        for client in cluster.clients:
            assert await client.expect("early") == [2]


@asynccontextmanager
async def _server(database: Any, key: str, **options: Any) -> AsyncIterator[Server]:
    io = Server(adapter=make_adapter(database, key, **options))
    try:
        yield io
    finally:
        await io.close()
