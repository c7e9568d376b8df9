"""What happens when NATS is away, and when it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from nats.aio.client import Client

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, NatsAdapter, NotRetryable
from socketio_asgi.adapters.nats.driver import NatsDriver
from socketio_asgi.adapters.nats.jetstream import JetStreamDriver
from socketio_asgi.brokers.nats.client import MAX_PENDING_BYTES, waiting_bytes
from socketio_asgi.protocol import EncodeError
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.waiting import until

from .server import NatsServer
from .support import Cluster, core_of, open_cluster, opened, start, state_of

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

BACK_SECONDS = 15.0  # at most; attempts are made every five seconds or faster


def behind(url: str) -> AbstractAsyncContextManager[FaultProxy]:
    """A proxy in front of a server."""
    return fault_proxy(int(url.rpartition(":")[2]))


async def works(cluster: Cluster, event: str) -> None:
    """Events reach the other server again."""
    await cluster.ready()
    await cluster.here.emit(event)
    for client in cluster.clients:
        while (await client.event())[0] != event:
            pass


def hear(server: Server) -> list[Any]:
    """The events that other servers send to a server, in order."""
    heard: list[Any] = []

    @server.on_server_event("event")
    async def event(value: Any) -> None:
        heard.append(value)

    return heard


async def away(cluster: Cluster, number: int = 0) -> None:
    server = cluster.servers[number]
    await until(lambda: state_of(server) is AdapterState.AWAY, timeout=BACK_SECONDS)


@pytest.mark.usefixtures("patient_events")
async def test_a_connection_that_is_cut(nats_server: str, jetstream: bool) -> None:
    async with behind(nats_server) as proxy:
        # The first server alone loses it: the second one is there when it comes back.
        urls = [f"nats://127.0.0.1:{proxy.port}", nats_server]
        async with opened(with_sources(nats_server, urls, jetstream=jetstream)) as cluster:
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
            assert [core.gaps for core in cluster.cores] == [0 if jetstream else 1, 0]
            assert len(await cluster.here.fetch_sockets()) == 2


async def test_what_is_missed_comes_later(nats_server: str) -> None:
    async with behind(nats_server) as proxy, open_cluster(nats_server, jetstream=True) as cluster:
        # Another server, behind the proxy.
        far = cluster.add_server(f"nats://127.0.0.1:{proxy.port}")
        heard = hear(far)
        far.emit("begin")
        await cluster.acquainted()
        proxy.refusing = True
        proxy.cut()
        await until(lambda: not core_of(far).ready)
        for number in range(500):
            await cluster.here.server_side_emit("event", number)
        proxy.refusing = False
        await until(lambda: len(heard) == 500, timeout=BACK_SECONDS)
        assert heard == list(range(500))
        assert core_of(far).gaps == 0
        await far.close()
        cluster.servers.remove(far)


async def test_what_was_not_confirmed_is_published_once(nats_server: str) -> None:
    async with behind(nats_server) as proxy, open_cluster(nats_server, jetstream=True) as cluster:
        far = cluster.add_server(f"nats://127.0.0.1:{proxy.port}")
        far.emit("begin")
        await cluster.acquainted()
        heard = hear(cluster.here)
        proxy.freeze()  # nothing passes: neither the messages, nor the answers
        sent = [far.server_side_emit("event", number) for number in range(100)]
        await anyio.lowlevel.checkpoint()
        proxy.cut()
        proxy.thaw()
        for awaitable in sent:
            await awaitable
        await until(lambda: len(heard) >= 100, timeout=BACK_SECONDS)
        assert heard == list(range(100))
        driver = core_of(far).driver
        assert isinstance(driver, JetStreamDriver)
        assert len(driver._publisher) == 0
        await far.close()
        cluster.servers.remove(far)


async def test_a_server_that_is_started_again(own_nats: NatsServer, jetstream: bool) -> None:
    storage: Any = {"stream": {"storage": "file"}} if jetstream else {}
    async with open_cluster(own_nats.url, jetstream=jetstream, **storage) as cluster:
        await cluster.clients[1].request("join", "room")
        own_nats.kill()
        await away(cluster)
        error = cluster.here.__socketio__.adapters.status.error
        assert isinstance(error, ConnectionError)
        with pytest.raises(ClusterUnavailable):
            await cluster.here.emit("sent for too long")
        assert await cluster.clients[0].event() == ["sent for too long"]
        assert core_of(cluster.here).counters["the broker was away for too long"] == 1
        own_nats.start()
        for server in cluster.servers:
            await until(lambda it=server: state_of(it) is AdapterState.READY, BACK_SECONDS)  # type: ignore[misc]
        await cluster.acquainted()
        await cluster.here.to("room").emit("for the room")
        assert await cluster.clients[1].event() == ["for the room"]


async def test_a_server_that_stands_still(own_nats: NatsServer, jetstream: bool) -> None:
    options: Any = {"ping_interval": 0.5, "ping_timeout": 1.0, "connect_timeout": 1.0}
    async with open_cluster(own_nats.url, jetstream=jetstream, **options) as cluster:
        own_nats.pause()
        try:
            await away(cluster)
            cluster.here.emit("meanwhile")
            assert await cluster.clients[0].event() == ["meanwhile"]
        finally:
            own_nats.resume()
        await until(lambda: all(core.ready for core in cluster.cores), BACK_SECONDS)
        await cluster.acquainted()
        await works(cluster, "again")


async def test_memory_while_a_server_takes_nothing(own_nats: NatsServer, jetstream: bool) -> None:
    async with open_cluster(own_nats.url, 1, jetstream=jetstream) as cluster:
        driver = core_of(cluster.here).driver
        assert isinstance(driver, NatsDriver)
        client = driver._connection.client
        own_nats.pause()
        try:
            for _ in range(60):
                for _ in range(10):
                    cluster.here.server_side_emit("event", "x" * 100_000)
                await anyio.lowlevel.checkpoint()
            counters = core_of(cluster.here).counters
            assert counters["the driver refused a message"] > 0
            assert waiting_bytes(client) <= MAX_PENDING_BYTES
        finally:
            own_nats.resume()
        await until(lambda: waiting_bytes(client) == 0, BACK_SECONDS)
        await works(cluster, "again")


async def test_garbage_is_dropped(nats_server: str, jetstream: bool) -> None:
    async with open_cluster(nats_server, jetstream=jetstream) as cluster:
        client = Client()
        await client.connect(nats_server)
        main = b"/".hex()
        core = core_of(cluster.here)
        subjects = [
            f"{cluster.prefix}.{main}.all",
            f"{cluster.prefix}.{main}.uid.{core.server_id}",
        ]
        if jetstream:
            subjects += [f"{cluster.prefix}.{main}.log.all", f"{cluster.prefix}.{main}.log.room.x"]
        else:
            subjects += [f"{cluster.prefix}.{main}.sid.zz"]
        for subject in subjects:
            for data in (b"", b"\xff\x00", b"[1]\n[]\n", b"x" * 1_000_000, b"[9]\n[1,3,2]\n"):
                await client.publish(subject, data)
        driver = core.driver
        assert isinstance(driver, NatsDriver)
        if isinstance(driver, JetStreamDriver):  # and where JetStream answers
            for answer in (b"", b"nonsense", b"[]", b'{"seq":"x"}', b'{"error":{}}'):
                await client.publish(f"{driver._publisher._inbox}.1", answer)
                await client.publish(f"{driver._publisher._inbox}.x", answer)
                await client.publish(driver._publisher._inbox[:-1] + "y.1", answer)
        await client.flush()
        await client.close()
        await until(lambda: core.counters["malformed messages"] == 5 * len(subjects))
        await works(cluster, "again")
        assert core.gaps == 0


async def test_garbage_of_the_server_itself(nats_server: str) -> None:
    async def garbage(stream: Any) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                await stream.send(b"INFO {}\r\n")
                await stream.receive()
                await stream.send(b"PONG\r\nNONSENSE \x00\xff\r\nMSG a b\r\n")
                await stream.receive()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, garbage)
        server = Server(adapter=NatsAdapter(f"nats://127.0.0.1:{port}", ping_timeout=0.5))
        server.emit("begin")
        await until(lambda: state_of(server) is AdapterState.AWAY)
        await server.close()
        tasks.cancel_scope.cancel()


async def test_what_is_too_large(nats_server: str, jetstream: bool) -> None:
    async with open_cluster(nats_server, jetstream=jetstream) as cluster:
        with pytest.raises(EncodeError, match="and the broker takes"):
            await cluster.here.emit("large", "x" * 1_048_576)
        size = core_of(cluster.here).traits.max_payload
        assert size is not None
        cluster.here.emit("fits", "x" * (size - 20))
        for client in cluster.clients:
            assert (await client.event())[0] == "fits"
        with pytest.raises(ClusterUnavailable):
            await cluster.here.server_side_emit("large", "x" * 1_048_576)
        assert core_of(cluster.here).counters["the driver refused a message"] == 1
        await works(cluster, "again")
        assert core_of(cluster.here).gaps == 0


async def test_the_client_of_the_application(own_nats: NatsServer, jetstream: bool) -> None:
    clients = [Client(), Client()]
    for client in clients:
        await client.connect(
            own_nats.url, reconnect_time_wait=0, max_reconnect_attempts=-1, error_cb=_quiet
        )
    try:
        storage: Any = {"stream": {"storage": "file"}} if jetstream else {}
        cluster_of_clients = with_sources(own_nats.url, clients, jetstream=jetstream, **storage)
        async with opened(cluster_of_clients) as cluster:
            await works(cluster, "first")
            own_nats.kill()
            await away(cluster)
            own_nats.start()
            await until(lambda: all(core.ready for core in cluster.cores), BACK_SECONDS)
            await cluster.acquainted()
            await works(cluster, "again")
        # It belongs to the application, and is as it was.
        for client in clients:
            assert client.is_connected
            assert [
                sub.subject for sub in client._subs.values() if "INBOX" not in sub.subject
            ] == []
    finally:
        for client in clients:
            await client.close()


def with_sources(url: str, sources: Sequence[Any], **options: Any) -> Cluster:
    """A cluster whose servers have each another URL, or client of nats-py."""
    return Cluster(url, sources=sources, **options)


async def _quiet(_error: Exception) -> None: ...


async def test_a_client_that_is_closed(nats_server: str) -> None:
    client = Client()
    await client.connect(nats_server)
    await client.close()
    with pytest.raises(NotRetryable, match="the NATS client of the application is closed"):
        await start(Server(adapter=NatsAdapter(client)))


async def test_a_server_that_is_not_there() -> None:
    server = Server(adapter=NatsAdapter("nats://127.0.0.1:1"))
    server.emit("begin")
    await until(lambda: state_of(server) is AdapterState.AWAY)
    error = server.__socketio__.adapters.status.error
    assert "no NATS server can be reached" in str(error)
    await server.close()


async def test_one_of_several_servers(nats_server: str) -> None:
    server = Server(adapter=NatsAdapter(["nats://127.0.0.1:1", nats_server]))
    await server.emit("begin")
    assert state_of(server) is AdapterState.READY
    await server.close()


CONFIG = """
authorization {
  users = [
    {user: all, password: secret}
    {user: some, password: secret, permissions: {publish: "socket.io.>", subscribe: "_INBOX.>"}}
  ]
}
"""


async def test_credentials_and_rights(tmp_path: Path) -> None:
    with NatsServer(tmp_path, config=CONFIG, jetstream=False) as nats:
        server = Server(adapter=NatsAdapter(nats.url, user="all", password="secret"))
        await server.emit("begin")
        await server.close()
        server = Server(adapter=NatsAdapter(nats.url.replace("//", "//all:secret@")))
        await server.emit("begin")
        await server.close()
        with pytest.raises(NotRetryable, match="refuses the credentials"):
            await start(Server(adapter=NatsAdapter(nats.url, user="all", password="wrong")))
        with pytest.raises(NotRetryable, match=r"the right to publish and to subscribe to socket"):
            await start(Server(adapter=NatsAdapter(nats.url, user="some", password="secret")))
        adapter = NatsAdapter(nats.url, user="all", password="secret", jetstream=True)
        with pytest.raises(NotRetryable, match="JetStream is not enabled in NATS"):
            await start(Server(adapter=adapter))
        adapter = NatsAdapter(nats.url, user_credentials=str(tmp_path / "absent"))
        with pytest.raises(NotRetryable, match=r"needs another package|options of the NATS"):
            await start(Server(adapter=adapter))


async def test_passwords_that_change_later(tmp_path: Path) -> None:
    with NatsServer(tmp_path, config=CONFIG, jetstream=False) as nats:
        server = Server(adapter=NatsAdapter(nats.url, user="all", password="secret"))
        await server.emit("begin")
        nats.kill()
        (tmp_path / "nats.conf").write_text(CONFIG.replace("secret", "another"))
        nats.start()
        lifecycle = server.__socketio__.adapters
        await until(lambda: "credentials" in str(lifecycle.status.error), BACK_SECONDS)
        nats.kill()
        (tmp_path / "nats.conf").write_text(CONFIG)
        nats.start()
        await until(lambda: state_of(server) is AdapterState.READY, BACK_SECONDS)
        await server.close()
