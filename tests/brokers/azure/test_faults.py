"""What happens to a cluster whose Service Bus ends, stands still, is cut off, or loses things."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from anyio import to_thread

from socketio_asgi.adapters import AdapterState
from socketio_asgi.brokers.azure.service import Outgoing, ServiceBus
from socketio_asgi.testing.adapters import Cluster, ClusterServer, FaultProxy
from tests.support.waiting import until

from .server import ServiceBusProcess
from .support import ServiceBusBroker, topic_service

QUICK: Any = {"heartbeat_interval": 0.5, "heartbeat_timeout": 2.0}
BACK_SECONDS = 30.0

pytestmark = [
    pytest.mark.timeout(120),  # links take their time to open and to close
    # azure-servicebus leaves the socket of a connection that was reset to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def cluster(own_bus: ServiceBusProcess) -> AsyncIterator[Cluster]:
    """Two servers that notice quickly what happens to their Service Bus."""
    broker = ServiceBusBroker(own_bus)
    await broker.open()
    async with Cluster(broker, **QUICK) as cluster:
        yield cluster
    await broker.close()


def proxy_of(cluster: Cluster, server: ClusterServer) -> FaultProxy:
    assert isinstance(cluster.broker, ServiceBusBroker)
    return cluster.broker.proxy_of(server.adapter)


def gaps(cluster: Cluster) -> list[int]:
    return [server.io.cluster.health.gaps for server in cluster.servers]


async def assert_away(cluster: Cluster) -> None:
    """Both servers notice, and their own clients get events nevertheless."""
    for number, server in enumerate(cluster.servers):
        await until(lambda: server.state is AdapterState.AWAY, BACK_SECONDS)  # noqa: B023
        server.io.local.emit("here")
        client = cluster.clients[2 * number]
        await until(lambda: ["here"] in client.heard)  # noqa: B023


async def assert_back(cluster: Cluster) -> None:
    """Both servers come back by themselves, and lose no event any more."""
    for server in cluster.servers:
        await until(lambda: server.state is AdapterState.READY, BACK_SECONDS)  # noqa: B023
    await cluster.acquainted()
    for client in cluster.clients:
        client.heard.clear()
    for number in range(20):
        cluster.here.io.emit("back", number)
    await cluster.expect(*[[["back", number] for number in range(20)]] * 4)


async def test_it_is_started_again(cluster: Cluster, own_bus: ServiceBusProcess) -> None:
    """It has forgotten everything: topic and subscriptions are made anew."""
    await to_thread.run_sync(own_bus.kill)
    await assert_away(cluster)
    await to_thread.run_sync(own_bus.start)
    await assert_back(cluster)
    assert gaps(cluster) == [1, 1]


async def test_it_stands_still(cluster: Cluster, own_bus: ServiceBusProcess) -> None:
    own_bus.pause()
    try:
        await assert_away(cluster)
    finally:
        own_bus.resume()
    await assert_back(cluster)
    assert gaps(cluster) == [0, 0]


async def test_the_network_hands_nothing_on(cluster: Cluster) -> None:
    """As when a cable is pulled: connections stay open, and nothing says that they are dead."""
    proxies = [proxy_of(cluster, server) for server in cluster.servers]
    for proxy in proxies:
        proxy.freeze()
    await assert_away(cluster)
    for proxy in proxies:
        proxy.thaw()
    await assert_back(cluster)
    assert gaps(cluster) == [0, 0]


async def test_the_network_is_slow(cluster: Cluster) -> None:
    """Events are late, and that is all."""
    for server in cluster.servers:
        proxy_of(cluster, server).delay = 0.05
    expected = [["late", number] for number in range(20)]
    for _, number in expected:
        cluster.here.io.emit("late", number)
    await cluster.expect(*[expected] * 4)
    assert [server.state for server in cluster.servers] == [AdapterState.READY] * 2


async def test_a_connection_that_is_reset_loses_nothing(cluster: Cluster) -> None:
    """The subscription keeps what comes meanwhile."""
    there = cluster.there
    states: list[AdapterState] = []  # it may be back before somebody looks
    there.io.cluster.on("health")(lambda health: states.append(health.state))
    proxy_of(cluster, there).cut()
    for number in range(50):
        await cluster.here.io.emit("count", number)
    await until(
        lambda: AdapterState.AWAY in states and there.state is AdapterState.READY, BACK_SECONDS
    )
    await cluster.expect(*[[["count", number] for number in range(50)]] * 4)
    assert gaps(cluster) == [0, 0]


async def test_a_subscription_is_deleted(cluster: Cluster, own_bus: ServiceBusProcess) -> None:
    """By somebody who cleans up: the server makes another one, and counts a gap."""
    service = topic_service(own_bus, cluster.key)
    for name in own_bus.topics()[cluster.key]:
        await service.delete_subscription(name)
    await service.close()
    await until(lambda: gaps(cluster) == [1, 1], BACK_SECONDS)
    await assert_back(cluster)


async def test_subscriptions_end_with_their_servers(
    cluster: Cluster, own_bus: ServiceBusProcess
) -> None:
    assert len(own_bus.topics()[cluster.key]) == 2
    await cluster.stop(cluster.there)
    assert len(own_bus.topics()[cluster.key]) == 1


async def test_what_is_sent_again_is_delivered_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a request is lost, and nobody knows whether its messages were taken."""
    send, failures = ServiceBus.send, [ConnectionError("the answer is lost")] * 3

    async def lose_answers(
        service: ServiceBus, sender: Any, messages: Sequence[Outgoing], seconds: float
    ) -> None:
        await send(service, sender, messages, seconds)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(ServiceBus, "send", lose_answers)
    for number in range(10):
        await cluster.here.io.emit("once", number)
    await cluster.expect(*[[["once", number] for number in range(10)]] * 4)
    assert not failures
