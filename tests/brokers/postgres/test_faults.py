"""What happens to a cluster whose database is stopped, paused, cut off, or sent nonsense."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import anyio
import pytest

from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.waiting import until

from .cluster import QUICK, Cluster, state_of
from .servers import PostgresProcess

RETURN_SECONDS = 20.0


@pytest.fixture
async def quick_cluster(own_postgres: PostgresProcess, key: str) -> AsyncIterator[Cluster]:
    """Two servers that notice quickly what happens to their database."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_postgres.url, key, **QUICK)
        await cluster.start(stack)
        yield cluster


@pytest.fixture
async def proxy(own_postgres: PostgresProcess) -> AsyncIterator[FaultProxy]:
    """A network before the database that can be cut."""
    async with fault_proxy(own_postgres.port) as proxy:
        yield proxy


@pytest.fixture
async def cut_cluster(
    own_postgres: PostgresProcess, proxy: FaultProxy, key: str
) -> AsyncIterator[Cluster]:
    """Two servers, of which the network of both is behind the proxy."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_postgres.url_of(proxy.port), key, **QUICK)
        await cluster.start(stack)
        yield cluster


async def assert_away(cluster: Cluster) -> None:
    """Both servers notice, and their own clients get events nevertheless."""
    for number, server in enumerate(cluster.servers):
        await until(lambda: state_of(server) is AdapterState.AWAY, RETURN_SECONDS)  # noqa: B023
        server.emit("here")
        client = cluster.clients[2 * number]
        assert await client.expect("here") == []


async def assert_back(cluster: Cluster) -> None:
    """Both servers come back by themselves, know each other, and lose no event any more."""
    await until(lambda: cluster.acquainted, RETURN_SECONDS)
    await until(lambda: all(server.cluster.health.gaps for server in cluster.servers))
    for number in range(20):
        cluster.here.emit("back", number)
        cluster.there.emit("back", "x" * 9000)
    expected = [[number] for number in range(20)]
    for events in await cluster.heard_by_all():
        came = [args for name, *args in events if name == "back"]
        assert [args for args in came if args != ["x" * 9000]] == expected
        assert len(came) == 40


async def test_the_server_is_started_again(
    quick_cluster: Cluster, own_postgres: PostgresProcess
) -> None:
    await anyio.to_thread.run_sync(own_postgres.stop)
    try:
        await assert_away(quick_cluster)
    finally:
        await anyio.to_thread.run_sync(own_postgres.start)
    await assert_back(quick_cluster)


async def test_the_server_stands_still(
    quick_cluster: Cluster, own_postgres: PostgresProcess
) -> None:
    own_postgres.pause()
    try:
        await assert_away(quick_cluster)
    finally:
        own_postgres.resume()
    await assert_back(quick_cluster)


@pytest.mark.parametrize("statement", ["listen", "unnest", ""])
async def test_connections_are_terminated(
    quick_cluster: Cluster, own_postgres: PostgresProcess, statement: str
) -> None:
    """The one that listens, the one that sends, and both."""
    attempts = [server.cluster.health.since for server in quick_cluster.servers]
    quick_cluster.here.emit("first")
    await quick_cluster.there.emit("first")
    await own_postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'socketio_asgi' AND query ILIKE '%' || $1 || '%'",
        statement,
    )
    for number, server in enumerate(quick_cluster.servers):
        await until(lambda: server.cluster.health.gaps > 0, RETURN_SECONDS)  # noqa: B023
        assert server.cluster.health.since != attempts[number]
    await assert_back(quick_cluster)


async def test_the_network_is_cut(cut_cluster: Cluster, proxy: FaultProxy) -> None:
    proxy.refusing = True
    proxy.cut()
    await assert_away(cut_cluster)
    proxy.refusing = False
    await assert_back(cut_cluster)


async def test_the_network_hands_nothing_on(cut_cluster: Cluster, proxy: FaultProxy) -> None:
    """As when a cable is pulled: connections stay open, and nothing says that they are dead."""
    proxy.freeze()
    await assert_away(cut_cluster)
    proxy.thaw()
    await assert_back(cut_cluster)


async def test_nonsense_is_counted_and_dropped(
    quick_cluster: Cluster, own_postgres: PostgresProcess, caplog: pytest.LogCaptureFixture
) -> None:
    key = quick_cluster.key
    await own_postgres.execute(
        f"INSERT INTO {key} (id, payload) VALUES (901, 'nonsense'), (902, NULL),"
        " (903, decode(repeat('00', 9000000), 'hex'))"
    )
    nonsense = [
        "",
        "nonsense",
        "[1]",
        '{"type":3,"uid":"x","nsp":"/","data":{"packet":{"type":2,"data":"no list"}}}',
        '{"uid":"x","type":3,"attachmentId":"901"}',
        '{"uid":"x","type":3,"attachmentId":"902"}',
        '{"uid":"x","type":3,"attachmentId":"903"}',
        '{"uid":"x","type":3,"attachmentId":"999999"}',
    ]
    for text in nonsense:
        await own_postgres.execute("SELECT pg_notify($1, $2)", f"{key}#/", text)
    for server in quick_cluster.servers:
        await until(lambda: server.cluster.health.malformed == len(nonsense))  # noqa: B023
    quick_cluster.here.emit("after")
    assert await quick_cluster.clients[2].expect("after") == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_missing_table_spares_everything_but_long_messages(
    quick_cluster: Cluster, own_postgres: PostgresProcess
) -> None:
    await own_postgres.execute(f"DROP TABLE {quick_cluster.key}")
    with pytest.raises(ClusterUnavailable):
        await quick_cluster.here.emit("long", "x" * 9000)
    await quick_cluster.here.emit("short")
    assert await quick_cluster.clients[2].expect("short") == []
    assert quick_cluster.here.cluster.health.dropped == {"the broker did not take a message": 1}


async def test_old_rows_are_deleted(own_postgres: PostgresProcess, key: str) -> None:
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_postgres.url, key, cleanup_interval=0.5)
        await cluster.start(stack)
        await own_postgres.execute(
            f"INSERT INTO {key} (created_at, payload)"
            " SELECT now() - interval '1 hour', '' FROM generate_series(1, 1500)"
        )
        await cluster.here.emit("long", "x" * 9000)
        assert await cluster.clients[2].expect("long") == ["x" * 9000]

        async def empty() -> bool:
            ((count,),) = await own_postgres.execute(f"SELECT count(*) FROM {key}")
            return bool(count == 0)

        await until(empty, 10)


async def test_too_much_for_a_database_that_does_not_answer(
    quick_cluster: Cluster, own_postgres: PostgresProcess
) -> None:
    """Messages that wait are bounded, and those that are refused are counted."""
    own_postgres.pause()
    try:
        for _ in range(10):
            quick_cluster.here.to("nobody").emit("much", "x" * 4_000_000)
        assert quick_cluster.here.cluster.health.dropped == {"the driver refused a message": 6}
    finally:
        own_postgres.resume()
    await until(lambda: quick_cluster.acquainted, RETURN_SECONDS)
    await quick_cluster.here.emit("after")
    assert await quick_cluster.clients[2].expect("after") == []
