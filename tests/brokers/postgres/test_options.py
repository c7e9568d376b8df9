"""The ways to a database, and the options of the adapter."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

import anyio
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, NotRetryable, PostgresAdapter
from socketio_asgi.protocol import EncodeError
from tests.support.ports import HOST, PortReservation
from tests.support.processes import STOP_TIMEOUT
from tests.support.requirements import require_command
from tests.support.serving import unwrapped
from tests.support.waiting import until

from .cluster import Cluster, make_adapter, state_of
from .servers import PostgresProcess, execute, owner


@asynccontextmanager
async def started(adapter: PostgresAdapter) -> AsyncIterator[Server]:
    """A server without clients whose adapter has begun; raises what stops it for good."""
    io = Server(adapter=adapter)
    try:
        await io.cluster.ready(10)
        yield io
    finally:
        await io.close()


def start_elsewhere(adapter: PostgresAdapter) -> None:
    """The same in another event loop, which must not run in this thread."""

    async def start() -> None:
        async with started(adapter):
            pass

    anyio.run(start)


# -- pools and poolers -------------------------------------------------------------------------


async def test_a_pool_of_the_application(postgres_url: str, key: str) -> None:
    pool = await import_module("asyncpg").create_pool(postgres_url, min_size=0, max_size=5)
    async with pool:
        async with AsyncExitStack() as stack:
            cluster = Cluster(pool, key)
            await cluster.start(stack)
            cluster.here.emit("short", 1)
            cluster.here.emit("long", "x" * 9000)
            for client in cluster.clients:
                assert await client.expect("short") == [1]
                assert await client.expect("long") == ["x" * 9000]
            assert pool.get_size() - pool.get_idle_size() == 4
        # They come back, and nothing listens on them any more.
        assert pool.get_size() - pool.get_idle_size() == 0
        async with pool.acquire() as connection:
            assert await connection.fetch("SELECT pg_listening_channels()") == []
            assert await connection.fetchval("SHOW synchronous_commit") == "on"


async def test_a_pool_that_is_not_open_yet(postgres_url: str, key: str) -> None:
    pool = import_module("asyncpg").create_pool(postgres_url, min_size=0, max_size=5)
    async with started(make_adapter(pool, key)):
        pass
    await pool.close()


async def test_a_pool_that_is_closed(postgres_url: str, key: str) -> None:
    pool = await import_module("asyncpg").create_pool(postgres_url, min_size=0)
    await pool.close()
    with pytest.raises(NotRetryable, match="the pool cannot be used"):
        async with started(make_adapter(pool, key)):
            pass


async def test_a_pool_that_is_too_small(postgres_url: str, key: str) -> None:
    async with import_module("asyncpg").create_pool(postgres_url, min_size=0, max_size=2) as pool:
        with pytest.raises(NotRetryable, match="the pool of the application has 2 connections"):
            async with started(make_adapter(pool, key)):
                pass


async def test_a_pool_in_another_event_loop(postgres_url: str, key: str) -> None:
    async with import_module("asyncpg").create_pool(postgres_url, min_size=0) as pool:
        adapter = make_adapter(pool, key)
        async with started(adapter):
            pass
        with pytest.raises(NotRetryable, match="a pool belongs to the event loop"):
            await anyio.to_thread.run_sync(start_elsewhere, adapter)


async def test_a_url_in_another_event_loop(postgres_url: str, key: str) -> None:
    adapter = make_adapter(postgres_url, key)
    for _ in range(2):
        await anyio.to_thread.run_sync(start_elsewhere, adapter)


@pytest.fixture
def pgbouncer(request: pytest.FixtureRequest, own_postgres: PostgresProcess) -> Iterator[str]:
    """The URL of a pgbouncer in front of the database, in the mode of the parameter."""
    command = require_command("pgbouncer", "/usr/sbin/pgbouncer")
    with PortReservation() as reservation:
        port = reservation.port
        # It does not share its port, so the reservation has to end first.
    folder = own_postgres.folder / f"pgbouncer-{port}"
    folder.mkdir()
    configuration = folder / "pgbouncer.ini"
    (folder / "users.txt").write_text('"postgres" ""\n')
    configuration.write_text(
        f"[databases]\npostgres = host={HOST} port={own_postgres.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {folder}/users.txt\npool_mode = {request.param}\n"
    )
    process = subprocess.Popen(
        [command, str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **owner(),
    )
    try:
        yield own_postgres.url_of(port)
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT)


async def answers(url: str) -> bool:
    try:
        await execute(url, "SELECT 1")
    except OSError:
        return False
    return True


@pytest.mark.parametrize("pgbouncer", ["transaction", "statement"], indirect=True)
async def test_a_pooler_that_divides_sessions_is_refused(pgbouncer: str, key: str) -> None:
    await until(lambda: answers(pgbouncer))
    with pytest.raises(NotRetryable, match=r"pgbouncer,? .*pool_mode=transaction"):
        async with started(make_adapter(pgbouncer, key)):
            pass


@pytest.mark.parametrize("pgbouncer", ["session"], indirect=True)
async def test_a_pooler_that_keeps_sessions_will_do(pgbouncer: str, key: str) -> None:
    await until(lambda: answers(pgbouncer))
    async with AsyncExitStack() as stack:
        cluster = Cluster(pgbouncer, key)
        await cluster.start(stack)
        cluster.here.emit("long", "x" * 9000)
        cluster.there.emit("short", 1)
        heard = await cluster.heard_by_all()
        assert all(sorted(events) == [["long", "x" * 9000], ["short", 1]] for events in heard)


# -- the database ------------------------------------------------------------------------------


async def test_a_wrong_password_and_an_unknown_database(postgres_url: str, key: str) -> None:
    for url in (
        postgres_url.replace("postgres@", "nobody@"),
        postgres_url.rpartition("/")[0] + "/nothing",
    ):
        with pytest.raises(NotRetryable, match="Postgres: "):
            async with started(make_adapter(url, key)):
                pass


async def test_no_database_at_all(key: str) -> None:
    with PortReservation() as reservation:
        io = Server(adapter=make_adapter(PostgresProcess.url_of(reservation.port), key))
        with pytest.raises(ClusterUnavailable):
            await io.emit("event")
        assert state_of(io) is AdapterState.AWAY
        await io.close()


async def test_options_of_the_library(postgres_url: str, key: str) -> None:
    options = {"server_settings": {"application_name": key}}
    async with started(make_adapter(postgres_url, key, connect_options=options)):
        rows = await execute(
            postgres_url, "SELECT pid FROM pg_stat_activity WHERE application_name = $1", key
        )
        assert len(rows) == 2
    with pytest.raises(NotRetryable, match=r"does not take the URL or an option: .*colour"):
        async with started(make_adapter(postgres_url, key, connect_options={"colour": 1})):
            pass


async def test_the_table_is_made_once_by_many_servers(postgres_url: str, key: str) -> None:
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:

        async def start() -> None:
            await stack.enter_async_context(started(make_adapter(postgres_url, key)))

        for _ in range(8):
            tasks.start_soon(start)


async def test_a_table_in_a_schema(postgres_url: str, key: str) -> None:
    await execute(postgres_url, f"CREATE SCHEMA {key}")
    adapter = PostgresAdapter(postgres_url, channel_prefix=key, table_name=f"{key}.messages")
    async with started(adapter) as io:
        await io.emit("long", "x" * 9000)
        ((count,),) = await execute(postgres_url, f"SELECT count(*) FROM {key}.messages")
        assert count == 1


async def test_a_missing_table_that_is_not_to_be_made(postgres_url: str, key: str) -> None:
    with pytest.raises(NotRetryable, match=f"the table {key} is missing.*CREATE TABLE") as caught:
        async with started(make_adapter(postgres_url, key, create_table=False)):
            pass
    statement = str(caught.value).rpartition(", by: ")[2]
    await execute(postgres_url, statement)
    async with started(make_adapter(postgres_url, key, create_table=False)):
        pass


async def test_a_role_that_may_not_make_the_table(postgres_url: str, key: str) -> None:
    await execute(postgres_url, f"CREATE ROLE {key} LOGIN")
    await execute(postgres_url, "REVOKE CREATE ON SCHEMA public FROM public")
    url = postgres_url.replace("postgres@", f"{key}@")
    with pytest.raises(NotRetryable, match="permission denied"):
        async with started(make_adapter(url, key)):
            pass


async def test_a_database_that_is_not_in_utf8(postgres_url: str, key: str) -> None:
    await execute(
        postgres_url, f"CREATE DATABASE {key} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    url = postgres_url.rpartition("/")[0] + f"/{key}"
    async with AsyncExitStack() as stack:
        cluster = Cluster(url, key)
        await cluster.start(stack)
        cluster.here.emit("text", "plain")
        cluster.here.emit("text", "é€😀")
        assert await cluster.clients[2].expect("text") == ["plain"]
        assert await cluster.clients[2].expect("text") == ["é€😀"]


# -- limits and options ------------------------------------------------------------------------


async def test_an_event_that_is_too_large_is_refused_where_it_is_sent(
    postgres_url: str, key: str
) -> None:
    async with AsyncExitStack() as stack:
        cluster = Cluster(postgres_url, key)
        await cluster.start(stack)
        for value in ("x" * 33_000_000, b"\x00" * 33_000_000):
            with pytest.raises(EncodeError, match="33000"):
                cluster.here.emit("huge", value)
        assert await cluster.heard_by_all() == [[], [], [], []]


async def test_a_limit_of_the_application(postgres_url: str, key: str) -> None:
    async with started(make_adapter(postgres_url, key, max_message=1000)) as io:
        await io.emit("event", "x" * 900)
        with pytest.raises(EncodeError):
            io.emit("event", "x" * 1000)


@pytest.mark.parametrize(
    ("database", "options", "error", "words"),
    [
        ("redis://localhost", {}, ValueError, "begins with postgresql://"),
        ("http://u:secret@host", {}, ValueError, "begins with postgresql://"),
        (object(), {}, TypeError, "a URL or as a pool"),
        (None, {}, TypeError, "a URL or as a pool"),
        ("postgresql://x", {"table_name": "a b"}, ValueError, "table_name"),
        ("postgresql://x", {"table_name": "a; DROP TABLE b"}, ValueError, "table_name"),
        ("postgresql://x", {"table_name": 1}, TypeError, "table_name"),
        ("postgresql://x", {"channel_prefix": ""}, ValueError, "channel_prefix"),
        ("postgresql://x", {"channel_prefix": b"x"}, TypeError, "channel_prefix"),
        ("postgresql://x", {"payload_threshold": 8001}, ValueError, "payload_threshold"),
        ("postgresql://x", {"payload_threshold": 0}, ValueError, "payload_threshold"),
        ("postgresql://x", {"cleanup_interval": 30_000}, ValueError, "cleanup_interval=30"),
        ("postgresql://x", {"create_table": "no"}, TypeError, "create_table"),
        ("postgresql://x", {"max_message": -1}, ValueError, "max_message"),
        ("postgresql://x", {"heartbeat_interval": 20}, ValueError, "heartbeat_timeout"),
    ],
)
def test_wrong_values(
    database: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        PostgresAdapter(database, **options)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: Any, key: str) -> None:
    io = Server(adapter=make_adapter("postgresql://localhost", key))
    with pytest.raises(NotRetryable, match="needs asyncio"), unwrapped():
        async with io.lifespan(None):
            pass
