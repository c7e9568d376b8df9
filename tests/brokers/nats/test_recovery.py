"""Clients that come back, with what JetStream has kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from nats.aio.client import Client

from socketio_asgi import ConnectionStateRecovery, Server, Socket
from socketio_asgi.adapters import NotRetryable, SavedSocket
from socketio_asgi.adapters.nats.jetstream import JetStreamDriver
from socketio_asgi.adapters.track import Stay, Track
from tests.server.recovery.support import Guest
from tests.support.waiting import until

from .support import Cluster, core_of, opened, start

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

RECOVERY = ConnectionStateRecovery(max_disconnection_duration=60)


class Recovering(Cluster):
    """A cluster that remembers its sockets."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.seen: list[list[Socket]] = []
        super().__init__(*args, jetstream=True, recovery=RECOVERY, **options)

    def add_server(self, source: Any = None, **options: Any) -> Server:
        server = super().add_server(source, **options)
        self.seen.append([])
        server.on("connection")(self.seen[-1].append)
        return server

    def guest(self, number: int) -> Guest:
        return Guest(self.served[number].url)

    async def arrived(self, number: int, count: int = 2) -> Socket:
        """Wait for a client beside the one that is always there."""
        await until(lambda: len(self.seen[number]) >= count)
        return self.seen[number][count - 1]

    async def alone(self, number: int) -> None:
        """Wait until a guest is gone, and saved."""
        server = self.servers[number]
        await until(lambda: len(server.sockets.sockets) == 1)
        await until(lambda: not core_of(server)._saves)

    async def read(self) -> None:
        """Wait until all servers have read as far as the stream goes."""
        streams = [driver_of(server)._stream for server in self.servers]
        info = await streams[0].jet.stream_info(streams[0].name)
        end = streams[0].position(info.state.last_seq)
        await until(lambda: all(core.position == end for core in self.cores))


def driver_of(server: Server) -> JetStreamDriver:
    driver = core_of(server).driver
    assert isinstance(driver, JetStreamDriver)
    return driver


@pytest.fixture
async def cluster(nats_server: str) -> AsyncIterator[Recovering]:
    async with opened(Recovering(nats_server)) as found:
        yield found


