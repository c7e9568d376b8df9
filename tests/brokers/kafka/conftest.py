"""Fixtures of the tests with Kafka."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brokers.interop.services import kafka_url

from . import routes
from .server import KafkaServer


@pytest.fixture
def kafka() -> str:
    """The address of a broker that nobody disturbs, one for each process of pytest."""
    return kafka_url().removeprefix("kafka://")


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker of one test."""
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> routes.Routes:
    """The ports of proxies, by the ids of clients."""
    return routes.install(monkeypatch)
