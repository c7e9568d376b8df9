"""Everything that reaches other servers, over NATS and over JetStream."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from socketio_asgi import BroadcastAckError, Server, Socket
from socketio_asgi.adapters.cluster.names import SID_LENGTH
from socketio_asgi.adapters.nats.driver import NatsDriver
from tests.support.background import background
from tests.support.peer import DISCONNECT, open_peer
from tests.support.waiting import until

from .support import LONG, Cluster, core_of, open_cluster

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_broadcasts(cluster: Cluster) -> None:
    await cluster.here.emit("to all", 1, {"a": ["é", None]})
    for client in cluster.clients:
        assert await client.event() == ["to all", 1, {"a": ["é", None]}]
    await cluster.socket(0).broadcast.emit("to the others")
    assert await cluster.clients[1].event() == ["to the others"]
    cluster.here.local.emit("here")
    await cluster.there.emit("last")
    assert [(await cluster.clients[0].event())[0] for _ in range(2)] == ["here", "last"]
    assert await cluster.clients[1].event() == ["last"]


async def test_binary_data(cluster: Cluster) -> None:
    await cluster.here.emit("photo", b"\x00\xff", {"more": b"x"})
    for client in cluster.clients:
        assert str(await client.receive()).startswith('52-["photo",')
        assert [await client.receive() for _ in range(2)] == [b"\x00\xff", b"x"]


ROOMS = ["room", "a b.c*d>é", "", "x" * 500, "r" * SID_LENGTH, "é" * SID_LENGTH]


async def test_rooms(cluster: Cluster) -> None:
    for room in ROOMS:
        await cluster.clients[1].request("join", room)
        await cluster.here.to(room).emit("for the room")  # the join is over, so it must arrive
        assert await cluster.clients[1].event() == ["for the room"]
        await cluster.here.to("elsewhere").to(room).emit("for two rooms")
        assert await cluster.clients[1].event() == ["for two rooms"]
        await cluster.here.except_(room).emit("not for the room")
        assert await cluster.clients[0].event() == ["not for the room"]
        await cluster.clients[1].request("leave", room)
        await cluster.here.to(room).emit("nobody is there")
        await cluster.here.emit("last")
        for client in cluster.clients:
            assert await client.event() == ["last"]


async def test_to_one_socket(cluster: Cluster) -> None:
    await cluster.here.to(cluster.clients[1].id).emit("private")
    assert await cluster.clients[1].event() == ["private"]


async def test_an_event_that_concerns_nobody_is_not_decoded(nats_server: str) -> None:
    async with open_cluster(nats_server) as cluster:
        await cluster.clients[0].request("join", "room")
        driver = core_of(cluster.there).driver
        assert isinstance(driver, NatsDriver)
        decoded: list[bytes] = []
        decode = driver._wire.decode_unless
        driver._wire.decode_unless = lambda skips, data: decoded.append(data) or decode(skips, data)  # type: ignore[method-assign,func-returns-value]
        before = driver._connection.client.stats["in_msgs"]
        for _ in range(5):
            await cluster.here.to("room").emit("here alone")
            await cluster.here.to(cluster.clients[0].id).emit("here alone")
        await cluster.here.emit("last")
        assert await cluster.clients[1].event() == ["last"]
        events = [data for data in decoded if b'["' in data]
        assert len(events) == 1
        # Those for the room are not even sent here.
        assert driver._connection.client.stats["in_msgs"] - before <= 5 + 1 + len(decoded)


async def test_the_order_of_one_sender(cluster: Cluster) -> None:
    await cluster.clients[1].request("join", "room")

    async def ask(number: int) -> None:
        assert await cluster.here.except_(cluster.clients[0].id).timeout(LONG).emit_with_ack(
            "event", number
        ) == [number]

    heard: list[int] = []
    async with anyio.create_task_group() as tasks:
        for number in range(0, 200, 4):
            cluster.here.emit("event", number)
            cluster.here.to("room").emit("event", number + 1)
            cluster.here.to(cluster.clients[1].id).emit("event", number + 2)
            tasks.start_soon(ask, number + 3)
            await anyio.lowlevel.checkpoint()
        while len(heard) < 200:
            packet = await cluster.clients[1].packet()
            heard.append(packet.data[1])
            if packet.id is not None:
                await cluster.clients[1].acknowledge(packet.id, packet.data[1])
    assert heard == list(range(200))


async def test_acknowledgements(cluster: Cluster) -> None:
    async with background(cluster.here.timeout(LONG).emit_with_ack, "ask", 1) as asked:
        for number, client in enumerate(cluster.clients):
            assert await client.answer(number) == ["ask", 1]
        assert sorted(await asked.wait()) == [0, 1]


async def test_acknowledgements_of_some(cluster: Cluster) -> None:
    async with background(cluster.here.timeout(0.5).emit_with_ack, "ask") as asked:
        await cluster.clients[1].answer("there")
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert (caught.value.replies, caught.value.missing) == (["there"], 1)


async def test_fetching_and_changing_sockets(cluster: Cluster) -> None:
    cluster.socket(1).data["name"] = "é"
    found = {socket.id: socket for socket in await cluster.here.fetch_sockets()}
    assert set(found) == {client.id for client in cluster.clients}
    assert found[cluster.clients[1].id].data == {"name": "é"}
    await cluster.here.sockets_join("room")
    await until(lambda: "room" in cluster.socket(1).rooms)
    await cluster.here.to("room").emit("joined")
    for client in cluster.clients:
        assert await client.event() == ["joined"]
    assert len(await cluster.there.in_("room").fetch_sockets()) == 2
    await cluster.here.sockets_leave("room")
    await until(lambda: "room" not in cluster.socket(1).rooms)
    await cluster.here.in_(cluster.clients[1].id).disconnect_sockets()
    assert (await cluster.clients[1].packet()).type == DISCONNECT


async def test_events_between_servers(cluster: Cluster) -> None:
    heard: list[Any] = []
    cluster.there.on_server_event("told")(heard.append)

    @cluster.there.on_server_event("asked")
    async def asked(value: Any) -> Any:
        return ["answer", value]

    await cluster.here.server_side_emit("told", {"a": b"\x01"})
    await until(lambda: heard == [{"a": b"\x01"}])
    assert await cluster.here.server_side_emit_with_ack("asked", 1) == [["answer", 1]]


async def test_dynamic_namespaces(cluster: Cluster) -> None:
    for server in cluster.servers:
        server.of(re.compile(r"/dynamic-\d+"))
    await cluster.clients[1].connect("/dynamic-1")
    namespace = cluster.there.of("/dynamic-1")
    await until(lambda: len(namespace.sockets) == 1)
    await cluster.clients[0].connect("/dynamic-1")
    await cluster.acquainted("/dynamic-1")
    await cluster.here.of("/dynamic-1").emit("hello")
    for client in cluster.clients:
        assert await client.expect("hello", "/dynamic-1") == []


async def test_an_emit_before_any_client(nats_server: str, jetstream: bool) -> None:
    async with open_cluster(nats_server, 1, jetstream=jetstream) as cluster:
        early = Server(adapter=cluster.adapter())
        await early.emit("from a start-up hook")
        assert await cluster.clients[0].event() == ["from a start-up hook"]
        await early.close()


async def test_three_servers_and_rooms_that_come_and_go(nats_server: str, jetstream: bool) -> None:
    async with open_cluster(nats_server, 3, jetstream=jetstream) as cluster:
        for round_ in range(10):
            for client in cluster.clients:
                await client.request("join", f"room {round_ % 2}")
            await cluster.here.to(f"room {round_ % 2}").emit("round", round_)
            for client in cluster.clients:
                assert await client.event() == ["round", round_]
                await client.request("leave", f"room {round_ % 2}")
        for core in cluster.cores:
            assert isinstance(core.driver, NatsDriver)
            assert core.driver._rooms == {}
            assert core.counters == {}


async def test_a_server_that_leaves_is_forgotten_at_once(nats_server: str, jetstream: bool) -> None:
    async with open_cluster(nats_server, jetstream=jetstream) as cluster:
        third = cluster.add_server()
        third.emit("begin")
        await cluster.acquainted()
        await third.close()
        cluster.servers.remove(third)
        await cluster.acquainted()
        assert len(await cluster.here.fetch_sockets()) == 2


async def test_many_rooms_at_once(nats_server: str) -> None:
    async with open_cluster(nats_server) as cluster:
        socket: Socket = cluster.socket(1)

        async def join(number: int) -> None:
            await socket.join(f"room {number}")

        async with anyio.create_task_group() as tasks:
            for number in range(2000):
                tasks.start_soon(join, number)
        for number in range(0, 2000, 100):
            await cluster.here.to(f"room {number}").emit("there")
            assert await cluster.clients[1].event() == ["there"]


async def test_clusters_of_two_names_do_not_mix(nats_server: str, jetstream: bool) -> None:
    async with (
        open_cluster(nats_server, 1, jetstream=jetstream) as one,
        open_cluster(nats_server, 1, jetstream=jetstream) as other,
    ):
        await one.here.emit("one")
        await other.here.emit("other")
        assert await one.clients[0].event() == ["one"]
        assert await other.clients[0].event() == ["other"]
        async with open_peer(one.served[0].url) as late:
            await late.join()
            assert len(await one.here.fetch_sockets()) == 2
