"""What NATS and JetStream promise beyond the suite of all drivers."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Socket
from socketio_asgi.adapters.nats.driver import NatsDriver

from .support import LONG, Cluster, core_of, open_cluster

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


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
