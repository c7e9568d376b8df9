"""What happens when Redis is away, stands still, or carries nonsense."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from socketio_asgi.brokers.redis import MAX_WAITING_BYTES, RedisDeployment
from tests.support.fault_proxy import fault_proxy
from tests.support.waiting import until

from .pair import ADAPTERS, MakeAdapter, Pair, pair
from .servers import RedisProcess

MIB = 1024 * 1024

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.parametrize(
        "make", [ADAPTERS["classic"], ADAPTERS["sharded"]], ids=["classic", "sharded"]
    ),
]


def impatient(url: str) -> RedisDeployment:
    """A deployment whose silence is noticed soon."""
    return RedisDeployment(url, silence_seconds=0.3, answer_seconds=1)


async def away(both: Pair, server: int = 0) -> None:
    await until(lambda: both.states()[server] is AdapterState.AWAY)


async def delivers_here(both: Pair, value: Any) -> None:
    """The clients of a server get its events, whatever the others hear of it."""
    both.here.emit("here", value)
    while await both.clients[0].event() != ["here", value]:
        pass


async def test_a_cut_connection_is_made_again(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        pair(make, proxy.url, prefix, there=redis_server.url) as both,
    ):
        await both.clients[1].request("join", "red")
        await both.clients[0].request("join", "red")
        proxy.refusing = True
        proxy.cut()
        await away(both)
        await delivers_here(both, 1)
        assert both.there.cluster.health.gaps == 0
        proxy.refusing = False
        await both.ready()
        await both.reaches(2)
        await both.there.to("red").emit("room")  # the room is subscribed to again
        while await both.clients[0].event() != ["room"]:
            pass
        assert both.here.cluster.health.gaps == 1
        assert await both.here.server_side_emit_with_ack("question", 3) == [3]


async def test_events_wait_for_a_connection_that_comes_back_soon(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        pair(make, proxy.url, prefix, there=redis_server.url) as both,
    ):
        proxy.cut()
        await away(both)
        for number in range(100):
            both.here.emit("kept", number)
        events = [await both.clients[1].event() for _ in range(100)]
        assert events == [["kept", number] for number in range(100)]


async def test_a_server_that_stands_still(
    make: MakeAdapter, own_redis: RedisProcess, prefix: str
) -> None:
    async with pair(make, impatient(own_redis.url), prefix) as both:
        own_redis.freeze()
        await delivers_here(both, 1)
        await away(both, 0)
        await away(both, 1)
        await delivers_here(both, 2)
        with pytest.raises(ClusterUnavailable):
            await both.here.emit("lost")
        assert await both.here.fetch_sockets()  # those of this server, at once
        own_redis.thaw()
        await both.ready()
        await both.reaches(3)
        assert both.here.cluster.health.gaps
        assert both.there.cluster.health.gaps


async def test_a_server_that_is_restarted(
    make: MakeAdapter, own_redis: RedisProcess, prefix: str
) -> None:
    async with pair(make, own_redis.url, prefix) as both:
        own_redis.stop()
        await away(both, 0)
        await away(both, 1)
        await delivers_here(both, 1)
        await anyio.to_thread.run_sync(own_redis.start)
        await both.ready()
        await both.reaches(2)
        assert await both.here.server_side_emit_with_ack("question", 3) == [3]


async def test_a_server_that_takes_nothing_costs_no_memory(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        pair(make, proxy.url, prefix, there=redis_server.url) as both,
    ):
        driver: Any = both.adapters[0].core.driver
        proxy.freeze()
        for number in range(100):
            both.here.to("nobody").emit("large", "x" * MIB)
            if number % 10 == 0:
                await anyio.lowlevel.checkpoint()
        link = driver.servers.main._link
        assert link.waiting <= MAX_WAITING_BYTES + 2 * MIB
        assert both.here.cluster.health.dropped["the driver refused a message"] > 50
        await delivers_here(both, 1)
        proxy.thaw()
        await until(lambda: link.waiting == 0)
        await both.reaches(2)


NONSENSE = [
    b"",
    b"\x00",
    b"{",
    b"{}",
    b"[]",
    b"null",
    b"\x93\xa1a\x80\x80",
    b"\x81" * 50_000,
    b"[" * 50_000,
    json.dumps({"type": 3, "uid": "x", "nsp": "/", "data": {"packet": 1}}).encode(),
    json.dumps({"type": 1, "uid": 3, "requestId": []}).encode(),
    json.dumps({"type": {"a": 1}, "requestId": "x", "uid": "y"}).encode(),
    json.dumps({"type": 7, "requestId": "x" * 1000, "uid": "y"}).encode(),
    b"\xc1",
    b'{"type":6,"requestId":"a","data":["\xff"]}',
]


async def test_nonsense_is_counted_and_nothing_else(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        server_id = both.adapters[1].core.server_id
        channels = ["#/#", "#/#room#", "-request#/#", "-response#/#", "-python#"]
        channels += [f"{base}{server_id}#" for base in ("#/#", "-response#/#", "-python#")]
        for channel in channels:
            for data in [*NONSENSE, *(item + server_id.encode() for item in NONSENSE)]:
                redis_server.run("PUBLISH", prefix + channel, data)
                redis_server.run("SPUBLISH", prefix + channel, data)
        await both.reaches(1)
        dropped = both.there.cluster.health.dropped
        assert set(dropped) == {"malformed messages"}
        assert dropped["malformed messages"] > 50
        assert both.states() == [AdapterState.READY] * 2
        assert len(both.there.cluster.members) == 2
        assert await both.here.server_side_emit_with_ack("question", 3) == [3]


async def test_a_large_message_of_another_server_is_counted(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        for command in ("PUBLISH", "SPUBLISH"):
            redis_server.run(command, f"{prefix}#/#", b"x" * (9 * MIB))
        await both.reaches(1)
        assert both.there.cluster.health.dropped == {"malformed messages": 1}
        assert both.there.cluster.health.gaps == 0


async def test_a_message_that_costs_redis_all_subscribers(
    make: MakeAdapter, own_redis: RedisProcess, prefix: str
) -> None:
    async with pair(make, own_redis.url, prefix) as both:
        for command in ("PUBLISH", "SPUBLISH"):
            own_redis.run(command, f"{prefix}#/#", b"x" * (33 * MIB))
        await until(lambda: both.there.cluster.health.gaps == 1, timeout=10)
        await both.ready()
        await both.reaches(1)
        assert both.here.cluster.health.gaps == 1
