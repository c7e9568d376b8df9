"""What happens when Redis is away, stands still, or carries nonsense."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from redis.asyncio import sentinel as redis_sentinel

from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from socketio_asgi.brokers.redis import MAX_WAITING_BYTES, RedisDeployment, key_slot
from tests.support.fault_proxy import fault_proxy
from tests.support.ports import HOST
from tests.support.waiting import until

from .pair import ADAPTERS, MakeAdapter, Pair, pair
from .servers import RedisProcess, redis_cluster

MIB = 1024 * 1024
Sentinel: Any = redis_sentinel.Sentinel  # its constructor has no types

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
        pair(make, f"redis://{proxy.address}", prefix, there=redis_server.url) as both,
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


@pytest.mark.usefixtures("patient_events")
async def test_events_wait_for_a_connection_that_comes_back_soon(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        pair(make, f"redis://{proxy.address}", prefix, there=redis_server.url) as both,
    ):
        proxy.refusing = True  # it is back in no time otherwise
        proxy.cut()
        await away(both)
        for number in range(100):
            both.here.emit("kept", number)
        proxy.refusing = False
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
        pair(make, f"redis://{proxy.address}", prefix, there=redis_server.url) as both,
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


async def test_a_slot_that_moves_to_another_server(
    make: MakeAdapter, tmp_path: Path, prefix: str
) -> None:
    with redis_cluster(tmp_path, 2) as (first, second):
        async with pair(make, first.url, prefix) as both:
            await both.clients[1].request("join", "red")
            servers = {first.port: first, second.port: second}
            for channel in (f"{prefix}#/#red#", f"{prefix}#/#"):
                driver: Any = both.adapters[0].core.driver
                owner = servers[driver.servers.for_key(channel).server.port]
                other = second if owner is first else first
                slot, target = key_slot(channel.encode()), other.run("CLUSTER", "MYID")
                for server in (other, owner):
                    server.run("CLUSTER", "SETSLOT", slot, "NODE", target)
                await until(partial(_hears_of_red, both), timeout=15)


async def _hears_of_red(both: Pair) -> bool:
    if both.states() != [AdapterState.READY] * 2:
        return False
    with suppress(ClusterUnavailable):
        await both.here.to("red").emit("red")
    with anyio.move_on_after(0.2):
        return await both.clients[1].event() == ["red"]
    return False


async def test_another_master_behind_sentinel(
    make: MakeAdapter, tmp_path: Path, prefix: str
) -> None:
    folders = [tmp_path / name for name in ("master", "replica", "sentinel")]
    for folder in folders:
        folder.mkdir()
    with RedisProcess(folders[0]) as master, RedisProcess(folders[1]) as replica:
        replica.run("REPLICAOF", HOST, master.port)
        await until(lambda: replica.run("ROLE")[3] == b"connected", timeout=10)
        (folders[2] / "sentinel.conf").write_text(
            f"sentinel monitor shop {HOST} {master.port} 1\n"
            "sentinel down-after-milliseconds shop 500\n"
            "sentinel failover-timeout shop 5000\n"
        )
        mode = (str(folders[2] / "sentinel.conf"), "--sentinel")
        with RedisProcess(folders[2], *mode) as sentinel:
            await until(lambda: sentinel.run("SENTINEL", "REPLICAS", "shop"), timeout=15)
            client = Sentinel([(HOST, sentinel.port)]).master_for("shop")
            async with pair(make, client, prefix) as both:
                master.stop()
                await away(both, 0)
                await away(both, 1)
                await both.ready(timeout=25)
                await both.reaches(1)
                driver: Any = both.adapters[0].core.driver
                assert driver.servers.main.server.port == replica.port
