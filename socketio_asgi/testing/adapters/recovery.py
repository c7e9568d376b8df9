"""Clients that come back to any server, with what the broker has kept for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import anyio
import pytest

from ...adapters import SavedSocket, Stay, Track
from ...adapters.cluster import Archive, ordering
from .broker import Broker
from .client import Client, NotJoined
from .cluster import Cluster, events_of
from .server import ClusterServer
from .suite import Suite, need
from .waiting import WAIT_SECONDS, until

AWAY_SECONDS = 60.0
"""The time for which sockets are kept, in seconds."""

MISSED = 300
"""Events that are more than one batch for any archive."""

NOBODY = SavedSocket("", "", None, Track(""))
"""A socket that was sent nothing."""


class Recovery(Suite):
    """Clients that come back to any server; with ``recovers`` of the suite."""

    @pytest.fixture
    def patient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let servers wait for the offsets of their events, however busy this machine is."""
        monkeypatch.setattr(ordering, "READ_BACK_SECONDS", WAIT_SECONDS)

    @pytest.fixture
    async def recovering(self, patient: None, living_broker: Broker) -> AsyncIterator[Cluster]:
        """A cluster that keeps what clients miss."""
        if not self.recovers:
            pytest.skip("the suite does not say that this driver recovers clients")
        options = {"connection_state_recovery": {"max_disconnection_duration": AWAY_SECONDS}}
        async with Cluster(living_broker, ordered=self.ordered, server_options=options) as cluster:
            yield cluster

    async def test_an_archive_is_there_if_the_suite_says_so(self, cluster: Cluster) -> None:
        """The suite sets ``recovers`` if and only if the driver has an archive."""
        assert (cluster.here.driver.archive is not None) == self.recovers
        assert cluster.here.traits.positions or not self.recovers

    async def test_a_client_comes_back_to_another_server(self, recovering: Cluster) -> None:
        """It is the same socket there, and gets what it has missed, once and in order."""
        here, there = recovering.here, recovering.there
        client = await recovering.connect(here)
        await client.join("chess")
        data: Any = {"name": "é", "photo": b"\x01"} if self.binary else {"name": "é"}
        await client.request("set data", data)
        await here.io.emit("heard", 0)
        await recovering.expect(*[[["heard", 0]]] * 5, clients=[*recovering.clients, client])
        sid = client.id
        await lose(recovering, client)
        await _many(recovering, 1)
        await there.io.in_("chess").sockets_join("new")
        await there.io.to("new").emit("missed", MISSED + 1)
        await recovering.heard(*recovering.clients, sender=there)
        recovered = await comes_back(recovering, client, there)
        await there.io.to("chess").emit("end", 0)
        await until(lambda: ["end", 0] in client.heard, "no event comes to the recovered client")
        assert (recovered.id, recovered.data) == (sid, data)
        assert recovered.rooms == {sid, "chess", "new"}
        missed = [["missed", number] for number in range(1, MISSED + 2)]
        assert events_of(client) == [*missed, ["end", 0]]

    async def test_a_client_comes_back_to_the_same_server(self, recovering: Cluster) -> None:
        """Just as to another one."""
        client = await recovering.connect(recovering.here)
        await client.join("chess")
        await recovering.heard(client)
        await lose(recovering, client)
        await _many(recovering, 1)
        await recovering.heard(*recovering.clients, sender=recovering.there)
        await comes_back(recovering, client, recovering.here)
        missed = [["missed", number] for number in range(1, MISSED + 1)]
        await recovering.expect(missed, clients=[client])

    async def test_a_client_that_has_heard_nothing_comes_back(self, recovering: Cluster) -> None:
        """Without any offset it gets all since it has connected."""
        client = await recovering.connect(recovering.here)
        await lose(recovering, client)
        for number in range(3):
            await recovering.there.io.emit("missed", number)
        await recovering.heard(*recovering.clients, sender=recovering.there)
        await comes_back(recovering, client, recovering.there)
        missed = [["missed", number] for number in range(3)]
        await recovering.expect(missed, clients=[client], sender=recovering.there)

    async def test_a_server_ends(self, recovering: Cluster) -> None:
        """Its clients come back to another one."""
        client = await recovering.connect(recovering.here)
        await client.join("chess")
        await recovering.heard(client)
        await recovering.stop(recovering.here)
        await recovering.acquainted()
        others = recovering.clients[2:]
        there = recovering.there
        await there.io.to("chess").emit("missed", 1)
        await recovering.heard(*others, sender=there)
        await comes_back(recovering, client, there)
        await recovering.expect([["missed", 1]], clients=[client], sender=there)

    async def test_only_one_connection_gets_a_client_back(self, recovering: Cluster) -> None:
        """Of two that come at the same time, to two servers, the other one is new, or closed."""
        client = await recovering.connect(recovering.here)
        await lose(recovering, client)
        twin = client.twin(recovering.there.io)

        async def run(each: Client) -> None:
            with suppress(NotJoined):
                await recovering.run(each)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, client)
            tasks.start_soon(run, twin)
        assert sorted([client.recovered, twin.recovered]) == [False, True]
        assert client.id != twin.id

    async def test_a_client_that_was_made_up(self, recovering: Cluster) -> None:
        """A secret, or an offset, that nobody has given out begins a new session."""
        stranger = Client(recovering.here.io, secret={"pid": "made up", "offset": "made up"})
        await recovering.run(stranger)
        assert not stranger.recovered
        client = await recovering.connect(recovering.here)
        await recovering.heard(client)
        await lose(recovering, client)
        client.secret["offset"] = "made up"
        await recovering.run(client)
        assert not client.recovered

    async def test_events_meanwhile_are_not_missed_by_a_server(self, recovering: Cluster) -> None:
        """A server that was cut off knows afterwards what clients may have missed."""
        need(recovering.broker, "cut", "restore")
        there, broker = recovering.there, recovering.broker
        client = await recovering.connect(recovering.here)
        await recovering.heard(client)
        await lose(recovering, client)
        await broker.cut(there.adapter)
        await there.away()
        await recovering.here.io.emit("missed", 1)
        await broker.restore(there.adapter)
        await there.ready()
        await recovering.acquainted()
        await recovering.heard(*recovering.clients)
        await comes_back(recovering, client, there)
        await recovering.expect([["missed", 1]], clients=[client], sender=there)

    async def test_offsets_are_the_same_everywhere(self, recovering: Cluster) -> None:
        """Clients of all servers see the events of all in one order, each with its own offset."""
        clients = [recovering.clients[0], recovering.clients[2]]

        async def emit(server: ClusterServer, first: int) -> None:
            for number in range(first, first + 25):
                await server.io.emit("event", number)

        async with anyio.create_task_group() as tasks:
            for first in range(0, 200, 25):
                tasks.start_soon(emit, recovering.servers[first // 25 % 2], first)
        one, other = await recovering.heard(*clients, least=[200, 200])
        assert sorted(number for _, number in one) == [*range(200)]
        assert one == other
        for client in clients:
            offsets = client.offsets
            latest = recovering.here.driver.archive
            assert latest is not None
            assert len(set(offsets)) == len(offsets)
            positions = [await latest.located(NOBODY, offset) for offset in offsets]
            for before, after in pairwise(positions):
                assert latest.latest(before, after) == after
        assert clients[0].offsets == clients[1].offsets

    # -- the archive -------------------------------------------------------------------------

    async def test_what_an_archive_keeps_of_a_socket(self, recovering: Cluster) -> None:
        """All of it, under any name, and for that name alone."""
        archive = archive_of(recovering.here)
        position = recovering.here.core.position_of("/")
        track = Track(
            position,
            {"r é": position},
            (Stay("s", position, position), Stay("", position, position)),
            None,
            position,
            position,
        )
        saved = SavedSocket("sid", "p.id >*", {"a": [1.5, None, "é"]}, track)
        await archive.save("/a b", saved, AWAY_SECONDS)
        for server in recovering.servers:
            assert await archive_of(server).find("/a b", "p.id >*") == saved
        for namespace, pid in (
            ("/", "p.id >*"),
            ("/a b", "p.id"),
            ("/a b", ""),
            ("/a b", "é" * 99),
        ):
            assert await archive.find(namespace, pid) is None
        assert await archive.take("/a b", "p.id >*")
        assert await archive.find("/a b", "p.id >*") is None

    async def test_an_archive_gives_a_socket_away_once(self, recovering: Cluster) -> None:
        """Whoever asks at the same time, exactly one gets it."""
        client = await recovering.connect(recovering.here)
        await lose(recovering, client)
        taken: list[bool] = []

        async def take(number: int) -> None:
            archive = archive_of(recovering.servers[number % 2])
            taken.append(await archive.take("/", client.secret["pid"]))

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(take, number)
        assert sorted(taken) == [False] * 9 + [True]

    async def test_positions_that_are_none(self, recovering: Cluster) -> None:
        """An archive says so, for clients send whatever they like."""
        archive = archive_of(recovering.here)
        position = recovering.here.core.position_of("/")
        assert archive.latest(position) == position
        for nonsense in ("", "nonsense", "-1", "é", "9" * 400, f"{position} "):
            with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
                archive.latest(position, nonsense)


def archive_of(server: ClusterServer) -> Archive:
    """The archive of a server's driver."""
    archive = server.driver.archive
    assert archive is not None
    return archive


async def lose(cluster: Cluster, client: Client) -> None:
    """Let a client lose its connection, and wait until its socket is kept."""
    archive = archive_of(cluster.there)
    await client.drop()

    async def kept() -> bool:
        return await archive.find("/", client.secret["pid"]) is not None

    await until(kept, "the socket of a client that was lost is not kept")


async def comes_back(cluster: Cluster, client: Client, server: ClusterServer) -> Any:
    """Let a client connect to a server; returns its socket there."""
    client.app = server.io
    await cluster.run(client)
    assert client.recovered, "the client was not recovered"
    return server.io.sockets.sockets[client.id]


async def _many(cluster: Cluster, first: int) -> None:
    """Emit events for a room and for others, one after another from both servers."""
    for number in range(first, first + MISSED):
        io = cluster.servers[number % 2].io
        await io.to("chess").emit("missed", number)
        if number % 10 == 0:
            await io.to("elsewhere").emit("not for it", number)
            await io.volatile.emit("volatile", number)
