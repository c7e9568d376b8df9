"""Fixtures of the tests with RabbitMQ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.brokers.interop.services import rabbitmq_url

from .server import RabbitServer
from .support import Cluster, open_cluster


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
