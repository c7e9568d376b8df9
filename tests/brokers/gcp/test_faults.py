"""What happens to a cluster whose Pub/Sub ends, stands still, is cut off, or loses something."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from anyio import lowlevel, to_thread

from socketio_asgi.adapters import AdapterState
from socketio_asgi.brokers.gcp.service import Outgoing, PubSub
from socketio_asgi.testing.adapters import Cluster, ClusterServer, FaultProxy
from tests.support.waiting import until

from .server import PubSubProcess
from .support import PubSubBroker, topic_service

QUICK: Any = {"heartbeat_interval": 0.5, "heartbeat_timeout": 2.0}
BACK_SECONDS = 20.0


@pytest.fixture
async def cluster(own_pubsub: PubSubProcess) -> AsyncIterator[Cluster]:
    """Two servers that notice quickly what happens to their Pub/Sub."""
    broker = PubSubBroker(own_pubsub.port)
    await broker.open()
    async with Cluster(broker, **QUICK) as cluster:
        yield cluster
    await broker.close()


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


def proxy_of(cluster: Cluster, server: ClusterServer) -> FaultProxy:
    assert isinstance(cluster.broker, PubSubBroker)
    return cluster.broker.proxy_of(server.adapter)


def gaps(cluster: Cluster) -> list[int]:
    return [server.io.cluster.health.gaps for server in cluster.servers]


async def test_it_is_started_again(cluster: Cluster, own_pubsub: PubSubProcess) -> None:
    """It has forgotten everything: topic and subscriptions are made anew."""
    await to_thread.run_sync(own_pubsub.kill)
    await assert_away(cluster)
    await to_thread.run_sync(own_pubsub.start)
    await assert_back(cluster)
    assert gaps(cluster) == [1, 1]


async def test_it_stands_still(cluster: Cluster, own_pubsub: PubSubProcess) -> None:
    own_pubsub.pause()
    try:
        await assert_away(cluster)
    finally:
        own_pubsub.resume()
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
        proxy_of(cluster, server).delay = 0.1
    expected = [["late", number] for number in range(50)]
    for _, number in expected:
        cluster.here.io.emit("late", number)
    await cluster.expect(*[expected] * 4)
    assert [server.state for server in cluster.servers] == [AdapterState.READY] * 2


async def test_connections_that_are_reset_lose_nothing(cluster: Cluster) -> None:
    """The servers do not even count as away: the subscription keeps messages meanwhile."""
    proxy = proxy_of(cluster, cluster.there)
    for number in range(50):
        cluster.here.io.emit("count", number)
        if number % 20 == 10:
            proxy.cut()
            await lowlevel.checkpoint()
    await cluster.expect(*[[["count", number] for number in range(50)]] * 4)
    assert gaps(cluster) == [0, 0]


async def test_a_subscription_is_deleted(cluster: Cluster, own_pubsub: PubSubProcess) -> None:
    """By somebody who cleans up: the server makes another one, and counts a gap."""
    service = topic_service(own_pubsub.host, cluster.key)
    for path in await subscriptions(service):
        await service.delete_subscription(path)
    await service.close()
    await until(lambda: gaps(cluster) == [1, 1], BACK_SECONDS)
    await assert_back(cluster)


async def test_the_topic_is_deleted(cluster: Cluster, own_pubsub: PubSubProcess) -> None:
    service = topic_service(own_pubsub.host, cluster.key)
    await service._publisher.delete_topic(request={"topic": service._source.topic_path}, timeout=5)
    await service.close()
    await until(lambda: gaps(cluster) == [1, 1], BACK_SECONDS)
    await assert_back(cluster)


async def test_subscriptions_end_with_their_servers(
    cluster: Cluster, own_pubsub: PubSubProcess
) -> None:
    service = topic_service(own_pubsub.host, cluster.key)
    assert len(await subscriptions(service)) == 2
    await cluster.stop(cluster.there)
    assert len(await subscriptions(service)) == 1
    await service.close()


async def test_what_is_published_again_is_delivered_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a request is lost, and nobody knows whether its messages were taken."""
    publish, failures = PubSub.publish, [ConnectionError("the answer is lost")] * 3

    async def lose_answers(
        service: PubSub, messages: Sequence[Outgoing], ordering_key: str
    ) -> None:
        await publish(service, messages, ordering_key)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(PubSub, "publish", lose_answers)
    for number in range(10):
        await cluster.here.io.emit("once", number)
    await cluster.expect(*[[["once", number] for number in range(10)]] * 4)
    assert not failures


async def test_acknowledgements_that_fail(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledgements fail for a while: the messages come again, and are known."""
    acknowledge, failures = PubSub.acknowledge, [ConnectionError("not now")] * 5

    async def fail(service: PubSub, path: str, ids: Sequence[str]) -> None:
        if failures:
            raise failures.pop()
        await acknowledge(service, path, ids)

    monkeypatch.setattr(PubSub, "acknowledge", fail)
    for number in range(10):
        await cluster.here.io.emit("once", number)
        await cluster.expect(*[[["once", number]]] * 4)
    await until(lambda: not failures, BACK_SECONDS)


async def subscriptions(service: PubSub) -> list[str]:
    """The full names of the subscriptions to the topic."""
    answer = await service._publisher.list_topic_subscriptions(
        request={"topic": service._source.topic_path}, timeout=5
    )
    return [path async for path in answer]
