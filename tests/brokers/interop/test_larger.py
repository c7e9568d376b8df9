"""Clusters of four servers, two of each kind."""

from __future__ import annotations

import pytest

from tests.support.waiting import until

from .cluster import Cluster, Kind
from .servers import Side, To

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.acting(Kind.OURS),
]


async def grown(cluster: Cluster) -> list[Side]:
    """Two more servers, with a client each."""
    more = [await cluster.start(kind) for kind in cluster.kinds]
    await cluster.acquainted(servers=4)
    cluster.clients.extend([await cluster.connect(side) for side in more])
    return [cluster.here, cluster.there, *more]


async def test_events_of_each_server_reach_all(cluster: Cluster) -> None:
    sides = await grown(cluster)
    for number, side in enumerate(sides):
        await side.emit("news", number)
        expected = [["news", earlier] for earlier in range(number + 1)]
        assert await cluster.heard(sender=side) == [expected] * 6


async def test_a_room_of_three_servers(cluster: Cluster) -> None:
    sides = await grown(cluster)
    members = [cluster.clients[index] for index in (0, 2, 5)]
    for client in members:
        await client.join("chess")
    await sides[2].emit("move", to=To(["chess"]))
    await sides[2].emit("rest", to=To(excluded=["chess"]))
    heard = await cluster.heard(sender=sides[2])
    assert heard == [[["move"] if client in members else ["rest"]] for client in cluster.clients]


async def test_questions_to_all(cluster: Cluster) -> None:
    sides = await grown(cluster)
    for number, client in enumerate(cluster.clients):
        await client.answer_with(number)
    for side in sides:
        replies = await side.ask("question", to=To(timeout=10.0))
        assert (sorted(replies.values), replies.complete) == ([0, 1, 2, 3, 4, 5], True)
        found = await side.fetch()
        assert {item.id for item in found} == {client.sid for client in cluster.clients}
        assert await side.server_ask("question", "é") == (["é"] * 3, True)


async def test_one_of_four_leaves(cluster: Cluster) -> None:
    sides = await grown(cluster)
    await cluster.stop(sides[3])
    await cluster.acquainted(servers=3)
    left = cluster.clients[:5]
    for number, client in enumerate(left):
        await client.answer_with(number)
    for side in sides[:3]:
        replies = await side.ask("question", to=To(timeout=10.0))
        assert (sorted(replies.values), replies.complete) == ([0, 1, 2, 3, 4], True)
    await until(lambda: cluster.clients[5].disconnected)
