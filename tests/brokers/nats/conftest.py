"""Fixtures of the tests with NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.brokers.interop.services import nats_url

from .server import NatsServer
from .support import Cluster, open_cluster

MODES = {"core": False, "jetstream": True}


@pytest.fixture
def nats_server() -> str:
    """The URL of a server that nobody disturbs, one for each process of pytest."""
    return nats_url()


@pytest.fixture
def own_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server of one test."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(params=list(MODES))
def jetstream(request: pytest.FixtureRequest) -> bool:
    """Without JetStream, and with it."""
    return MODES[request.param]


@pytest.fixture
async def cluster(nats_server: str, jetstream: bool) -> AsyncIterator[Cluster]:
    """Two servers with a client each."""
    async with open_cluster(nats_server, jetstream=jetstream) as found:
        yield found
