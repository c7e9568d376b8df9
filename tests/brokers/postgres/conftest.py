"""Databases for the tests, and the servers that they join."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from .cluster import Cluster
from .servers import PostgresProcess


@pytest.fixture
def anyio_backend() -> Any:
    """The libraries of Postgres know asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[PostgresProcess]:
    """A server of the tests in this process, which they may disturb if it runs in the end."""
    with PostgresProcess() as server:
        yield server


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A database that nobody disturbs: ``$TEST_POSTGRES_URL``, or one of our own."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        return given
    server: PostgresProcess = request.getfixturevalue("own_postgres")
    return server.url


@pytest.fixture
def key() -> str:
    """A name for channels and tables that no other test has."""
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
async def cluster(postgres_url: str, key: str) -> AsyncIterator[Cluster]:
    """Two servers with two clients each."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(postgres_url, key)
        await cluster.start(stack)
        yield cluster
