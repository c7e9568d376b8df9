"""Database connections of Django's handlers end with the events, as they end with requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from socketio_asgi import ConnectionRefused, Server, Socket
from tests.brokers.interop.services import postgres_url
from tests.support.peer import Peer, join_peer
from tests.support.serving import Served
from tests.support.waiting import until

Serving = Callable[..., Awaitable[Served]]

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

PARALLEL = 60


class Connections:
    """The connections that Django makes from now on, in whichever thread."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def add(self, connection: Any, **_options: Any) -> None:
        self.made.append(connection)

    @property
    def opened(self) -> int:
        return len(self.made)

    @property
    def open(self) -> list[str]:
        return [made.alias for made in self.made if made.connection is not None]

    def close_all(self) -> None:
        for made in self.made:  # what a handler has left open
            made.inc_thread_sharing()
            made.close()


@pytest.fixture
async def made(django: Any) -> AsyncIterator[Connections]:
    from django.db.backends.signals import connection_created

    made = Connections()
    connection_created.connect(made.add)
    yield made
    connection_created.disconnect(made.add)
    await anyio.to_thread.run_sync(made.close_all)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, django: Any) -> AsyncIterator[str]:
    """The alias of a database that has the users."""
    from django import db
    from django.core.management import call_command

    connections: Any = db.connections
    if request.param == "sqlite":
        yield "default"
        return
    url = urlsplit(postgres_url())
    schema = f"test_{id(request):x}"
    address = {"USER": url.username, "PASSWORD": url.password, "HOST": url.hostname}
    connections.settings["postgres"] = {
        **connections.settings["default"],
        **{name: value or "" for name, value in address.items()},
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "PORT": str(url.port or ""),
        "OPTIONS": {"options": f"-c search_path={schema}", "application_name": schema},
    }

    def run(statement: str, *, migrate: bool = False) -> None:
        with closing(connections["postgres"]) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
            if migrate:
                call_command("migrate", database="postgres", run_syncdb=True, verbosity=0)

    await anyio.to_thread.run_sync(lambda: run(f"CREATE SCHEMA {schema}", migrate=True))
    yield "postgres"
    await anyio.to_thread.run_sync(lambda: run(f"DROP SCHEMA {schema} CASCADE"))
    del connections.settings["postgres"]


def make_server(model: Any, database: str) -> Server:
    """A server whose handlers of all kinds use the database."""
    from socketio_asgi.integrations import django

    io = django.make_server()
    users = model.objects.using(database)

    @io.use
    def middleware(socket: Socket) -> None:
        if users.count() < 0:
            raise ConnectionRefused("no database")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await users.acount()

        @socket.on("listener")
        def listener() -> None:
            users.count()
            socket.emit("heard")

    @io.on("disconnect")
    def disconnected(socket: Socket, reason: str) -> None:
        users.count()

    @io.on("plain")
    def plain(socket: Socket) -> int:
        return int(users.count())

    @io.on("asynchronous")
    async def asynchronous(socket: Socket) -> int:
        found = await users.acount()
        await anyio.lowlevel.checkpoint()
        return int(found + await users.acount())

    @io.on("wrong")
    def wrong(socket: Socket) -> None:
        users.count()
        raise ConnectionRefused("an error of the handler")

    @io.on("idle")
    async def idle(socket: Socket) -> str:
        return "idle"

    return io


async def test_parallel_events_leave_no_connection_open(
    django: Any, database: str, made: Connections, serving: Serving, anyio_backend: str
) -> None:
    served = await serving(make_server(django, database))
    async with join_peer(served.url) as one, join_peer(served.url, "polling") as two:
        for peer in (one, two):
            for event in ("plain", "asynchronous"):
                await ask_at_once(peer, event)
        await one.emit("wrong")
        await one.emit("listener")
        assert await one.expect("heard") == []
        await one.request("idle")
    assert made.opened >= PARALLEL  # those of asynchronous handlers, at least
    await until(lambda: made.open == [])  # the handler of "disconnect" may still run


async def ask_at_once(peer: Peer, event: str) -> None:
    """Send events without waiting for their answers, and then take these in any order."""
    for number in range(PARALLEL):
        await peer.emit(event, ack=number)
    answers = [await peer.packet() for _ in range(PARALLEL)]
    assert sorted(answer.id or 0 for answer in answers) == list(range(PARALLEL))
    assert [answer.data for answer in answers] == [[answers[0].data[0]]] * PARALLEL


async def test_an_asynchronous_handler_without_database_needs_no_thread(
    django: Any, made: Connections, serving: Serving, anyio_backend: str
) -> None:
    from asgiref.sync import SyncToAsync

    from socketio_asgi.integrations.django import make_server

    io = make_server()

    @io.on("threads")
    async def threads(socket: Socket) -> int:
        return len(SyncToAsync.context_to_thread_executor)

    served = await serving(io)
    async with join_peer(served.url) as peer:
        assert await peer.request("threads") == [0]
    assert made.opened == 0


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_connection_that_the_database_has_dropped(
    django: Any, database: str, made: Connections, serving: Serving, anyio_backend: str
) -> None:
    from django import db

    connections: Any = db.connections
    connections.settings[database]["CONN_MAX_AGE"] = None  # for ever, and checked by nobody
    io = make_server(django, database)

    @io.on("drop")
    def drop(socket: Socket) -> None:
        with connections[database].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = current_setting('application_name')"
            )

    served = await serving(io)
    async with join_peer(served.url) as peer:
        for _ in range(3):
            assert await peer.request("plain") == [0]
            await peer.emit("drop")
            assert await peer.request("asynchronous") == [0]
            assert await peer.request("plain") == [0]
