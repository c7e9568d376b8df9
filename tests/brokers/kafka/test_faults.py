"""What happens when Kafka is away, and when it comes back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import aiokafka
import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import ConnectionStateRecovery, Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, KafkaAdapter, NotRetryable
from socketio_asgi.adapters.cluster.batches import MAX_WAITING_BYTES
from socketio_asgi.adapters.kafka.places import Place
from socketio_asgi.adapters.kafka.records import namespace_key, socket_key
from socketio_asgi.protocol import EncodeError
from tests.brokers.cluster import core_of, opened, start, state_of
from tests.support.fault_proxy import fault_proxy
from tests.support.waiting import until

from .routes import Routes
from .server import KafkaServer
from .support import Cluster, driver_of, open_cluster

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

BACK_SECONDS = 30.0  # at most; attempts are made every five seconds or faster
QUICK: Any = {"ping_interval": 0.5, "ping_timeout": 1.0}


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


def hear(server: Server) -> list[Any]:
    """The events that other servers send to a server, in order."""
    heard: list[Any] = []

    @server.on_server_event("event")
    async def event(value: Any) -> None:
        heard.append(value)

    return heard


async def test_a_cut_that_nobody_notices(kafka: str, proxied: Routes) -> None:
    """A connection is made again at once, and what was on its way comes, in order and once."""
    async with fault_proxy(int(kafka.rpartition(":")[2])) as proxy, open_cluster(kafka) as cluster:
        proxied["far"] = proxy.port
        far = cluster.add_server(f"127.0.0.1:{proxy.port}", client_id="far")
        heard, other = hear(far), hear(cluster.here)
        far.emit("begin")
        await cluster.acquainted()
        for number in range(200):
            cluster.here.server_side_emit("event", number)
            far.server_side_emit("event", number)
            if number % 50 == 25:
                proxy.cut()
            await anyio.lowlevel.checkpoint()
        await until(lambda: len(heard) >= 200 and len(other) >= 200, BACK_SECONDS)
        assert heard == other == list(range(200))
        assert core_of(far).gaps == 0
        await far.close()
        cluster.servers.remove(far)


async def test_a_network_that_passes_nothing_on(kafka: str, proxied: Routes) -> None:
    async with fault_proxy(int(kafka.rpartition(":")[2])) as proxy:
        proxied["far"] = proxy.port
        async with open_cluster(kafka) as cluster:
            far = cluster.add_server(f"127.0.0.1:{proxy.port}", client_id="far", **QUICK)
            heard = hear(far)
            far.emit("begin")
            await cluster.acquainted()
            proxy.freeze()
            await until(lambda: not core_of(far).ready, BACK_SECONDS)
            for number in range(500):
                await cluster.here.server_side_emit("event", number)
            proxy.thaw()
            await until(lambda: len(heard) >= 500, BACK_SECONDS)
            assert heard == list(range(500))
            assert core_of(far).gaps == 0
            await far.close()
            cluster.servers.remove(far)


async def test_a_broker_that_has_lost_everything(own_kafka: KafkaServer) -> None:
    async with open_cluster(own_kafka.address, **QUICK) as cluster:
        await works(cluster, "first")
        own_kafka.kill()
        await away(cluster)
        assert isinstance(cluster.here.__socketio__.adapters.status.error, ConnectionError)
        with pytest.raises(ClusterUnavailable):
            await cluster.here.emit("sent for too long")
        own_kafka.start()
        await back(cluster)
        await works(cluster, "again")
        assert [core.gaps for core in cluster.cores] == [1, 1]


async def test_a_broker_that_stands_still(own_kafka: KafkaServer) -> None:
    async with open_cluster(own_kafka.address, **QUICK) as cluster:
        own_kafka.pause()
        try:
            await away(cluster)
            cluster.here.emit("meanwhile")
            assert (await cluster.clients[0].event())[0] == "meanwhile"
        finally:
            own_kafka.resume()
        await back(cluster)
        await works(cluster, "again")
        assert [core.gaps for core in cluster.cores] == [0, 0]


async def test_memory_while_a_broker_takes_nothing(own_kafka: KafkaServer) -> None:
    async with open_cluster(own_kafka.address, 1) as cluster:
        sender = driver_of(cluster.here)._sender
        assert sender is not None
        own_kafka.pause()
        try:
            for _ in range(60):
                for _ in range(10):
                    cluster.here.server_side_emit("event", "x" * 100_000)
                await anyio.lowlevel.checkpoint()
            assert core_of(cluster.here).counters["the driver refused a message"] > 0
            assert 0 < sender._bytes <= MAX_WAITING_BYTES
        finally:
            own_kafka.resume()
        await back(cluster)
        await works(cluster, "again")


async def test_garbage_is_dropped(kafka: str) -> None:
    options: Any = {"recovery": ConnectionStateRecovery(max_disconnection_duration=60)}
    async with opened(Cluster(kafka, **options)) as cluster:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        key, socket = namespace_key("/"), socket_key("/", "pid")
        garbage: list[Any] = [
            (value, key, ()) for value in (b"", b"\xff\x00", b"[1]\n[]\n", b"x" * 500_000)
        ]
        garbage += [(None, key, ()), (b"[9]\n[1,3,2]\n", None, [("id", b"\xff"), ("x", b"")])]
        for seconds in (b"", b"x", b"-1", b"nan", b"60"):
            headers = [("kind", b"saved"), ("seconds", seconds), ("id", b"s" + seconds)]
            garbage.append((b"nonsense", socket, headers))
        garbage += [(b"", None, [("kind", b"taken")]), (b"", key, [("kind", b"\xff")])]
        for value, record_key, headers in garbage:
            await producer.send_and_wait(
                cluster.prefix, value, record_key, partition=0, headers=headers
            )
        await producer.stop()
        core = core_of(cluster.here)
        await until(lambda: core.counters["malformed messages"] == 6)
        archive = driver_of(cluster.here).archive
        assert archive is not None
        assert await archive.find("/", "pid") is None
        await works(cluster, "again")
        assert core.gaps == 0


async def test_garbage_of_the_broker_itself() -> None:
    async def garbage(stream: Any) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                await stream.receive()
                await stream.send(b"\x00\x00\x00\x10nonsense nonsense")
                await stream.receive()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, garbage)
        server = Server(adapter=KafkaAdapter(f"127.0.0.1:{port}", ping_timeout=0.5))
        server.emit("begin")
        await until(lambda: state_of(server) is AdapterState.AWAY)
        await server.close()
        tasks.cancel_scope.cancel()


async def test_what_is_too_large(kafka: str) -> None:
    async with open_cluster(kafka) as cluster:
        size = core_of(cluster.here).traits.max_payload
        assert size is not None
        with pytest.raises(EncodeError, match="and the broker takes"):
            await cluster.here.emit("large", "x" * size)
        await cluster.here.emit("fits", "x" * (size - 20))
        for client in cluster.clients:
            assert (await client.event())[0] == "fits"
        with pytest.raises(ClusterUnavailable):
            await cluster.here.server_side_emit("large", "x" * 1_000_000)
        assert core_of(cluster.here).counters["the driver refused a message"] == 1
        await works(cluster, "again")


async def test_what_is_not_kept_any_more(kafka: str) -> None:
    async with open_cluster(kafka) as cluster:
        archive = driver_of(cluster.here).archive
        assert archive is not None
        await cluster.here.emit("event")
        for position in (Place(0, 1), Place(10**6, 0), Place(10**6, 5)):
            since = archive.since("/", str(position))
            with pytest.raises(LookupError):
                await anext(since)


async def test_a_broker_that_is_not_there() -> None:
    server = Server(adapter=KafkaAdapter("127.0.0.1:1"))
    server.emit("begin")
    await until(lambda: state_of(server) is AdapterState.AWAY)
    assert "Kafka cannot be reached" in str(server.cluster.health.last_error)
    await server.close()


async def test_topics_and_options_that_do_not_fit(kafka: str) -> None:
    async with open_cluster(kafka, 1) as cluster:
        adapter = KafkaAdapter(kafka, topic=cluster.prefix, partition=3)
        with pytest.raises(NotRetryable, match="has 1 partitions, and none with the number 3"):
            await start(Server(adapter=adapter))
    with pytest.raises(NotRetryable, match="options of the Kafka connection are wrong"):
        await start(Server(adapter=KafkaAdapter(kafka, security_protocol="NONSENSE")))
