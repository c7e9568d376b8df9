"""The cluster of a server, ``io.cluster``: who belongs to it, and how it is."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import (
    AdapterState,
    ClusterHealth,
    ClusterUnavailable,
    Member,
    NotRetryable,
)
from socketio_asgi.server import Observer
from tests.adapters.loopback import Bus
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

SOON = timedelta(seconds=10)


def ids(io: Server) -> list[str]:
    return [member.id for member in io.cluster.members]


# -- a server alone --------------------------------------------------------------------------


async def test_a_server_without_an_adapter_is_a_cluster_of_one() -> None:
    io = Server()
    io.of("/chat")
    assert ids(io) == []
    assert io.cluster.health == ClusterHealth(AdapterState.IDLE)
    async with io.lifespan():
        await io.cluster.ready()
        (member,) = io.cluster.members
        assert (member.host, member.pid) == (socket.gethostname(), os.getpid())
        assert member.is_self
        assert member.namespaces == {"/", "/chat"}
        assert ids(io) == [member.id]
        assert member.since <= member.last_seen
        assert datetime.now(UTC) - member.since < SOON
        assert await io.cluster.count() == 1
        health = io.cluster.health
        assert (health.state, health.last_error, health.lag) == (AdapterState.READY, None, None)
        assert health.since is not None
        assert datetime.now(UTC) - health.since < SOON
        assert repr(io.cluster) == "<Cluster ready, 1 members>"


# -- several servers -------------------------------------------------------------------------


async def test_members_are_known_by_name() -> None:
    bus = Bus()
    one, two = bus.server(), bus.server()
    two.of("/chat")
    async with one.lifespan(), two.lifespan():
        await one.cluster.ready()
        await two.cluster.ready()
        own, other = one.cluster.members
        assert [own.is_self, other.is_self] == [True, False]
        assert ids(two) == [other.id, own.id]
        assert (other.host, other.pid) == (socket.gethostname(), os.getpid())
        assert other.namespaces == {"/", "/chat"}
        assert datetime.now(UTC) - other.since < SOON
        assert await one.cluster.count() == 2
        assert await one.cluster.count("/chat") == 2
        assert await one.cluster.count("nowhere") == 1


async def test_the_broker_counts_servers_without_names() -> None:
    bus = Bus(counts=True)
    bus.servers_more = 2
    io = bus.server()
    async with io.lifespan():
        await io.cluster.ready()
        assert await io.cluster.count() == 3
        assert len(io.cluster.members) == 1


async def test_members_come_and_go() -> None:
    bus = Bus()
    one, two = bus.server(), bus.server()
    happened: list[tuple[str, Member]] = []

    @one.cluster.on("joined")
    def joined(member: Member) -> None:
        happened.append(("joined", member))

    @one.cluster.on("left")
    def left(member: Member) -> None:
        happened.append(("left", member))

    async with one.lifespan():
        async with two.lifespan():
            await until(lambda: happened)
            (_, member), other = happened[0], two.cluster.members[0]
            assert (member.id, member.host, member.pid) == (other.id, other.host, other.pid)
        await until(lambda: len(happened) == 2)
    assert [(event, item.id) for event, item in happened] == [
        ("joined", other.id),
        ("left", other.id),
    ]
    assert happened[1][1].namespaces == {"/"}


async def test_the_observer_is_told_too() -> None:
    class Watcher(Observer):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def member_joined(self, member: Member) -> None:
            self.seen.append(f"joined {member.id}")
            raise ValueError

        def member_left(self, member: Member) -> None:
            self.seen.append(f"left {member.id}")

    bus, watcher = Bus(), Watcher()
    one, two = bus.server(observer=watcher), bus.server()
    async with one.lifespan():
        async with two.lifespan():
            await until(lambda: watcher.seen)
            other = two.cluster.members[0].id
        await until(lambda: len(watcher.seen) == 2)
    assert watcher.seen == [f"joined {other}", f"left {other}"]


async def test_health_changes_with_the_broker() -> None:
    bus = Bus()
    io = bus.server()
    states: list[tuple[AdapterState, str | None]] = []

    @io.cluster.on("health")
    def changed(health: ClusterHealth) -> None:
        error = health.last_error
        states.append((health.state, None if error is None else str(error)))

    async with io.lifespan():
        await io.cluster.ready()
        assert io.cluster.health.gaps == 0
        bus.cut(ConnectionError("the cable"))
        assert io.cluster.health.state is AdapterState.AWAY
        await io.cluster.ready()
        assert io.cluster.health.gaps == 1
    assert states == [
        (AdapterState.STARTING, None),
        (AdapterState.READY, None),
        (AdapterState.AWAY, "the cable"),
        (AdapterState.READY, "the cable"),
        (AdapterState.CLOSING, "the cable"),
        (AdapterState.CLOSED, "the cable"),
    ]


async def test_the_lag_of_heartbeats() -> None:
    bus = Bus()
    io = bus.server()
    async with io.lifespan():
        await until(lambda: io.cluster.health.lag is not None)
        lag = io.cluster.health.lag
        assert lag is not None
        assert 0 <= lag < SOON.total_seconds()


async def test_no_lag_where_nothing_comes_back() -> None:
    bus = Bus(echo=False)
    one, two = bus.server(), bus.server()
    async with one.lifespan(), two.lifespan():
        await one.cluster.ready()
        assert len(one.cluster.members) == 2
        assert one.cluster.health.lag is None


# -- waiting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_ready_ends_in_time() -> None:
    bus = Bus()
    bus.error = ConnectionError("no broker")
    io = bus.server()
    with pytest.raises(TimeoutError):
        await io.cluster.ready(timeout=0.05)
    bus.error = None
    await io.cluster.ready()
    await io.close()
    with pytest.raises(ClusterUnavailable, match="closed"):
        await io.cluster.ready()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_ready_raises_what_will_not_change() -> None:
    bus = Bus()
    bus.error = NotRetryable("wrong password")
    io = bus.server()
    with pytest.raises(NotRetryable, match="wrong password"):
        await io.cluster.ready()


@pytest.mark.parametrize("timeout", [0, -1, "5", True])
async def test_a_wrong_timeout(timeout: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="timeout must be"):
        await Server().cluster.ready(timeout)


# -- listeners -------------------------------------------------------------------------------


def test_listeners_are_checked() -> None:
    io = Server()

    async def later(member: Member) -> None:
        await anyio.lowlevel.checkpoint()

    def nothing() -> None:
        pass

    with pytest.raises(ValueError, match="'joined', 'left', 'health', 'engine_health', not 'gone'"):
        io.cluster.on("gone")(print)
    with pytest.raises(TypeError):
        io.cluster.on("joined")(later)
    with pytest.raises(TypeError, match="is given the member"):
        io.cluster.on("left")(nothing)


async def test_a_listener_that_raises_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    io = bus.server()
    heard: list[AdapterState] = []

    @io.cluster.on("health")
    def wrong(health: ClusterHealth) -> None:
        raise ValueError("oh")

    @io.cluster.on("health")
    def right(health: ClusterHealth) -> None:
        heard.append(health.state)

    async with io.lifespan():
        assert heard == [AdapterState.STARTING, AdapterState.READY]
    assert "a listener to 'health' of the cluster raised" in caplog.text
