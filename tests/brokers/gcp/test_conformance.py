"""The suite of all drivers, over Pub/Sub: in order, and with messages doubled and mixed up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from socketio_asgi.testing.adapters import AdapterConformance
from tests.brokers.interop.services import pubsub_host

from .server import PubSubProcess
from .support import PubSubBroker, UnorderedBroker, port_of


@pytest.fixture(scope="module")
def disorderly() -> Iterator[PubSubProcess]:
    """A Pub/Sub that doubles messages, and mixes them up."""
    with PubSubProcess(disorder=7) as process:
        yield process


class TestPubSub(AdapterConformance):
    @pytest.fixture
    def broker(self) -> PubSubBroker:
        return PubSubBroker(port_of(pubsub_host()))


@pytest.mark.variant
class TestPubSubInDisorder(AdapterConformance):
    ordered = False

    @pytest.fixture
    def broker(self, disorderly: PubSubProcess) -> UnorderedBroker:
        return UnorderedBroker(disorderly.port)
