"""Fixtures of the tests with Pub/Sub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.brokers.interop.services import pubsub_host

from .server import PubSubProcess


@pytest.fixture
def anyio_backend() -> Any:
    """The library of Google knows asyncio alone."""
    return "asyncio"


@pytest.fixture
def pubsub() -> str:
    """Host and port of a Pub/Sub that nobody disturbs, one for each process of pytest."""
    return pubsub_host()


@pytest.fixture
def own_pubsub() -> Iterator[PubSubProcess]:
    """A Pub/Sub of one test."""
    with PubSubProcess() as process:
        yield process
