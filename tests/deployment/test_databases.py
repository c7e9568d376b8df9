"""The page on databases: its code runs, and no event leaves a session or a connection open."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio.to_thread
import pytest

from socketio_asgi import EventError, Server, Socket
from tests.docs.snippets import ROOT, blocks_of, run_blocks
from tests.support.peer import join_peer
from tests.support.requirements import require_module
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

PAGE = ROOT / "docs" / "databases.md"
SQLALCHEMY, DEPENDENCY, PLAIN_DEPENDENCY, DJANGO = range(4)


def run(*numbers: int) -> dict[str, Any]:
    """Run some of the blocks that need more than the standard library."""
    names: dict[str, Any] = {"__name__": __name__}
    for number in numbers:
        code = blocks_of(PAGE, "py")[number].code
        exec(compile(code, str(PAGE), "exec", dont_inherit=True), names)
    return names


async def test_the_standard_library(serving: Serving, tmp_path: Path, anyio_backend: str) -> None:
    names = run_blocks(PAGE)
    names["FILE"] = str(tmp_path / "notes.sqlite")
    with sqlite3.connect(names["FILE"]) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
        database.execute("INSERT INTO notes VALUES ('one')")
    database.close()
    served = await serving(names["io"])
    async with join_peer(served.url) as peer:
        assert await peer.request("notes") == [["one"]]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_sqlalchemy(
    serving: Serving,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    anyio_backend: str,
) -> None:
    require_module("sqlalchemy")
    require_module("aiosqlite")
    monkeypatch.chdir(tmp_path)  # the page names a file without a folder
    names = run(SQLALCHEMY)
    engine = names["engine"]
    async with engine.begin() as connection:
        await connection.run_sync(names["Base"].metadata.create_all)
    served = await serving(names["io"])
    try:
        async with join_peer(served.url, transport) as one, join_peer(served.url) as two:
            for number in (1, 2, 3):
                assert await one.request("add", f"note {number}") == [number]
                assert await two.expect("added") == [number, f"note {number}"]
                assert engine.pool.checkedout() == 0
            assert await two.request("notes") == [["note 1", "note 2", "note 3"]]
            assert engine.pool.checkedout() == 0
        # What the page says of the pool.
        assert engine.pool.size() == 5
        assert engine.pool._max_overflow == 10
        assert engine.pool._timeout == 30
    finally:
        await engine.dispose()


class Uses:
    """Counts how often a connection was taken out of a pool, and given back."""

    def __init__(self, engine: Any) -> None:
        from sqlalchemy import event

        self.taken = self.returned = 0
        event.listen(engine.pool, "checkout", self._take)
        event.listen(engine.pool, "checkin", self._return)

    def _take(self, *_: Any) -> None:
        self.taken += 1

    def _return(self, *_: Any) -> None:
        self.returned += 1


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_sessions_as_dependencies(
    serving: Serving,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    anyio_backend: str,
) -> None:
    require_module("sqlalchemy")
    require_module("aiosqlite")
    monkeypatch.chdir(tmp_path)
    names = run(SQLALCHEMY, DEPENDENCY, PLAIN_DEPENDENCY)
    io: Server = names["io"]
    engine, plain_engine = names["engine"], names["plain_engine"]
    database, plain_database = names["Database"], names["PlainSession"]

    @io.on("fails")
    async def fails(session: database) -> None:  # type: ignore[valid-type]
        session.add(names["Note"](text="never"))  # type: ignore[attr-defined]
        await session.flush()  # type: ignore[attr-defined]
        raise EventError("refused")

    get_plain = names["get_plain_session"]

    @io.on("fails_in_thread")
    def fails_in_thread(session: Any = names["Depends"](get_plain)) -> None:
        assert isinstance(session, plain_database)
        session.add(names["Note"](text="never"))
        session.flush()
        raise EventError("refused")

    async with engine.begin() as connection:
        await connection.run_sync(names["Base"].metadata.create_all)
    uses, plain_uses = Uses(engine.sync_engine), Uses(plain_engine)
    served = await serving(io)
    try:
        async with join_peer(served.url, transport) as one, join_peer(served.url) as two:
            assert await one.request("write", "note 1") == [1]
            assert await two.expect("written") == [1, "note 1"]
            assert await one.request("write_in_thread", "note 2") == [2]
            for event in ("fails", "fails_in_thread"):
                (answer,) = await one.request(event)
                assert answer["error"]["code"] == "refused"
            assert (uses.taken, uses.returned) == (2, 2)
            assert (plain_uses.taken, plain_uses.returned) == (2, 2)
            assert await one.request("notes") == [["note 1", "note 2"]]
    finally:
        await engine.dispose()
        plain_engine.dispose()


@pytest.fixture
async def connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """The connections that Django has made: those of all threads, closed ones as well."""
    for name in ("channels", "django", "litestar"):
        require_module(name)
    monkeypatch.chdir(tmp_path)  # as above
    note = models_of_chat().Note
    from django.db import connections as of_this_thread
    from django.db.backends.signals import connection_created

    made: list[Any] = []

    def add(connection: Any, **_options: Any) -> None:
        made.append(connection)

    def create_table() -> None:
        with of_this_thread["default"].schema_editor() as editor:
            editor.create_model(note)
        of_this_thread.close_all()

    await anyio.to_thread.run_sync(create_table)
    connection_created.connect(add)
    yield made
    connection_created.disconnect(add)

    def close_all() -> None:  # what handlers have left open
        for connection in made:
            connection.inc_thread_sharing()
            connection.close()

    await anyio.to_thread.run_sync(close_all)


@cache
def models_of_chat() -> Any:
    """The module ``chat.models`` of the page."""
    from django.db import models

    from tests.deployment import frameworks  # noqa: F401  # sets Django up

    module: Any = ModuleType("chat.models")

    class Note(models.Model):
        text = models.TextField()

        class Meta:
            app_label = "chat"

    module.Note = Note
    sys.modules["chat"], sys.modules["chat.models"] = ModuleType("chat"), module
    return module


async def test_django(serving: Serving, connections: list[Any], anyio_backend: str) -> None:
    names = run(DJANGO)
    served = await serving(names["io"])
    async with join_peer(served.url, "polling") as one, join_peer(served.url) as two:
        for number in (1, 2, 3):
            assert await one.request("add", f"note {number}") == [number]
            assert await two.expect("added") == [number, f"note {number}"]
        assert await two.request("notes") == [["note 1", "note 2", "note 3"]]
        assert await two.request("count") == [3]
    assert connections
    assert [made.connection for made in connections] == [None] * len(connections)


async def test_what_django_leaves_open(
    serving: Serving, connections: list[Any], anyio_backend: str
) -> None:
    # Why the page says so much: with a plain server, each of these leaves a connection behind.
    note = models_of_chat().Note
    io = Server()

    @io.on("plain")
    def plain(socket: Socket) -> int:
        return int(note.objects.count())

    @io.on("asynchronous")
    async def asynchronous(socket: Socket) -> int:
        return int(await note.objects.acount())

    served = await serving(io)
    async with join_peer(served.url) as peer:
        for count, event in enumerate(("plain", "asynchronous"), start=1):
            assert await peer.request(event) == [0]
            assert len([made for made in connections if made.connection is not None]) == count
