"""Servers whose process is killed: Redis knows at once that they have no subscription any more.

No time is long enough in these tests for what waits for a time-out, or for a missing heartbeat.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from socketio_asgi import BroadcastAckError
from socketio_asgi.adapters.cluster.requests import Request
from tests.brokers.interop.node import NodeProcess
from tests.support.background import background
from tests.support.peer import open_peer
from tests.support.processes import ServerProcess
from tests.support.serving import serve
from tests.support.waiting import until

from .member import ADAPTERS, LONG, make_server
from .servers import RedisProcess

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.parametrize("name", ADAPTERS),
]


@pytest.fixture(params=["one", "cluster"])
def redis(request: pytest.FixtureRequest) -> RedisProcess:
    """A server alone, and one of a cluster, whose servers each have subscribers of their own."""
    if request.param == "one":
        server: RedisProcess = request.getfixturevalue("redis_server")
    else:
        server = request.getfixturevalue("cluster_of_two")[0]
    return server


class Survivor:
    """A server of ours that lives on.

    Attributes:
        io: the server.
        adapter: its adapter.
        url: where it is served.
    """

    def __init__(self, name: str, redis: RedisProcess, prefix: str) -> None:
        self.adapter = ADAPTERS[name](redis.url, prefix)
        self.io = make_server(self.adapter)
        self.url = ""

    async def counts(self, servers: int) -> None:
        """Wait until Redis knows of so many servers."""

        async def counted() -> bool:
            driver = self.adapter.core.driver
            return driver is not None and await driver.server_count("/") == servers

        await until(counted, timeout=15)
        await until(lambda: self.adapter.core.asking.gathered)

    async def knows(self, names: int) -> None:
        await until(lambda: len(self.adapter.core.members.of("/")) == names, timeout=15)


@asynccontextmanager
async def survivor(name: str, redis: RedisProcess, prefix: str) -> AsyncIterator[Survivor]:
    made = Survivor(name, redis, prefix)
    async with serve(made.io) as served:
        made.url = served.url
        yield made


def member(name: str, redis: RedisProcess, prefix: str) -> ServerProcess:
    """A server of ours that is killed."""
    env = {"MEMBER_ADAPTER": name, "MEMBER_REDIS": redis.url, "MEMBER_PREFIX": prefix}
    return ServerProcess(
        "uvicorn", "tests.brokers.redis.member:make_member", options=["--factory"], env=env
    )


@asynccontextmanager
async def official(name: str, redis: RedisProcess, prefix: str) -> AsyncIterator[NodeProcess]:
    """An official server that is killed."""
    names: dict[str, dict[str, Any]] = {
        "classic": {"name": "redis", "key": prefix},
        "sharded": {"name": "sharded", "channelPrefix": prefix, "subscriptionMode": "dynamic"},
        "streams": {"name": "streams", "streamName": prefix, "channelPrefix": prefix},
    }
    process = NodeProcess("servers.mjs")
    try:
        adapter = {**names[name], "connection": {"url": redis.url}}
        await process.call("start", adapter=adapter, options={}, namespaces=["/"], dynamic=[])
        yield process
    finally:
        process.close()


async def test_a_question_behind_the_end(name: str, redis: RedisProcess, prefix: str) -> None:
    async with (
        survivor(name, redis, prefix) as one,
        survivor(name, redis, prefix) as other,
        member(name, redis, prefix) as doomed,
        open_peer(one.url) as client,
        open_peer(other.url) as far_client,
    ):
        await client.join()
        await far_client.join()
        await one.counts(3)
        await one.knows(2)
        (dead,) = one.adapter.core.members.of("/") - {other.adapter.core.server_id}
        doomed.kill()
        await one.counts(2)
        with anyio.fail_after(20):
            found = await one.io.fetch_sockets()
            assert (len(found), found.silent_server_ids) == (2, (dead,))
            with pytest.raises(BroadcastAckError) as of_servers:
                await one.io.server_side_emit_with_ack("question", 3, timeout=LONG)
            assert of_servers.value.replies == [3]
            async with background(one.io.timeout(LONG).emit_with_ack, "ask") as asked:
                await client.answer("near")
                await far_client.answer("far")
                with pytest.raises(BroadcastAckError) as of_clients:
                    await asked.wait()
        assert sorted(of_clients.value.replies) == ["far", "near"]
        assert of_clients.value.missing == 0
        assert of_clients.value.silent_server_ids == (dead,)


async def test_a_question_on_its_way(name: str, redis: RedisProcess, prefix: str) -> None:
    async with (
        survivor(name, redis, prefix) as one,
        member(name, redis, prefix) as doomed,
        open_peer(one.url) as client,
        open_peer(doomed.url) as lost_client,
    ):
        await client.join()
        await lost_client.join()
        await one.counts(2)
        await one.knows(1)
        with anyio.fail_after(20):
            async with background(one.io.timeout(LONG).emit_with_ack, "ask") as asked:
                await client.answer("near")
                await lost_client.event()
                await until(lambda: all(map(_is_answered, requests(one))))
                doomed.kill()
                with pytest.raises(BroadcastAckError) as caught:
                    await asked.wait()
        assert (caught.value.replies, caught.value.missing) == (["near"], 1)
        assert (await one.io.fetch_sockets()).silent_servers == 1


def requests(server: Survivor) -> list[Request]:
    """The open questions of a server."""
    return server.adapter.core.requests.waiting(lambda _: True)


def _is_counted(request: Request) -> bool:
    return request.servers.begun


def _is_answered(request: Request) -> bool:
    return not request.servers.owing


async def test_an_official_server(name: str, redis_server: RedisProcess, prefix: str) -> None:
    async with (
        survivor(name, redis_server, prefix) as one,
        survivor(name, redis_server, prefix) as other,
        official(name, redis_server, prefix) as doomed,
        open_peer(one.url) as client,
    ):
        await client.join()
        await one.counts(3)
        await one.knows(1)
        with anyio.fail_after(20):
            with doomed.stopped():
                async with background(one.io.fetch_sockets) as fetched:
                    await until(lambda: any(map(_is_counted, requests(one))))
                    doomed.kill()
                    found = await fetched.wait()
            assert (len(found), found.silent_servers) == (1, 1)
            assert (await one.io.fetch_sockets()).complete
            assert await one.io.server_side_emit_with_ack("question", 3, timeout=LONG) == [3]
            async with background(one.io.timeout(LONG).emit_with_ack, "ask") as asked:
                await client.answer("near")
                assert await asked.wait() == ["near"]
        assert other.adapter.core.members.ids == {one.adapter.core.server_id}
