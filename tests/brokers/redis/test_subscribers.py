"""The subscribers of channels are counted wherever in a cluster they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.brokers.redis import RedisDeployment, RedisServers
from tests.adapters.support import open_runtime
from tests.support.waiting import until

from .servers import RedisProcess, cluster_node, meet, redis_cluster, replica_of

pytestmark = pytest.mark.anyio

CHANNEL = b"news"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RedisServers]:
    """Connections with all masters."""
    async with open_runtime() as runtime:
        servers = await RedisDeployment(url).connect(runtime, _ignore, _ignore)
        try:
            yield servers
        finally:
            servers.close()


def _ignore(*_: object) -> None:
    """Nothing comes."""


@contextmanager
def subscribed(server: RedisProcess) -> Iterator[None]:
    """A client that has subscribed at one server."""
    with server.client() as client:
        untyped: Any = client
        subscription = untyped.pubsub()
        subscription.subscribe(CHANNEL)
        assert subscription.get_message(timeout=5)
        yield
        subscription.close()


async def number(servers: RedisServers) -> int:
    return (await servers.count_subscribers([b"nothing", CHANNEL]))[CHANNEL]


async def test_one_server(redis_server: RedisProcess) -> None:
    async with connected(redis_server.url) as servers:
        with subscribed(redis_server), subscribed(redis_server):
            assert await number(servers) == 2
        await until(lambda: _nobody(servers))


async def _nobody(servers: RedisServers) -> bool:
    return await number(servers) == 0


async def test_masters_and_replicas(tmp_path: Path) -> None:
    with redis_cluster(tmp_path, 2) as masters, replica_of(masters[0], tmp_path, 2) as replica:
        async with connected(masters[1].url) as servers:
            with ExitStack() as stack:
                for server in (*masters, replica):
                    stack.enter_context(subscribed(server))
                assert await number(servers) == 3
                replica.stop()

                async def two() -> bool:
                    return await number(servers) == 2

                await until(two)
                replica.start()
                stack.enter_context(subscribed(replica))

                async def three() -> bool:
                    return await number(servers) == 3

                await until(three, timeout=15)


async def test_a_server_that_comes_later(tmp_path: Path) -> None:
    with redis_cluster(tmp_path, 2) as masters, cluster_node(tmp_path, 2) as late:
        async with connected(masters[0].url) as servers:
            assert await number(servers) == 0
            meet(late, masters[0])
            await until(lambda: late.run("CLUSTER", "INFO"))
            id = late.run("CLUSTER", "MYID")
            await until(
                lambda: all(id in server.run("CLUSTER", "NODES") for server in masters), timeout=10
            )
            for server in (late, *masters):
                server.run("CLUSTER", "SETSLOT", 0, "NODE", id)
            with subscribed(late):

                async def found() -> bool:
                    return await number(servers) == 1

                await until(found, timeout=10)
