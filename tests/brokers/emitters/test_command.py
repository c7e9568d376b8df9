"""``socketio-asgi emit``: what the command sends reaches clients of a real cluster."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Final

import pytest
from anyio import to_thread

from tests.brokers.interop.adapters import POSTGRES_TABLE
from tests.brokers.interop.clients import Clients
from tests.brokers.interop.cluster import Cluster, Kind
from tests.brokers.interop.servers import NodeServers
from tests.brokers.interop.services import (
    mongo_url,
    nats_url,
    postgres_url,
    rabbitmq_url,
    redis_url,
)
from tests.cli.support import run
from tests.support.ports import PortReservation
from tests.support.waiting import until

from .entries import ADAPTERS, kafka_address

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SOON = "serverSelectionTimeoutMS=500"

BROKERS: Final[dict[str, tuple[str, Callable[[], list[str]]]]] = {
    "redis": ("redis", lambda: ["--redis", redis_url()]),
    "sharded": ("sharded-dynamic", lambda: ["--redis-sharded", redis_url()]),
    "streams": ("streams", lambda: ["--redis-streams", redis_url()]),
    "postgres": (
        "postgres",
        lambda: ["--postgres", postgres_url(), "--table-name", POSTGRES_TABLE],
    ),
    "mongo": ("mongo", lambda: ["--mongo", mongo_url()]),
    "nats": ("nats", lambda: ["--nats", nats_url()]),
    "rabbitmq": ("rabbitmq", lambda: ["--rabbitmq", rabbitmq_url()]),
    "kafka": ("kafka", lambda: ["--kafka", kafka_address()]),
    "jetstream": ("jetstream", lambda: ["--nats", nats_url(), "--jetstream"]),
}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def joined(
    broker: str, node_servers: NodeServers, node_clients: Clients
) -> AsyncIterator[Cluster]:
    """Two of our servers with two official clients each."""
    adapter = ADAPTERS[BROKERS[broker][0]]
    async with Cluster(adapter, Kind.OURS, Kind.OURS, node_servers, node_clients) as made:
        yield made


async def emit(*arguments: str) -> None:
    done = await to_thread.run_sync(lambda: run("emit", *arguments))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_events_reach_clients(joined: Cluster, broker: str) -> None:
    where = [*BROKERS[broker][1](), "--key", joined.key]
    await joined.clients[1].join("kitchen")
    await joined.clients[2].join("kitchen")
    await joined.clients[2].join("cellar")
    value = {"title": "é", "deep": [1, None, True]}
    await emit(*where, "news", json.dumps(value), "7")
    await emit(*where, "--room", "kitchen", "--except", "cellar", "--text", "order", "soup", "7")
    everybody = ["news", value, 7]
    expected = [[everybody], [everybody, ["order", "soup", "7"]], [everybody], [everybody]]

    async def came() -> bool:
        return await joined.heard() == expected

    await until(came, 20)


async def test_a_broker_that_is_away(anyio_backend: str) -> None:
    with PortReservation() as reservation:
        place = f"127.0.0.1:{reservation.port}"
        for option, url, name in (
            ("--redis", f"redis://u:secret@{place}", "Redis"),
            ("--redis-streams", f"redis://{place}", "Redis"),
            ("--postgres", f"postgresql://u:secret@{place}/db", "Postgres"),
            ("--mongo", f"mongodb://u:secret@{place}/db?{SOON}", "MongoDB"),
            ("--nats", f"nats://u:secret@{place}", "NATS"),
            ("--rabbitmq", f"amqp://u:secret@{place}", "RabbitMQ"),
            ("--kafka", place, "Kafka"),
        ):
            done = await to_thread.run_sync(run, "emit", option, url, "news")
            assert done.returncode == 1, option
            assert done.stderr.startswith(f"socketio-asgi: {name} at {place}: ")
            assert "Traceback" not in done.stderr
            assert "secret" not in done.stderr