async def test_on_another_server(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        first = await cluster.arrived(0)
        await first.join("room")
        first.data.update(name="é", photo=b"\x01")
        await first.emit("hello")
        assert await guest.event() == ["hello"]
        await cluster.here.emit("heard")
        assert await guest.event() == ["heard"]
    await cluster.alone(0)
    for number in range(100):
        cluster.servers[number % 2].to("room").emit("missed", number)
        cluster.there.to("elsewhere").emit("not for it")
        cluster.there.volatile.emit("volatile")
    await cluster.there.in_("room").sockets_join("new")
    await cluster.here.to("new").emit("missed", 100)
    await cluster.read()
    guest.url = cluster.served[1].url
    async with guest.connected():
        second = await cluster.arrived(1)
        assert second.recovered
        assert (second.id, second.data) == (first.id, {"name": "é", "photo": b"\x01"})
        assert second.rooms == {first.id, "room", "new"}
        await cluster.here.emit("end")
        missed = await guest.events()
        # The two servers emit at the same time: each in its order.
        assert sorted(number for _, number in missed) == list(range(101))
        for rest in range(2):
            own = [number for _, number in missed if number % 2 == rest and number < 100]
            assert own == sorted(own)


async def test_a_client_in_a_room_that_has_no_members_there(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await (await cluster.arrived(0)).join("room")
    await cluster.alone(0)
    for number in range(200):  # more than one batch
        await cluster.here.to("room").emit("missed", number)
    await cluster.read()
    guest.url = cluster.served[1].url
    async with guest.connected():
        await cluster.here.emit("end")
        assert await guest.events() == [["missed", number] for number in range(200)]


async def test_once(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
    await cluster.alone(0)
    pid = guest.pid
    assert pid is not None
    archives = [driver_of(server).archive for server in cluster.servers]
    assert all(archives)
    taken: list[bool] = []

    async def take(number: int) -> None:
        archive = archives[number % 2]
        assert archive is not None
        taken.append(await archive.take("/", pid))

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(take, number)
    assert sorted(taken) == [False] * 9 + [True]
    assert archives[0] is not None
    assert await archives[0].find("/", pid) is None


async def test_what_is_kept_of_a_socket(cluster: Recovering) -> None:
    archive = driver_of(cluster.here).archive
    assert archive is not None
    track = Track(
        "1-a", {"r é": "2-a"}, (Stay("s", "1-a", "2-a"), Stay("", "1-a", "3-a")), None, "4-a", "1-a"
    )
    saved = SavedSocket("sid", "p.id >*", {"a": [b"\x00", 1.5, None]}, track)
    await archive.save("/a b", saved, 60)
    assert await archive.find("/a b", "p.id >*") == saved
    for namespace, pid in (("/", "p.id >*"), ("/a b", "p.id"), ("/a b", ""), ("/a b", "\ud800")):
        assert await archive.find(namespace, pid) is None


async def test_garbage_in_the_bucket_and_in_the_stream(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
    await cluster.alone(0)
    driver = driver_of(cluster.there)
    bucket = driver._stream.bucket
    assert bucket is not None
    key = f"{b'/'.hex()}.{b'other'.hex()}"
    for value in (b"", b"nonsense", b"[]\n[1,2,3,4,5]\n", b'[]\n[1,"a","b",[],{}]\n'):
        await bucket.put(key, value)
        assert await driver._archive.find("/", "other") is None
    client = Client()
    await client.connect(cluster.url)
    for value in (b"", b"nonsense", b"\xff" * 1000, b'[]\n[1,3,"/","x",null,null,[]]\n'):
        await client.publish(f"{cluster.prefix}.{b'/'.hex()}.log.all", value)
    await client.flush()
    await client.close()
    await cluster.here.emit("missed")
    await cluster.read()
    assert cluster.cores[1].counters["malformed messages"] == 4
    guest.url = cluster.served[1].url
    async with guest.connected():
        assert (await cluster.arrived(1)).recovered
        assert await guest.event() == ["missed"]


async def test_what_was_trimmed(nats_server: str) -> None:
    async with opened(Recovering(nats_server, stream={"max_bytes": 20_000})) as cluster:
        guest = cluster.guest(0)
        async with guest.connected():
            await cluster.arrived(0)
        await cluster.alone(0)
        for _ in range(30):
            await cluster.here.emit("missed", "x" * 1000)
        await cluster.read()
        archive = driver_of(cluster.there).archive
        assert archive is not None
        since = archive.since("/", driver_of(cluster.there)._stream.position(1))
        with pytest.raises(LookupError):
            await anext(since)
        guest.url = cluster.served[1].url
        with pytest.raises(Exception, match=r"clos|1000|1005"):  # and comes again, as a new one
            async with guest.connected():
                raise AssertionError("it must not join")
        guest.pid = None
        async with guest.connected():
            assert not (await cluster.arrived(1)).recovered


async def test_offsets_only_rise(cluster: Recovering) -> None:
    guests = [cluster.guest(number) for number in range(2)]
    async with guests[0].connected(), guests[1].connected():
        await cluster.arrived(0)
        await cluster.arrived(1)

        async def emit(server: Server, first: int) -> None:
            for number in range(first, first + 50):
                await server.emit("event", number)

        async with anyio.create_task_group() as tasks:
            for number in range(0, 1000, 50):
                tasks.start_soon(emit, cluster.servers[number // 50 % 2], number)
        orders: list[list[int]] = []
        for guest in guests:
            offsets: list[int] = []
            numbers: list[int] = []
            for _ in range(1000):
                numbers.append((await guest.event())[1])
                assert guest.offset is not None
                offsets.append(int(guest.offset.partition("-")[0]))
            assert offsets == sorted(set(offsets))
            assert sorted(numbers) == list(range(1000))
            orders.append(numbers)
        assert orders[0] == orders[1]
        assert [core.unordered for core in cluster.cores] == [0, 0]


async def test_a_stream_that_was_made_anew(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
        await cluster.here.emit("heard")
        await guest.event()
    await cluster.alone(0)
    stream = driver_of(cluster.here)._stream
    await stream.jet.delete_stream(stream.name)  # type: ignore[attr-defined]
    await until(lambda: all(core.gaps == 1 for core in cluster.cores), timeout=20)
    await cluster.acquainted()
    await cluster.here.emit("again")
    for client in cluster.clients:
        while (await client.event())[0] != "again":
            pass
    guest.url = cluster.served[1].url
    async with guest.connected():  # its offset is of the stream before
        assert not (await cluster.arrived(1)).recovered


async def test_streams_that_exist(nats_server: str) -> None:
    async with opened(Recovering(nats_server, 1, stream={"max_age": 90.0})) as cluster:
        stream = driver_of(cluster.here)._stream
        assert (await stream.jet.stream_info(stream.name)).config.max_age == 90
        # One that keeps messages for too short a time is changed.
        cluster.stream = {}
        server = Server(
            adapter=cluster.adapter(), connection_state_recovery={"max_disconnection_duration": 100}
        )
        await server.emit("begin")
        assert (await stream.jet.stream_info(stream.name)).config.max_age == 160
        assert (await stream.jet.stream_info(f"KV_{stream.name}")).config.max_age == 100
        await server.close()
        # Or refused, where that is not wanted.
        cluster.stream = {"create": False}
        refused = Server(
            adapter=cluster.adapter(),
            connection_state_recovery={"max_disconnection_duration": 1000},
        )
        with pytest.raises(NotRetryable, match="keeps messages for 160 seconds, and 1060"):
            await start(refused)
        cluster.prefix = "another"
        cluster.stream = {}
        with pytest.raises(NotRetryable, match=r"does not keep another\.\*\.log\.>, but"):
            await start(Server(adapter=cluster.adapter(stream_name=stream.name)))
