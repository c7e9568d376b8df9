"""What happens to a cluster whose MongoDB is stopped, paused, cut off, slow, or sent nonsense."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.lowlevel
import bson
import pytest

from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.waiting import until

from .cluster import QUICK, Cluster, state_of
from .server import DATABASE, MongoProcess, client

RETURN_SECONDS = 30.0


@pytest.fixture
async def quick(own_mongo: MongoProcess, key: str) -> AsyncIterator[Cluster]:
    """Two servers that notice quickly what happens to their database."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_mongo.url, key, **QUICK)
        await cluster.start(stack)
        yield cluster


@pytest.fixture
async def proxy(own_mongo: MongoProcess) -> AsyncIterator[FaultProxy]:
    """A network before the database."""
    async with fault_proxy(own_mongo.port) as proxy:
        yield proxy


@pytest.fixture
async def patient(own_mongo: MongoProcess, proxy: FaultProxy, key: str) -> AsyncIterator[Cluster]:
    """The same behind the proxy, with the times that are usual."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_mongo.url_of(proxy.port), key)
        await cluster.start(stack)
        yield cluster


@pytest.fixture
async def behind(own_mongo: MongoProcess, proxy: FaultProxy, key: str) -> AsyncIterator[Cluster]:
    """Two servers, of which the network of both is behind the proxy."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_mongo.url_of(proxy.port), key, **QUICK)
        await cluster.start(stack)
        yield cluster


async def assert_away(cluster: Cluster) -> None:
    """Both servers notice, and their own clients get events nevertheless."""
    for number, server in enumerate(cluster.servers):
        await until(lambda: state_of(server) is AdapterState.AWAY, RETURN_SECONDS)  # noqa: B023
        server.emit("here")
        assert await cluster.clients[2 * number].expect("here") == []


async def assert_back(cluster: Cluster) -> None:
    """Both servers come back by themselves, know each other, and have missed nothing."""
    await until(lambda: cluster.acquainted, RETURN_SECONDS)
    for number in range(20):
        cluster.here.emit("back", number)
        cluster.there.emit("back", number)
    for events in await cluster.heard_by_all():
        came = [args for name, *args in events if name == "back"]
        assert sorted(came) == sorted([[number] for number in range(20)] * 2)
    assert [server.cluster.health.gaps for server in cluster.servers] == [0, 0]


async def test_the_server_is_started_again(quick: Cluster, own_mongo: MongoProcess) -> None:
    await anyio.to_thread.run_sync(own_mongo.stop)
    try:
        await assert_away(quick)
    finally:
        await anyio.to_thread.run_sync(own_mongo.start)
    await assert_back(quick)


async def test_the_server_stands_still(quick: Cluster, own_mongo: MongoProcess) -> None:
    own_mongo.pause()
    try:
        await assert_away(quick)
    finally:
        own_mongo.resume()
    await assert_back(quick)


async def test_the_network_is_cut(behind: Cluster, proxy: FaultProxy) -> None:
    proxy.refusing = True
    proxy.cut()
    await assert_away(behind)
    proxy.refusing = False
    await assert_back(behind)


async def test_the_network_hands_nothing_on(behind: Cluster, proxy: FaultProxy) -> None:
    """As when a cable is pulled: connections stay open, and nothing says that they are dead."""
    proxy.freeze()
    await assert_away(behind)
    proxy.thaw()
    await assert_back(behind)


async def test_connections_that_break_for_a_moment(patient: Cluster, proxy: FaultProxy) -> None:
    """Nobody notices: what was sent meanwhile arrives, once and in order."""
    for number in range(300):
        patient.here.emit("count", number)
        if number % 100 == 50:
            await anyio.lowlevel.checkpoint()
            proxy.cut()
    for events in await patient.heard_by_all():
        assert events == [["count", number] for number in range(300)]
    assert [server.cluster.health.gaps for server in patient.servers] == [0, 0]


async def test_a_slow_network(patient: Cluster, proxy: FaultProxy) -> None:
    proxy.delay = 0.1
    for number in range(100):
        patient.here.emit("count", number)
    for events in await patient.heard_by_all():
        assert events == [["count", number] for number in range(100)]
    proxy.delay = 0.0


