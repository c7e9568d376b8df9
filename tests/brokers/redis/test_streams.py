"""Servers that share a stream: nothing is lost, and clients come back to any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters.redis import RedisStreamsAdapter
from tests.server.recovery.support import Guest
from tests.support.fault_proxy import fault_proxy
from tests.support.peer import Peer, join_peer
from tests.support.serving import serve
from tests.support.waiting import until

from .servers import RedisProcess


class Member:
    """A server of a cluster, with the sockets that have connected to it."""

    def __init__(self, redis: str, prefix: str, **options: object) -> None:
        recovery = options.pop("recovery", True)
        settings = {
            "stream_name": prefix,
            "channel_prefix": prefix,
            "session_key_prefix": f"{prefix}:session:",
            **options,
        }
        self.adapter = RedisStreamsAdapter(redis, **settings)  # type: ignore[arg-type]
        self.io = Server(adapter=self.adapter, connection_state_recovery=bool(recovery))
        self.seen: list[Socket] = []
        self.url = ""

        @self.io.on("connection")
        async def connected(socket: Socket) -> None:
            self.seen.append(socket)

        @self.io.on("join")
        async def join(socket: Socket, room: str) -> None:
            await socket.join(room)

    async def arrived(self, count: int = 1) -> Socket:
        await until(lambda: len(self.seen) >= count)
        return self.seen[count - 1]

    async def alone(self) -> None:
        await until(lambda: not self.io.sockets.sockets)

    async def knows(self, others: int) -> None:
        await until(lambda: len(self.io.cluster.members) > others)


class Members:
    """Servers that are started one by one, in one event loop."""

    def __init__(self, tasks: anyio.abc.TaskGroup, ended: anyio.Event) -> None:
        self._tasks = tasks
        self._ended = ended

    async def start(self, *members: Member) -> None:
        for member in members:
            await self._tasks.start(self._serve, member)
        for member in members:
            await member.knows(len(members) - 1)

    async def _serve(self, member: Member, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with serve(member.io) as served:
            member.url = served.url
            task_status.started()
            await self._ended.wait()


@pytest.fixture
def anyio_backend() -> str:
    """The adapter needs asyncio."""
    return "asyncio"


@pytest.fixture
async def members(anyio_backend: str) -> AsyncIterator[Members]:
    ended = anyio.Event()
    async with anyio.create_task_group() as tasks:
        yield Members(tasks, ended)
        ended.set()


def pair(redis: RedisProcess, prefix: str, **options: object) -> tuple[Member, Member]:
    return Member(redis.url, prefix, **options), Member(redis.url, prefix, **options)


async def test_events_to_clients_of_both(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    one, two = pair(redis_server, prefix, recovery=False)
    await members.start(one, two)
    async with join_peer(one.url) as here, join_peer(two.url) as there:
        await there.ask("join", "room")
        await one.io.emit("all", 1)
        await one.io.to("room").emit("room", 2)
        await one.io.except_("room").emit("others", 3)
        await two.io.emit("end")
        assert await events(here, 3) == [["all", 1], ["others", 3], ["end"]]
        # A server's own events do not wait for those of others.
        assert sorted(map(str, await events(there, 3))) == sorted(
            map(str, [["end"], ["all", 1], ["room", 2]])
        )
        assert {item.id for item in await one.io.fetch_sockets()} == {here.id, there.id}


async def events(peer: Peer, count: int) -> list[list[object]]:
    return [await peer.event() for _ in range(count)]


async def test_acknowledgements_of_both(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    one, two = pair(redis_server, prefix)
    await members.start(one, two)
    async with join_peer(one.url) as here, join_peer(two.url) as there:
        answers: list[object] = []

        async def ask() -> None:
            answers.extend(await one.io.timeout(5).emit_with_ack("question", 1))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await here.answer("here")
            await there.answer("there")
        assert sorted(map(str, answers)) == ["here", "there"]


@pytest.mark.parametrize("count", [1, 4])
async def test_a_client_comes_back_to_the_other_server(
    members: Members, redis_server: RedisProcess, prefix: str, count: int
) -> None:
    one, two = pair(redis_server, prefix, stream_count=count)
    await members.start(one, two)
    guest = Guest(one.url)
    async with guest.connected():
        first = await one.arrived()
        await first.join("room")
        first.data["name"] = "é"
        await first.emit("hello")
        assert await guest.event() == ["hello"]
        # Another namespace, whose positions are those of another stream.
        await one.io.of("/other").emit("elsewhere")
    await one.alone()
    await one.io.emit("missed", 1)
    await two.io.to("room").emit("missed", {"deep": [2]})
    await two.io.to("elsewhere").emit("not for it")
    await two.io.of("/other").emit("elsewhere")
    await two.io.volatile.emit("not kept")
    guest.url = two.url
    async with guest.connected():
        second = await two.arrived()
        assert second.recovered
        assert (second.id, second.data) == (first.id, {"name": "é"})
        assert second.rooms == {first.id, "room"}
        await one.io.emit("end")
        assert await guest.events() == [["missed", 1], ["missed", {"deep": [2]}]]


async def test_only_one_server_gets_a_client_back(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    one, two = pair(redis_server, prefix)
    await members.start(one, two)
    guest, twin = Guest(one.url), Guest(two.url)
    async with guest.connected():
        await one.arrived()
    await one.alone()
    twin.pid, twin.offset = guest.pid, guest.offset
    async with guest.connected(), twin.connected():
        recovered = [(await one.arrived(2)).recovered, (await two.arrived()).recovered]
    assert sorted(recovered) == [False, True]


async def test_all_clients_see_one_order(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    one, two = pair(redis_server, prefix)
    await members.start(one, two)
    here, there = Guest(one.url), Guest(two.url)
    async with here.connected(), there.connected():
        for number in range(500):
            one.io.emit("event", 1, number)
            two.io.emit("event", 2, number)
            if number % 50 == 0:
                await anyio.lowlevel.checkpoint()
        seen: list[list[object]] = []
        for guest in (here, there):
            offsets: list[tuple[int, ...]] = []
            found: list[object] = []
            for _ in range(1000):
                found.append((await guest.event())[1:])
                offsets.append(tuple(map(int, (guest.offset or "").split("-"))))
            assert offsets == sorted(set(offsets))
            seen.append(found)
        assert seen[0] == seen[1]
        for server in (1, 2):
            mine = [item for item in seen[0] if isinstance(item, list) and item[0] == server]
            assert mine == [[server, number] for number in range(500)]


async def test_a_server_that_was_away_reads_on(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    async with fault_proxy(redis_server.port) as proxy:
        one = Member(redis_server.url, prefix)
        two = Member(f"redis://{proxy.address}", prefix)
        await members.start(one, two)
        async with join_peer(two.url) as there:
            proxy.refusing = True
            proxy.cut()
            await until(lambda: not two.adapter.core.ready)
            for number in range(250):
                await one.io.emit("event", number)
            two.io.emit("local", 1)
            assert (await there.event())[0] == "local"
            proxy.refusing = False
            assert [(await there.event())[1] for _ in range(250)] == list(range(250))
        await until(lambda: two.adapter.core.ready)
        assert two.io.cluster.health.gaps == 0


async def test_a_stream_that_forgot_is_a_gap(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    async with fault_proxy(redis_server.port) as proxy:
        one = Member(redis_server.url, prefix)
        two = Member(f"redis://{proxy.address}", prefix)
        await members.start(one, two)
        async with join_peer(two.url) as there:
            await one.io.emit("first")
            assert (await there.event())[0] == "first"
            proxy.refusing = True
            proxy.cut()
            for _ in range(3):
                await one.io.emit("lost")
            redis_server.run("XTRIM", prefix, "MAXLEN", 1)
            proxy.refusing = False
            assert (await there.event())[0] == "lost"
            await one.io.emit("later")
            assert (await there.event())[0] == "later"
        await until(lambda: two.adapter.core.ready)
        assert two.io.cluster.health.gaps == 1


async def test_garbage(members: Members, redis_server: RedisProcess, prefix: str) -> None:
    one, two = pair(redis_server, prefix)
    await members.start(one, two)
    async with join_peer(two.url) as there:
        redis_server.run("XADD", prefix, "*", "nonsense", "1")
        redis_server.run("XADD", prefix, "*", "uid", "x", "nsp", "/", "type", "3", "data", "{")
        redis_server.run("XADD", prefix, "*", "uid", "x" * 9_000_000, "nsp", "/")
        redis_server.run("PUBLISH", f"{prefix}#/#", b"\xc1")
        await one.io.emit("event")
        assert (await there.event())[0] == "event"
        assert two.io.cluster.health.dropped["malformed messages"] == 4


async def test_a_stream_of_a_negative_name(
    members: Members, redis_server: RedisProcess, prefix: str
) -> None:
    # What official servers write there reaches ours; what ours write is where those read.
    one, two = pair(redis_server, prefix, stream_count=4)
    for member in (one, two):
        member.io.of("/notifications")
    await members.start(one, two)
    async with join_peer(two.url, namespace="/notifications") as there:
        data = '{"packet":{"type":2,"data":["theirs"]},"opts":{"rooms":[],"except":[],"flags":{}}}'
        entry = ["uid", "emitter", "nsp", "/notifications", "type", "3", "data", data]
        redis_server.run("XADD", f"{prefix}--3", "*", *entry)
        assert (await there.event())[0] == "theirs"
        await one.io.of("/notifications").emit("ours")
        assert (await there.event())[0] == "ours"
        assert redis_server.run("XLEN", f"{prefix}-1") == 1


async def test_a_key_of_another_type(redis_server: RedisProcess, prefix: str) -> None:
    redis_server.run("SET", prefix, "text")
    member = Member(redis_server.url, prefix)
    with pytest.raises(Exception, match=f"the stream '{prefix}' cannot be used: WRONGTYPE"):
        async with member.io.lifespan(None):
            pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stream_name": ""}, "stream_name must be text"),
        ({"stream_count": 0}, "stream_count must be a positive whole number of streams"),
        ({"block_time": 5000}, "block_time is in seconds, 4 at the most"),
        ({"use_sharded_pubsub": "yes"}, "use_sharded_pubsub must be True or False"),
        ({"max_length": -1}, "max_length must be a positive whole number of entries"),
    ],
)
def test_options(options: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        RedisStreamsAdapter("redis://localhost", **options)  # type: ignore[arg-type]
