"""Fixtures of the tests with Service Bus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.brokers.interop.services import service_bus

from .server import ServiceBusProcess


@pytest.fixture
def anyio_backend() -> Any:
    """The library of Azure knows asyncio alone."""
    return "asyncio"


@pytest.fixture
def bus(official_adapters: object) -> ServiceBusProcess:
    """A Service Bus that nobody disturbs, one for each process of pytest."""
    return service_bus()


@pytest.fixture
def own_bus(official_adapters: object) -> Iterator[ServiceBusProcess]:
    """A Service Bus of one test."""
    with ServiceBusProcess() as process:
        yield process
