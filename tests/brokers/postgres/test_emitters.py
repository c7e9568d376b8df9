"""Emitters over Postgres: their ways to the database, and transactions of the application."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

import psycopg
import pytest
from anyio import to_thread

from socketio_asgi.emitters import AsyncPostgresEmitter, PostgresEmitter
from socketio_asgi.protocol import EncodeError
from tests.support.ports import PortReservation

from .cluster import Cluster
from .servers import PostgresProcess

LONG = "x" * 9000


@pytest.fixture
async def joined(own_postgres: PostgresProcess, key: str) -> AsyncIterator[Cluster]:
    """Two servers on a database of which a test may end connections."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(own_postgres.url, key)
        await cluster.start(stack)
        yield cluster


def options(cluster: Cluster) -> dict[str, Any]:
    return {"channel_prefix": cluster.key, "table_name": cluster.key}


async def expect(cluster: Cluster, *events: list[Any]) -> None:
    """All clients get these events."""
    assert await cluster.heard_by_all() == [list(events)] * 4


async def test_a_connection_with_its_transaction(joined: Cluster) -> None:
    def work() -> None:
        with psycopg.connect(joined.database) as connection:
            emitter = PostgresEmitter(connection, **options(joined))
            emitter.emit("lost", 1)
            emitter.emit("lost", LONG)
            connection.rollback()
            emitter.emit("kept", 1)
            emitter.emit("kept", LONG)
            connection.commit()
            emitter.close()
            assert not connection.closed

    await to_thread.run_sync(work)
    await expect(joined, ["kept", 1], ["kept", LONG])


async def test_a_pool_of_psycopg(joined: Cluster) -> None:
    def work() -> None:
        pools = import_module("psycopg_pool")
        with pools.ConnectionPool(joined.database, min_size=1, open=False) as pool:
            emitter = PostgresEmitter(pool, **options(joined))
            emitter.emit("event", LONG)
            emitter.to("nobody").emit("event", 2)
            emitter.emit("event", 3)

    await to_thread.run_sync(work)
    await expect(joined, ["event", LONG], ["event", 3])


async def test_a_pool_of_asyncpg(joined: Cluster) -> None:
    async with import_module("asyncpg").create_pool(joined.database, min_size=0) as pool:
        emitter = AsyncPostgresEmitter(pool, **options(joined))
        await emitter.emit("event", LONG)
        await emitter.emit("event", 2)
        assert pool.get_size() == pool.get_idle_size()
    await expect(joined, ["event", LONG], ["event", 2])


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_connection_that_was_ended_is_made_again(
    joined: Cluster, own_postgres: PostgresProcess, asynchronous: bool
) -> None:
    emitter: Any
    if asynchronous:
        emitter = AsyncPostgresEmitter(joined.database, **options(joined))
    else:
        emitter = PostgresEmitter(joined.database, **options(joined))

    async def emit(*values: Any) -> None:
        sent = await to_thread.run_sync(emitter.emit, "event", *values)
        if sent is not None:
            await sent

    await emit(1)
    await own_postgres.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE query LIKE 'SELECT pg_notify($1, $2)%'"
    )
    with pytest.raises((ConnectionError, psycopg.OperationalError)):
        await emit(2)
    await emit(3)
    await to_thread.run_sync(emitter.close) if not asynchronous else await emitter.close()
    await expect(joined, ["event", 1], ["event", 3])


async def test_a_database_that_is_away() -> None:
    with PortReservation() as reservation:
        url = PostgresProcess.url_of(reservation.port)
        with pytest.raises(psycopg.OperationalError):
            await to_thread.run_sync(PostgresEmitter(url).emit, "event")
        with pytest.raises(ConnectionError):
            await AsyncPostgresEmitter(url).emit("event")


def test_what_is_refused() -> None:
    url = "postgresql://localhost"
    for emitter_class in (PostgresEmitter, AsyncPostgresEmitter):
        with pytest.raises(ValueError, match="begins with postgresql://"):
            emitter_class("redis://localhost")
        with pytest.raises(TypeError, match="the database is given as a URL"):
            emitter_class(5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="table_name"):
            emitter_class(url, table_name="a b")
        with pytest.raises(EncodeError):
            emitter_class(url).emit("huge", b"\0" * 9_000_000)


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "socketio-asgi\[postgres\]"'):
        PostgresEmitter("postgresql://localhost")
