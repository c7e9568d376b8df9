"""What happens when RabbitMQ is away, and when it comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import aio_pika
import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, NotRetryable, RabbitMqAdapter
from socketio_asgi.adapters.rabbitmq import keys
from socketio_asgi.adapters.rabbitmq.publisher import MAX_UNCONFIRMED_BYTES
from socketio_asgi.protocol import EncodeError
from tests.brokers.cluster import core_of, opened, start, state_of
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.waiting import until

from .server import READY_SECONDS, RabbitServer
from .support import Cluster, driver_of, open_cluster

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

BACK_SECONDS = 30.0  # at most; attempts are made every five seconds or faster


def behind(url: str) -> AbstractAsyncContextManager[FaultProxy]:
    """A proxy in front of a node."""
    return fault_proxy(int(url.rpartition(":")[2].strip("/")))


def through(proxy: FaultProxy) -> str:
    return f"amqp://guest:guest@127.0.0.1:{proxy.port}/"


async def works(cluster: Cluster, event: str) -> None:
    """Events reach the other server again."""
    await cluster.ready()
    await cluster.here.emit(event)
    for client in cluster.clients:
        while (await client.event())[0] != event:
            pass


async def away(cluster: Cluster, number: int = 0) -> None:
    server = cluster.servers[number]
    await until(lambda: state_of(server) is AdapterState.AWAY, timeout=BACK_SECONDS)


async def back(cluster: Cluster) -> None:
    await until(lambda: all(core.ready for core in cluster.cores), BACK_SECONDS)
    await cluster.acquainted()


@pytest.mark.usefixtures("patient_events")
async def test_a_connection_that_is_cut(rabbitmq: str) -> None:
    # The first server alone loses it: the second one is there when it comes back.
    async with (
        behind(rabbitmq) as proxy,
        opened(Cluster(rabbitmq, sources=[through(proxy)])) as cluster,
    ):
        await cluster.clients[1].request("join", "room")
        first = core_of(cluster.here).driver
        proxy.cut()
        await until(lambda: not core_of(cluster.here).ready)
        # What is sent meanwhile reaches the clients of this server, and then the others.
        waiting = cluster.here.to("room").emit("for the room")
        cluster.here.emit("sent while it was away")
        assert await cluster.clients[0].event() == ["sent while it was away"]
        await waiting
        assert await cluster.clients[1].event() == ["for the room"]
        assert await cluster.clients[1].event() == ["sent while it was away"]
        await cluster.acquainted()
        await works(cluster, "again")
        assert core_of(cluster.here).driver is not first
        assert [core.gaps for core in cluster.cores] == [1, 0]
        assert len(await cluster.here.fetch_sockets()) == 2


async def test_rooms_are_bound_again(rabbitmq: str) -> None:
    async with (
        behind(rabbitmq) as proxy,
        opened(Cluster(rabbitmq, sources=[rabbitmq, through(proxy)], bind_rooms=True)) as cluster,
    ):
        for room in ("first", "second", "third"):
            await cluster.clients[1].request("join", room)
        proxy.refusing = True
        proxy.cut()
        await until(lambda: not core_of(cluster.there).ready)
        await cluster.clients[1].request("leave", "third")
        await cluster.clients[1].request("join", "while it was away")
        proxy.refusing = False
        await back(cluster)
        for room in ("first", "second", "while it was away"):
            await cluster.here.to(room).emit(room)
            assert await cluster.clients[1].event() == [room]


async def test_a_publication_that_is_lost(rabbitmq: str) -> None:
    async with (
        behind(rabbitmq) as proxy,
        opened(Cluster(rabbitmq, sources=[through(proxy)])) as cluster,
    ):
        proxy.freeze()  # nothing passes: neither the messages, nor the answers
        sent = [cluster.here.server_side_emit("event", number) for number in range(100)]
        await anyio.lowlevel.checkpoint()
        proxy.cut()
        proxy.thaw()
        for awaitable in sent:
            with pytest.raises(ClusterUnavailable):
                await awaitable
        core = core_of(cluster.here)
        assert core.counters["the broker did not take a message"] == 100
        await back(cluster)
        await works(cluster, "again")
        assert len(driver_of(cluster.here)._publisher) == 0


@pytest.mark.timeout(60 + READY_SECONDS, func_only=True)
async def test_a_node_that_is_started_again(own_rabbitmq: RabbitServer) -> None:
    async with open_cluster(own_rabbitmq.url) as cluster:
        await cluster.clients[1].request("join", "room")
        own_rabbitmq.kill()
        await away(cluster)
        error = cluster.here.__socketio__.adapters.status.error
        assert isinstance(error, ConnectionError)
        with pytest.raises(ClusterUnavailable):
            await cluster.here.emit("sent for too long")
        assert await cluster.clients[0].event() == ["sent for too long"]
        assert core_of(cluster.here).counters["the broker was away for too long"] == 1
        await anyio.to_thread.run_sync(own_rabbitmq.start)
        await back(cluster)
        await cluster.here.to("room").emit("for the room")
        assert await cluster.clients[1].event() == ["for the room"]


async def test_a_node_that_stands_still(own_rabbitmq: RabbitServer) -> None:
    options: Any = {"ping_interval": 0.5, "ping_timeout": 1.0, "connect_timeout": 2.0}
    async with open_cluster(own_rabbitmq.url, **options) as cluster:
        own_rabbitmq.pause()
        try:
            await away(cluster)
            cluster.here.emit("meanwhile")
            assert await cluster.clients[0].event() == ["meanwhile"]
        finally:
            own_rabbitmq.resume()
        await back(cluster)
        await works(cluster, "again")


async def test_memory_while_a_node_takes_nothing(own_rabbitmq: RabbitServer) -> None:
    async with open_cluster(own_rabbitmq.url, 1) as cluster:
        publisher = driver_of(cluster.here)._publisher
        own_rabbitmq.pause()
        try:
            for _ in range(60):
                for _ in range(10):
                    cluster.here.server_side_emit("event", "x" * 100_000)
                await anyio.lowlevel.checkpoint()
            counters = core_of(cluster.here).counters
            assert counters["the driver refused a message"] > 0
            assert 0 < publisher._bytes <= MAX_UNCONFIRMED_BYTES
        finally:
            own_rabbitmq.resume()
        await until(lambda: not len(publisher), BACK_SECONDS)
        await back(cluster)
        await works(cluster, "again")


async def test_a_node_without_memory(own_rabbitmq: RabbitServer) -> None:
    """It reads from nobody who publishes, until it has some again."""

    async def limit_memory(share: str) -> None:
        command = ("set_vm_memory_high_watermark", share)
        await anyio.to_thread.run_sync(own_rabbitmq.control, *command)

    options: Any = {"ping_interval": 0.5, "ping_timeout": 1.0}
    async with open_cluster(own_rabbitmq.url, **options) as cluster:
        await limit_memory("0.00001")
        try:
            cluster.here.emit("event")
            await away(cluster)
        finally:
            await limit_memory("0.4")
        await back(cluster)
        await works(cluster, "again")


async def test_a_server_that_stands_still(own_rabbitmq: RabbitServer) -> None:
    """What waits for it is limited, and it hears that some of it is gone."""
    async with behind(own_rabbitmq.url) as proxy:
        sources = [own_rabbitmq.url, through(proxy)]
        limits: Any = {"max_queued": 100, "ping_timeout": 30.0, "ping_interval": 30.0}
        async with opened(Cluster(own_rabbitmq.url, sources=sources, **limits)) as cluster:
            proxy.freeze()
            for _ in range(20):
                for number in range(100):
                    cluster.here.emit("event", number, "x" * 10_000)
                await cluster.here.emit("event")
            rows = await anyio.to_thread.run_sync(
                own_rabbitmq.control, "list_queues", "name", "messages", "--no-table-headers"
            )
            waiting = {name: int(count) for name, count in map(str.split, rows.splitlines())}
            far = f"{cluster.prefix}.{core_of(cluster.there).server_id}."
            counts = {
                name.endswith(".lost"): count
                for name, count in waiting.items()
                if name.startswith(far)
            }
            assert counts[False] == 100
            assert counts[True] <= 1  # the notice, unless it is on its way
            proxy.thaw()
            await until(lambda: core_of(cluster.there).gaps > 0, BACK_SECONDS)
            await works(cluster, "again")
            assert [core.gaps for core in cluster.cores] == [0, core_of(cluster.there).gaps]


async def test_garbage_is_dropped(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq) as cluster, channel_to(rabbitmq) as channel:
        exchange = await channel.get_exchange(cluster.prefix)
        core = core_of(cluster.here)
        routing = [keys.to_all("/"), keys.to_server(core.server_id), f"{b'/'.hex()}.sid.zz"]
        for key in routing:
            for data in (b"", b"\xff\x00", b"[1]\n[]\n", b"x" * 1_000_000, b"[9]\n[1,3,2]\n"):
                message = aio_pika.Message(data, app_id="x" * 200, headers={"a": [1, None]})
                await exchange.publish(message, key)
        await until(lambda: core.counters["malformed messages"] == 5 * len(routing))
        await works(cluster, "again")
        assert core.gaps == 0


async def test_garbage_of_the_node_itself() -> None:
    async def garbage(stream: Any) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                await stream.receive()
                await stream.send(b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x99\xce nonsense")
                await stream.receive()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, garbage)
        url = f"amqp://127.0.0.1:{port}"
        server = Server(adapter=RabbitMqAdapter(url, connect_timeout=0.5, ping_timeout=0.5))
        server.emit("begin")
        await until(lambda: state_of(server) is AdapterState.AWAY)
        await server.close()
        tasks.cancel_scope.cancel()


async def test_a_queue_that_is_removed(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq) as cluster:
        first = driver_of(cluster.here)
        await first._connection.channel.queue_delete(first._bindings._queue)  # type: ignore[attr-defined]
        await until(lambda: core_of(cluster.here).driver is not first)
        await back(cluster)
        await works(cluster, "again")
        assert core_of(cluster.here).gaps == 1


async def test_what_is_too_large(rabbitmq: str) -> None:
    async with open_cluster(rabbitmq) as cluster:
        size = core_of(cluster.here).traits.max_payload
        assert size is not None
        with pytest.raises(EncodeError, match="and the broker takes"):
            await cluster.here.emit("large", "x" * size)
        cluster.here.emit("fits", "x" * 1_000_000)  # many frames
        for client in cluster.clients:
            assert len((await client.event())[1]) == 1_000_000
        await works(cluster, "again")
        assert core_of(cluster.here).gaps == 0


@pytest.mark.parametrize("robust", [True, False])
async def test_the_connection_of_the_application(rabbitmq: str, robust: bool) -> None:
    async with behind(rabbitmq) as proxy:
        connection: Any
        if robust:
            connection = await aio_pika.connect_robust(through(proxy), reconnect_interval=0.1)
        else:
            connection = await aio_pika.connect(through(proxy))
        async with connection:
            async with opened(Cluster(rabbitmq, sources=[connection])) as cluster:
                await works(cluster, "first")
                proxy.refusing = True  # it may be back before somebody looks otherwise
                proxy.cut()
                await away(cluster)
                proxy.refusing = False
                if robust:
                    await back(cluster)
                    await works(cluster, "again")
            # It belongs to the application, and is as it was.
            assert not connection.is_closed
            if robust:
                assert len(connection.transport.connection.channels) == 0
                await connection.channel()


async def test_a_connection_that_is_closed(rabbitmq: str) -> None:
    connection = await aio_pika.connect(rabbitmq)
    await connection.close()
    with pytest.raises(NotRetryable, match="connection of the application is closed"):
        await start(Server(adapter=RabbitMqAdapter(connection)))


async def test_a_node_that_is_not_there() -> None:
    server = Server(adapter=RabbitMqAdapter("amqp://127.0.0.1:1"))
    server.emit("begin")
    await until(lambda: state_of(server) is AdapterState.AWAY)
    assert "RabbitMQ cannot be reached" in str(server.cluster.health.last_error)
    await server.close()


async def test_one_of_several_nodes(rabbitmq: str) -> None:
    server = Server(adapter=RabbitMqAdapter(["amqp://127.0.0.1:1", rabbitmq]))
    await server.emit("begin")
    assert state_of(server) is AdapterState.READY
    await server.close()


async def test_credentials_and_rights(own_rabbitmq: RabbitServer) -> None:
    statement = (
        'rabbit_auth_backend_internal:add_user(<<"some">>, <<"secret">>, <<"test">>),'
        'rabbit_auth_backend_internal:set_permissions(<<"some">>, <<"/">>, <<"^mine">>,'
        ' <<"^mine">>, <<"^mine">>, <<"test">>).'
    )
    await anyio.to_thread.run_sync(own_rabbitmq.control, "eval", statement)
    url = own_rabbitmq.url.replace("guest:guest", "some:secret")
    server = Server(adapter=RabbitMqAdapter(url, prefix="mine"))
    await server.emit("begin")
    await server.close()
    with pytest.raises(NotRetryable, match="the rights to configure, to write and to read"):
        await start(Server(adapter=RabbitMqAdapter(url, prefix="other")))
    with pytest.raises(NotRetryable, match="refuses user, password or virtual host"):
        await start(Server(adapter=RabbitMqAdapter(url.replace("secret", "wrong"))))
    server = Server(adapter=RabbitMqAdapter(url + "absent"))
    server.emit("begin")
    await until(lambda: "virtual host" in str(server.cluster.health.last_error), BACK_SECONDS)
    await server.close()


async def test_exchanges_that_exist(rabbitmq: str) -> None:
    with pytest.raises(NotRetryable, match="absent and create_exchange true"):
        await start(
            Server(adapter=RabbitMqAdapter(rabbitmq, prefix="absent", create_exchange=False))
        )
    async with channel_to(rabbitmq) as channel:
        await channel.declare_exchange("test-other", "direct", auto_delete=True)
        with pytest.raises(NotRetryable, match="must be a durable topic exchange"):
            await start(Server(adapter=RabbitMqAdapter(rabbitmq, prefix="test-other")))
        await channel.declare_exchange("test-mine", "topic", durable=True)
        server = Server(
            adapter=RabbitMqAdapter(rabbitmq, prefix="test-mine", create_exchange=False)
        )
        await server.emit("begin")
        await server.close()


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel of somebody else."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield channel


async def test_the_queue_of_a_server_that_stands_still_goes(own_rabbitmq: RabbitServer) -> None:
    """RabbitMQ ends a connection without heartbeats, and what would wait for it is not kept."""
    async with behind(own_rabbitmq.url) as proxy:
        sources = [own_rabbitmq.url, through(proxy) + "?heartbeat=1"]
        options: Any = {"sources": sources, "ping_timeout": 30.0, "ping_interval": 30.0}
        async with opened(Cluster(own_rabbitmq.url, **options)) as cluster:
            queue = driver_of(cluster.there)._bindings._queue

            async def gone() -> bool:
                listing = ("list_queues", "name", "--no-table-headers")
                return queue not in await anyio.to_thread.run_sync(own_rabbitmq.control, *listing)

            assert not await gone()
            proxy.freeze()
            await until(gone, BACK_SECONDS)
            proxy.thaw()
            await away(cluster, 1)
            await back(cluster)
            await works(cluster, "again")
            assert core_of(cluster.there).gaps == 1
