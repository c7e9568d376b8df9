"""Servers that come, that end in order, and that die."""

from __future__ import annotations

import os
import socket

import anyio
import pytest

from ...adapters import AdapterState, Member
from ...adapters.cluster import ClusterSettings
from .broker import Broker
from .client import ids
from .cluster import Cluster
from .questions import LONG, Replies, ask, ask_servers, numbered
from .suite import Suite
from .waiting import until


class Members(Suite):
    """Servers that come, that end in order, and that die."""

    async def test_the_cluster_of_a_server(self, cluster: Cluster) -> None:
        """``io.cluster`` knows the other servers, with their namespaces."""
        view = cluster.here.io.cluster
        await view.ready()
        assert await view.count() == 2
        assert await view.count("/nowhere") in {0, 1}  # by who counts: the broker, or this server
        own, *others = view.members
        assert (own.host, own.pid, own.is_self) == (socket.gethostname(), os.getpid(), True)
        assert own.namespaces >= {"/", "/chat"}
        if cluster.here.traits.heartbeats:
            (other,) = others
            assert (other.host, other.pid, other.is_self) == (own.host, own.pid, False)
            assert other.namespaces == own.namespaces

    async def test_the_health_of_a_server(self, cluster: Cluster) -> None:
        """Nothing is dropped, and nothing waits, in a cluster that is well."""
        await cluster.here.io.emit("hello")
        await cluster.expect(*[[["hello"]]] * 4)
        for server in cluster.servers:
            health = server.io.cluster.health
            assert health.state is AdapterState.READY
            assert (health.last_error, health.queued, health.gaps) == (None, 0, 0)
            assert dict(health.dropped) == {}

    async def test_a_server_that_comes(self, cluster: Cluster) -> None:
        """It is announced, it hears events, and it answers."""
        came: list[Member] = []
        cluster.here.io.cluster.on("joined")(came.append)
        third = await cluster.start()
        await cluster.acquainted()
        if cluster.here.traits.heartbeats:
            assert [member.id for member in came] == [third.core.server_id]
        cluster.clients.append(await cluster.connect(third))
        await cluster.here.io.emit("news")
        await cluster.expect(*[[["news"]]] * 5)
        sockets = await cluster.here.io.fetch_sockets()
        assert {found.id for found in sockets} == ids(cluster.clients)

    async def test_a_server_that_ends(self, cluster: Cluster) -> None:
        """It says goodbye, and nobody waits for its answers."""
        left: list[Member] = []
        cluster.here.io.cluster.on("left")(left.append)
        gone = cluster.there.core.server_id
        await cluster.stop(cluster.there)
        await cluster.acquainted()
        if cluster.here.traits.heartbeats:
            assert [member.id for member in left] == [gone]
        numbered(cluster.clients, 0, 1)
        with anyio.fail_after(LONG / 2):
            replies = await ask(cluster.here.io, "question")
            assert (sorted(replies.values), replies.complete) == ([0, 1], True)
            sockets = await cluster.here.io.fetch_sockets()
            assert {found.id for found in sockets} == ids(cluster.clients[:2])
            assert sockets.complete
            assert await ask_servers(cluster.here.io, "question", 1) == ([], True)

    async def test_one_of_four_servers_ends(self, cluster: Cluster) -> None:
        """The three others ask each other as before."""
        more = [await cluster.start() for _ in range(2)]
        await cluster.acquainted()
        cluster.clients += [await cluster.connect(server) for server in more]
        await cluster.stop(more[1])
        await cluster.acquainted()
        left = cluster.clients[:5]
        numbered(left, *range(5))
        for server in cluster.servers:
            replies = await ask(server.io, "question")
            assert (sorted(replies.values), replies.complete) == ([*range(5)], True)
        assert not cluster.clients[5].connected

    async def test_a_server_that_dies(self, cluster: Cluster) -> None:
        """It says nothing any more, so it is missed after a while."""
        if not cluster.here.traits.heartbeats:
            pytest.skip("servers have no heartbeats with this driver")
        quick: ClusterSettings = {"heartbeat_interval": 0.5, "heartbeat_timeout": 3.0}
        async with Cluster(cluster.broker, ordered=self.ordered, **quick) as three:
            third = await three.start()
            await three.acquainted()
            client = await three.connect(third)
            numbered(three.clients, 0, 1, 2, 3)
            replies: list[Replies] = []

            async def run() -> None:
                replies.append(await ask(three.here.io, "question", timeout=WAIT))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await until(lambda: ["question"] in client.heard, "the question did not come")
                await third.die()
                three.servers.remove(third)
                await three.acquainted()
                # The client of the dead server is not waited for to the end.
                await until(lambda: replies, "the question has not ended")
            assert (sorted(replies[0].values), replies[0].complete) == ([0, 1, 2, 3], False)
            sockets = await three.here.io.fetch_sockets()
            assert {found.id for found in sockets} == ids(three.clients)
            await third.stop()

    async def test_a_server_that_ends_leaves_nothing(self, broker: Broker) -> None:
        """No task of a driver outlives its server."""
        before = {task.id for task in anyio.get_running_tasks()}

        def left() -> list[str | None]:
            return [task.name for task in anyio.get_running_tasks() if task.id not in before]

        await broker.open()
        try:
            async with Cluster(broker, ordered=self.ordered) as cluster:
                await cluster.here.io.emit("hello")
                await cluster.expect(*[[["hello"]]] * 4)
                servers = list(cluster.servers)
        finally:
            await broker.close()
        await until(lambda: not left(), "tasks are left after the end of all servers", left)
        assert [server.core.driver for server in servers] == [None, None]


WAIT = 20.0
"""Seconds for answers of clients whose server dies: more than it takes to miss it."""