NONSENSE: list[dict[str, Any]] = [
    {},
    {"type": 3},
    {"type": "3", "uid": "x", "nsp": "/"},
    {"type": 99, "uid": "x", "nsp": "/"},
    {"type": 3, "uid": "x", "nsp": "no slash"},
    {"type": 3, "uid": "x" * 100, "nsp": "/"},
    {"type": 3, "uid": "x", "nsp": "/", "data": [1]},
    {"type": 3, "uid": "x", "nsp": "/", "data": {"packet": {"type": 2, "data": "no list"}}},
    {"type": 5, "uid": "x", "nsp": "/", "data": {"opts": {"rooms": {}}}},
    {"type": 7, "uid": 5, "nsp": "/", "data": None},
    {"type": 3, "uid": "x", "nsp": "/", "data": {"packet": b"\0" * 9_000_000}},
    {"_id": 5, "type": 3, "uid": "x", "nsp": "/", "data": {"packet": {}, "opts": {}}},
]


async def test_nonsense_is_counted_and_dropped(
    patient: Cluster, own_mongo: MongoProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with client(own_mongo.url) as mongo:
        for document in NONSENSE:
            id = {"_id": bson.ObjectId(), "nsp": "/"}
            mongo[DATABASE][patient.key].insert_one({**id, **document})
        collection = mongo[DATABASE][patient.key]
        collection.update_many({}, {"$set": {"type": -1}})  # no insertion
    for server in patient.servers:
        await until(lambda: server.cluster.health.malformed == len(NONSENSE))  # noqa: B023
    patient.here.emit("after")
    assert await patient.clients[2].expect("after") == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_the_collection_is_dropped(quick: Cluster, own_mongo: MongoProcess) -> None:
    """That ends the change stream: it is begun again, and what was missed is a gap.

    An insertion may make the collection before the adapter does, and then it is not capped.
    """
    with client(own_mongo.url) as mongo:
        mongo[DATABASE][quick.key].drop()
        await until(
            lambda: all(server.cluster.health.gaps for server in quick.servers), RETURN_SECONDS
        )
        await until(lambda: quick.acquainted, RETURN_SECONDS)
    quick.here.emit("after")
    for peer in quick.clients:
        assert await peer.expect("after") == []


@pytest.mark.parametrize("own_mongo", [("--enable-test-commands",)], indirect=True)
async def test_insertions_that_are_refused(patient: Cluster, own_mongo: MongoProcess) -> None:
    with client(own_mongo.url) as mongo:
        fail = {"failCommands": ["insert"], "errorCode": 13}  # Unauthorized
        mongo.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": fail})
        with pytest.raises(ClusterUnavailable):
            await patient.here.emit("refused")
        mongo.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert patient.here.cluster.health.dropped["the broker did not take a message"] >= 1
    await patient.here.emit("taken")
    for peer in patient.clients[2:]:
        assert await peer.expect("taken") == []


@pytest.mark.parametrize("own_mongo", [("--enable-test-commands",)], indirect=True)
@pytest.mark.parametrize(
    ("command", "label"),
    [("insert", "RetryableWriteError"), ("getMore", "ResumableChangeStreamError")],
)
async def test_a_server_that_fails_for_a_moment(
    patient: Cluster, own_mongo: MongoProcess, command: str, label: str
) -> None:
    """As when another one becomes the primary: pymongo tries again by itself."""
    with client(own_mongo.url) as mongo:
        fail = {"failCommands": [command], "errorCode": 6, "errorLabels": [label]}
        point = {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": fail}
        mongo.admin.command(point)
    for number in range(50):
        patient.here.emit("count", number)
    for events in await patient.heard_by_all():
        assert events == [["count", number] for number in range(50)]
    assert [server.cluster.health.gaps for server in patient.servers] == [0, 0]


async def test_too_much_for_a_database_that_does_not_answer(
    quick: Cluster, own_mongo: MongoProcess
) -> None:
    """Messages that wait are bounded, and those that are refused are counted."""
    own_mongo.pause()
    try:
        for _ in range(10):
            quick.here.to("nobody").emit("much", "x" * 4_000_000)
        assert quick.here.cluster.health.dropped == {"the driver refused a message": 6}
    finally:
        own_mongo.resume()
    await until(lambda: quick.acquainted, RETURN_SECONDS)
    await quick.here.emit("after")
    assert await quick.clients[2].expect("after") == []
