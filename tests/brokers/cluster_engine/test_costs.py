"""Session ids that clients have made up: how many messages they cost."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import anyio
import pytest

from tests.brokers.redis.servers import RedisProcess
from tests.support.backends import serves
from tests.support.clients import PollingClient, connect_websocket
from tests.support.waiting import until

from .support import client_of, share

pytestmark = [pytest.mark.parametrize("anyio_backend", ["asyncio"]), serves]

QUIET = {"heartbeat_interval": 500.0, "heartbeat_timeout": 1000.0}
ATTEMPTS = 100


@pytest.fixture
def start(own_redis: RedisProcess, prefix: str) -> Any:
    """Serve servers that share sessions, and publish nothing by themselves."""
    return partial(share, own_redis.url, prefix, engine=QUIET)


def published(redis: RedisProcess) -> int:
    """How often something was published."""
    with redis.client() as client:
        stats: Any = client.info("commandstats")
    return int(stats.get("cmdstat_publish", {}).get("calls", 0))


def official_server(client: Any) -> Any:
    """A subscriber that is counted, and no server of ours."""
    return client.pubsub()


async def try_ids(url: str, ids: list[str]) -> set[int]:
    """Poll with some ids; returns the statuses of the answers."""
    statuses: set[int] = set()
    async with PollingClient(url) as client:
        for client.sid in ids:
            statuses.add((await client.request("GET")).status_code)
    return statuses


async def test_an_id_that_was_made_up_costs_no_message(start: Any, own_redis: RedisProcess) -> None:
    async with start(count=3) as sharing:
        before = published(own_redis)
        ids = [secrets.token_urlsafe(15) for _ in range(ATTEMPTS)]
        assert await try_ids(sharing.urls[0], ids) == {400}
        assert published(own_redis) == before


async def test_one_with_a_true_beginning_costs_none_either(
    start: Any, own_redis: RedisProcess
) -> None:
    async with start(count=3) as sharing, client_of(sharing) as clients:
        true = clients[0].sid or ""
        before = published(own_redis)
        ids = [true[:4] + secrets.token_urlsafe(15)[:16] for _ in range(ATTEMPTS)]
        assert await try_ids(sharing.urls[1], ids) == {400}
        # The check is 16 bits long: one in 65536 has the right one.
        assert published(own_redis) - before <= 2


async def test_a_true_one_that_has_ended_costs_one_message_to_its_server(
    start: Any, own_redis: RedisProcess
) -> None:
    async with start(count=3) as sharing, client_of(sharing) as clients:
        await clients[0].post("1")
        await until(lambda: sharing.session(0, clients[0].sid or "") is None)
        before = published(own_redis)
        for _ in range(5):
            assert (await clients[1].request("GET")).status_code == 400
        assert published(own_redis) - before == 2 * 5  # the question and the answer
        assert (await clients[0].request("GET")).status_code == 400
        assert published(own_redis) - before == 2 * 5


async def test_foreign_ids_are_looked_up_seldom(own_redis: RedisProcess, prefix: str) -> None:
    """Only while there are foreign servers, and no more than the option says."""
    settings = {
        **QUIET,
        "heartbeat_interval": 0.2,
        "lookups_per_second": 5,
        "response_timeout": 0.3,
    }
    async with share(own_redis.url, prefix, engine=settings) as sharing:
        with own_redis.client() as client, official_server(client) as official:
            official.subscribe(f"{prefix}#")
            await until(lambda: sharing.health(0).foreign == 1)
            ids = [secrets.token_urlsafe(15) for _ in range(20)]
            began = anyio.current_time()
            statuses: list[int] = []

            async def attempt(sid: str) -> None:
                async with PollingClient(sharing.urls[0]) as one:
                    one.sid = sid
                    statuses.append((await one.request("GET")).status_code)

            async with anyio.create_task_group() as tasks:
                for sid in ids:
                    tasks.start_soon(attempt, sid)
            seconds = anyio.current_time() - began
            asked = 0
            while (message := official.get_message(timeout=0.1)) is not None:
                asked += message["type"] == "message"
            assert asked <= 5 + 5 * seconds + 1
            assert asked < len(ids)
            assert set(statuses) <= {400, 503}
            assert 503 in statuses
            # Nobody is asked again about one that nobody knew.
            statuses.clear()
            known = [sid for sid in ids if sid in sharing.unknown(0)]
            assert known
            await attempt(known[-1])
            assert statuses == [400]
            assert official.get_message(timeout=0.2) is None
        await until(lambda: sharing.health(0).foreign == 0)
        before = sharing.health(0).counters
        assert await try_ids(sharing.urls[0], [secrets.token_urlsafe(15)]) == {400}
        assert sharing.health(0).counters == before


async def test_the_messages_that_requests_cost(start: Any, own_redis: RedisProcess) -> None:
    """As the documentation counts them."""
    async with start() as sharing, client_of(sharing) as clients:
        before = published(own_redis)

        def cost() -> int:
            nonlocal before
            before, earlier = published(own_redis), before
            return before - earlier

        sharing.servers[0].emit("news")
        await clients[1].poll()
        assert cost() == 3
        await clients[1].post('42["say",1]', '42["say",2]')
        assert cost() == 4 + 2
        async with connect_websocket(clients[1].websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            sharing.servers[0].emit("news")
            await ws.receive()
            assert cost() == 4 + 1
            for number in range(5):
                await ws.send(f'42{number}["echo",1]')
                await ws.receive()
            assert cost() == 2 * 5
    async with start(count=3) as sharing, client_of(sharing, joins=False) as clients:
        before = published(own_redis)
        async with connect_websocket(clients[1].websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send("40")
            await ws.receive()
            await ws.send('420["echo",1]')
            await ws.receive()
            assert cost() == 4
