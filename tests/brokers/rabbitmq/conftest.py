"""Fixtures of the tests with RabbitMQ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.brokers.interop.services import rabbitmq_url

from .server import RabbitServer
from .support import Cluster, open_cluster

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave fixtures out of the time of a test: a node takes long to start, as its limit says."""
    seconds = float(config.getini("timeout"))
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds, func_only=True))


@pytest.fixture
def rabbitmq() -> str:
    """The URL of a node that nobody disturbs, one for each process of pytest."""
    return rabbitmq_url()


@pytest.fixture(scope="session")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    with RabbitServer(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture
def own_rabbitmq(_own: RabbitServer) -> Iterator[RabbitServer]:
    """A node that a test may disturb; it takes long to start, so all of them have the same."""
    yield _own
    _own.resume_or_start()


@pytest.fixture(params=[False, True], ids=["unbound", "bound"])
async def cluster(rabbitmq: str, request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Two servers with a client each, without and with bindings of rooms."""
    async with open_cluster(rabbitmq, bind_rooms=request.param) as found:
        yield found
