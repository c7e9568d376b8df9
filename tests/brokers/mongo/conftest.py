"""Servers for the tests, and clusters that they join."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.brokers.interop.services import mongo_url

from .cluster import Cluster
from .server import MongoProcess


@pytest.fixture
def anyio_backend() -> Any:
    """The library of MongoDB knows asyncio alone."""
    return "asyncio"


@pytest.fixture
def mongo() -> str:
    """A database that nobody disturbs: ``$TEST_MONGO_URL``, or one of our own."""
    return mongo_url()


@pytest.fixture
def own_mongo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MongoProcess]:
    """A server of one test; its parameter has more options of the command line."""
    options = getattr(request, "param", ())
    with MongoProcess(tmp_path_factory.mktemp("mongo"), *options) as server:
        yield server


@pytest.fixture
def key() -> str:
    """A name for a collection that no other test has."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def cluster(mongo: str, key: str) -> AsyncIterator[Cluster]:
    """Two servers with two clients each."""
    async with AsyncExitStack() as stack:
        cluster = Cluster(mongo, key)
        await cluster.start(stack)
        yield cluster
