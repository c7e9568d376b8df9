"""The suite of all drivers, over Service Bus: in order, and with messages doubled and mixed up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from socketio_asgi.testing.adapters import AdapterConformance

from .server import ServiceBusProcess
from .support import ServiceBusBroker, UnorderedBroker

pytestmark = [
    # azure-servicebus leaves the socket of a connection that was reset to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def disorderly(official_adapters: object) -> Iterator[ServiceBusProcess]:
    """A Service Bus that doubles messages, and mixes them up."""
    with ServiceBusProcess(disorder=7) as process:
        yield process


class TestServiceBus(AdapterConformance):
    @pytest.fixture
    def broker(self, bus: ServiceBusProcess) -> ServiceBusBroker:
        return ServiceBusBroker(bus)


@pytest.mark.variant
class TestServiceBusInDisorder(AdapterConformance):
    ordered = False

    @pytest.fixture
    def broker(self, disorderly: ServiceBusProcess) -> UnorderedBroker:
        return UnorderedBroker(disorderly)
