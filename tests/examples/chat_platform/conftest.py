"""Databases, and servers on them."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.brokers.postgres.servers import PostgresProcess, execute
from tests.support.processes import ServerProcess
from tests.support.requirements import require_module

from .chat import ChatServer, Visit, visiting

StartChat = Callable[..., ServerProcess]
DATABASES = ("sqlite", "postgres")


@pytest.fixture
def anyio_backend() -> Any:
    """The application needs asyncio, as asyncpg does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def needed() -> None:
    """Need what the application imports."""
    for name in ("aiosqlite", "alembic", "argon2", "asyncpg", "fastapi", "sqlalchemy"):
        require_module(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A Postgres server: ``$TEST_POSTGRES_URL``, or one of our own; a URL without a database."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given.rpartition("/")[0]
    else:
        with PostgresProcess() as server:
            yield server.url.rpartition("/")[0]


def make_database(postgres: str) -> str:
    """An empty database of Postgres; returns its URL."""
    name = f"chat_{secrets.token_hex(6)}"
    anyio.run(execute, f"{postgres}/postgres", f"CREATE DATABASE {name}")
    return f"{postgres}/{name}"


@pytest.fixture
def postgres_url(postgres: str) -> str:
    return make_database(postgres)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chat.sqlite"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, of both kinds in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def start_chat() -> Iterator[StartChat]:
    """Start servers of the platform: ``start_chat(database_url, env={...})``."""
    with ExitStack() as stack:

        def start(database_url: str, **settings: Any) -> ServerProcess:
            return stack.enter_context(ChatServer(database_url, **settings))

        yield start


def mainly_on(database: str, fixture: str = "server") -> pytest.MarkDecorator:
    """Let a test have this database below a fixture; with the other one it is a variant."""
    others = [each for each in DATABASES if each != database]
    variants = [pytest.param(each, marks=pytest.mark.variant) for each in others]
    return pytest.mark.parametrize(fixture, [database, *variants], indirect=True)


@pytest.fixture(scope="session", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server for all tests that have users of their own; on both databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('chat')}/chat.sqlite"
    else:
        url = make_database(request.getfixturevalue("postgres"))
    with ChatServer(url) as server:
        yield server
        assert "Traceback" not in server.output


@pytest.fixture
async def visit(server: ServerProcess) -> AsyncIterator[Visit]:
    """Users of one test on the server of the module."""
    async with visiting(server) as visit:
        yield visit
