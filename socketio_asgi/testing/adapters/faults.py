"""Connections that break, and brokers that carry nonsense."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ...adapters import ClusterUnavailable
from ...adapters.cluster import Message, outbox
from ...adapters.cluster.core import Core
from ...adapters.membership import MALFORMED
from .client import ids
from .cluster import Cluster
from .questions import ask, ask_servers, numbered
from .server import ClusterServer
from .suite import Suite, need
from .waiting import WAIT_SECONDS, until

NONSENSE = (b"", b"nonsense", b"\x00\xff\xfe", b"{}", b"[]", b"null", b"\xc1" * 100, b'{"type":3}')
"""Data that are no message in any form."""


class Faults(Suite):
    """Connections that break, and brokers that carry nonsense."""

    async def test_a_connection_that_breaks_is_made_again(self, cluster: Cluster) -> None:
        """Meanwhile clients of the same server are reached; afterwards everything works."""
        need(cluster.broker, "cut", "restore")
        here, there, broker = cluster.here, cluster.there, cluster.broker
        await cluster.clients[0].join("chess")
        await cluster.clients[2].join("chess")
        await broker.cut(here.adapter)
        await here.away()
        here.io.local.emit("here")
        mine = cluster.clients[:2]
        await until(lambda: all(["here"] in client.heard for client in mine), "nothing came")
        sockets = await here.io.fetch_sockets()  # at once, and those of this server alone
        assert ids(mine) <= {found.id for found in sockets}
        await broker.restore(here.adapter)
        await here.ready()
        await cluster.acquainted()
        for client in cluster.clients:
            client.heard.clear()
        numbered(cluster.clients, 0, 1, 2, 3)
        await here.io.emit("back")
        await cluster.expect(*[[["back"]]] * 4)
        await there.io.to("chess").emit("room")
        await cluster.expect([["room"]], [], [["room"]], [], sender=there)
        replies = await ask(here.io, "question")
        assert (sorted(replies.values), replies.complete) == ([0, 1, 2, 3], True)
        assert await ask_servers(here.io, "question", 3) == ([3], True)

    async def test_events_wait_for_a_short_while(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Events of a server that is cut off are sent when it is back, in order and once."""
        need(cluster.broker, "cut", "restore")
        # A busy machine may need longer to connect again than events wait.
        monkeypatch.setattr(outbox, "KEEP_SECONDS", WAIT_SECONDS)
        here, broker = cluster.here, cluster.broker
        await broker.cut(here.adapter)
        await here.away()
        for number in range(50):
            here.io.emit("kept", number)
        await broker.restore(here.adapter)
        await here.ready()
        expected: list[list[Any]] = [["kept", number] for number in range(50)]
        await cluster.expect(*[expected] * 4)

    async def test_events_to_a_server_that_is_cut_off(self, cluster: Cluster) -> None:
        """Without positions they are lost, and counted as a gap; with them none is, nor twice."""
        need(cluster.broker, "cut", "restore")
        here, there, broker = cluster.here, cluster.there, cluster.broker
        await broker.cut(there.adapter)
        await there.away()
        for number in range(20):
            await here.io.emit("missed", number)
        await broker.restore(there.adapter)
        await there.ready()
        await cluster.acquainted()
        await here.io.emit("next")
        missed: list[list[Any]] = [["missed", number] for number in range(20)]
        if here.traits.positions:
            await cluster.expect(*[[*missed, ["next"]]] * 4)
            assert there.io.cluster.health.gaps == 0
        else:
            heard = await cluster.heard(*cluster.clients, least=[21, 21, 1, 1])
            for events in heard[:2]:
                assert events == [*missed, ["next"]]
            for events in heard[2:]:
                assert events[-1] == ["next"]
                assert len({repr(event) for event in events}) == len(events)
                assert there.io.cluster.health.gaps == 1 or len(events) == 21

    async def test_no_event_comes_twice_or_out_of_order(self, cluster: Cluster) -> None:
        """A connection that breaks while events are on their way."""
        need(cluster.broker, "cut", "restore")
        here, broker = cluster.here, cluster.broker
        for server in cluster.servers:
            for number in range(100):
                here.io.emit("count", number)
                if number == 50:
                    await broker.cut(server.adapter)
            await server.away()
            await broker.restore(server.adapter)
            await server.ready()
            await cluster.acquainted()
            for events in await cluster.heard(*cluster.clients):
                numbers = [number for _, number in events]
                assert len(set(numbers)) == len(numbers), "an event came twice"
                assert not self.ordered or numbers == sorted(numbers), "events changed places"

    async def test_a_broker_that_stays_away(self, cluster: Cluster) -> None:
        """An event that waits too long for it is dropped, and raises where it was sent."""
        need(cluster.broker, "cut", "restore")
        here = cluster.here
        await cluster.broker.cut(here.adapter)
        await here.away()
        with pytest.raises(ClusterUnavailable):
            await here.io.emit("lost")
        for client in cluster.clients[:2]:
            assert client.args_of("lost") == [[]]
        assert here.io.cluster.health.dropped
        await cluster.broker.restore(here.adapter)
        await here.ready()

    async def test_a_server_that_ends_while_it_is_cut_off(self, cluster: Cluster) -> None:
        """It ends soon, whatever the broker does."""
        need(cluster.broker, "cut", "restore")
        await cluster.broker.cut(cluster.there.adapter)
        await cluster.there.away()
        await cluster.stop(cluster.there)
        await cluster.here.io.emit("news")
        await cluster.expect([["news"]], [["news"]], clients=cluster.clients[:2])

    async def test_nonsense(self, cluster: Cluster) -> None:
        """Data that are no message are counted, and the next message is read."""
        need(cluster.broker, "inject")
        for number, data in enumerate(NONSENSE):
            await cluster.broker.inject(cluster.key, data)
            await cluster.here.io.emit("next", number)
            await cluster.expect(*[[["next", number]]] * 4)
        for server in cluster.servers:
            assert malformed(server) <= len(NONSENSE) or server.traits.at_least_once
            assert dict(server.io.cluster.health.dropped).keys() <= {MALFORMED}
            assert server.io.cluster.health.gaps == 0

    async def test_nonsense_is_counted(self, cluster: Cluster) -> None:
        """Every server says how much of it came."""
        need(cluster.broker, "inject")
        for _ in range(3):
            await cluster.broker.inject(cluster.key, b"\xc1nonsense")
        for server in cluster.servers:
            await until(partial(_counts, server, 3), "the nonsense was not counted")
            assert malformed(server) == 3 or server.traits.at_least_once

    async def test_nonsense_is_read_once(self, cluster: Cluster) -> None:
        """A connection that is made again goes on behind it."""
        need(cluster.broker, "inject", "cut", "restore")
        there, broker = cluster.there, cluster.broker
        await broker.inject(cluster.key, b"\xc1nonsense")
        await until(partial(_counts, there, 1), "the nonsense was not counted")
        await broker.cut(there.adapter)
        await there.away()
        await broker.restore(there.adapter)
        await there.ready()
        await cluster.acquainted()
        await cluster.here.io.emit("next")
        await cluster.expect(*[[["next"]]] * 4)
        assert malformed(there) == 1 or there.traits.at_least_once

    async def test_messages_that_come_twice(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With ``traits.at_least_once`` every message has an id, by which a second one is known."""
        if not cluster.here.traits.at_least_once:
            pytest.skip("this broker delivers no message twice")
        nameless: list[Message] = []
        for server in cluster.servers:
            _double(server.core, nameless, monkeypatch)
        numbered(cluster.clients, 0, 1, 2, 3)
        await cluster.here.io.emit("news", 1)
        replies = await ask(cluster.here.io, "question")
        assert (sorted(replies.values), replies.complete) == ([0, 1, 2, 3], True)
        expected: list[list[Any]] = [["news", 1], ["question"]]
        await cluster.expect(*[expected] * 4)
        assert nameless == [], "messages came without a delivery id"


def malformed(server: ClusterServer) -> int:
    """The number of messages that a server has dropped because they are none."""
    return server.io.cluster.health.dropped.get(MALFORMED, 0)


def _counts(server: ClusterServer, number: int) -> bool:
    return malformed(server) >= number


def _double(core: Core, nameless: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every message come twice to a server; those without a delivery id are noted."""
    received = core.received

    def twice(message: Message, position: str | None, delivery: str | None) -> None:
        if delivery is None:
            nameless.append(message)
        else:
            received(message, position, delivery)
        received(message, position, delivery)

    monkeypatch.setattr(core, "received", twice)
