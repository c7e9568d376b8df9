"""Servers of Redis for the tests, each worker of pytest with its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import RedisProcess, redis_cluster


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """A server that tests share, each with a prefix of its own; none of them disturbs it."""
    with RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server for one test."""
    folder = tmp_path / "own"
    folder.mkdir()
    with RedisProcess(folder) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_of_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """A Redis Cluster with one master, which tests share."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as (server,):
        yield server


@pytest.fixture(scope="session")
def cluster_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisProcess]]:
    """A Redis Cluster with two masters, which tests share."""
    with redis_cluster(tmp_path_factory.mktemp("cluster"), 2) as servers:
        yield servers


@pytest.fixture
def prefix() -> str:
    """A prefix of channels that no other test has."""
    return f"test-{secrets.token_hex(4)}"
