"""What the suite of all drivers does not know: the ways of RabbitMQ."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters.cluster.names import SID_LENGTH
from socketio_asgi.adapters.rabbitmq import keys
from socketio_asgi.adapters.rabbitmq.driver import RabbitMqDriver
from socketio_asgi.brokers.rabbitmq.client import Received
from tests.brokers.cluster import LONG, core_of
from tests.support.waiting import until

from .support import Cluster, driver_of, open_cluster

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


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


async def test_an_event_that_concerns_nobody_does_not_come(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq, bind_rooms=True) as cluster:
        await cluster.clients[0].request("join", "room")
        await narrowed(cluster)
        decoded, came = watch(driver_of(cluster.there))
        for _ in range(5):
            await cluster.here.to("room").emit("here alone")
            await cluster.here.to(cluster.clients[0].id).emit("here alone")
        await cluster.here.emit("last")
        assert await cluster.clients[1].event() == ["last"]
        assert [data for data in decoded if b'["' in data] == [decoded[-1]]
        # Those for the room are not even sent here.
        assert not [key for key in came if ".room." in key]
        assert len([key for key in came if ".sid." in key]) == 5


async def test_without_bindings_of_rooms(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq) as cluster:
        await cluster.clients[0].request("join", "room")
        await cluster.clients[1].request("join", "another")
        decoded, came = watch(driver_of(cluster.there))
        await cluster.here.to("room").emit("here alone")
        await cluster.here.to("another").emit("there alone")
        assert await cluster.clients[1].event() == ["there alone"]
        assert len([key for key in came if ".room." in key]) == 2
        assert len([data for data in decoded if b'["' in data]) == 1
        assert not core_of(cluster.there).traits.subscribes_rooms


async def narrowed(cluster: Cluster) -> None:
    """Wait until the rooms are bound that have members, and no others."""
    for server in cluster.servers:
        bindings = driver_of(server)._bindings
        await until(lambda it=bindings: keys.to_rooms("/") not in it)  # type: ignore[misc]


def watch(driver: RabbitMqDriver) -> tuple[list[bytes], list[str]]:
    """The messages that are decoded from now on, and the routing keys of all that come."""
    decoded: list[bytes] = []
    came: list[str] = []
    decode, receive = driver._wire.decode_unless, driver._on_message

    async def on_message(message: Received) -> None:
        came.append(message.delivery.routing_key)
        await receive(message)

    driver._wire.decode_unless = lambda skips, data: decoded.append(data) or decode(skips, data)  # type: ignore[method-assign,func-returns-value]
    consumers: Any = driver._connection.channel
    consumers.consumers.update(
        {tag: on_message for tag, found in consumers.consumers.items() if found == receive}
    )
    return decoded, came


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


async def test_an_emit_before_any_client(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq, 1) as cluster:
        early = Server(adapter=cluster.adapter())
        await early.emit("from a start-up hook")
        assert await cluster.clients[0].event() == ["from a start-up hook"]
        await early.close()


async def test_three_servers_and_rooms_that_come_and_go(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq, 3, bind_rooms=True) as cluster:
        for round_ in range(10):
            for client in cluster.clients:
                await client.request("join", f"room {round_ % 2}")
            await cluster.here.to(f"room {round_ % 2}").emit("round", round_)
            for client in cluster.clients:
                assert await client.event() == ["round", round_]
                await client.request("leave", f"room {round_ % 2}")
        for core in cluster.cores:
            driver = core.driver
            assert isinstance(driver, RabbitMqDriver)
            assert driver._rooms == set()
            await until(lambda it=driver: len(it._bindings) == 3)  # type: ignore[misc]
            assert core.counters == {}


async def test_many_rooms_at_once(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq, bind_rooms=True) as cluster:
        socket: Socket = cluster.socket(1)

        async def join(number: int) -> None:
            await socket.join(f"room {number}")

        async with anyio.create_task_group() as tasks:
            for number in range(2000):
                tasks.start_soon(join, number)
        for number in range(0, 2000, 100):
            await cluster.here.to(f"room {number}").emit("there")
            assert await cluster.clients[1].event() == ["there"]
