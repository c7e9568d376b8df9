"""The suite of all drivers, over Pub/Sub: in order, and with messages doubled and mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

import pytest

from socketio_asgi.adapters import GcpPubSubAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.brokers.gcp.service import Outgoing, PubSub
from socketio_asgi.brokers.gcp.source import source_of
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker
from tests.brokers.interop.services import pubsub_host

from .server import PROJECT, PubSubProcess


class UnorderedBroker(ProxiedBroker):
    """The small Pub/Sub that does what at-least-once delivery without order may do."""

    ordered = False

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> GcpPubSubAdapter:
        return GcpPubSubAdapter(
            PROJECT, key, emulator_host=f"{host}:{port}", ordered=self.ordered, **options
        )


class PubSubBroker(UnorderedBroker):
    """The small Pub/Sub, with ordering keys."""

    ordered = True

    async def inject(self, key: str, data: bytes) -> None:
        port, host = self._target
        source = source_of(PROJECT, key, credentials=None, endpoint=None, emulator=f"{host}:{port}")
        service = PubSub(source, 5)
        await service.publish([Outgoing({"nsp": "/", "uid": "stranger"}, data)], "")
        await service.close()


@pytest.fixture(scope="module")
def disorderly() -> Iterator[PubSubProcess]:
    """A Pub/Sub that doubles messages, and mixes them up."""
    with PubSubProcess(disorder=7) as process:
        yield process


class TestPubSub(AdapterConformance):
    @pytest.fixture
    def broker(self) -> PubSubBroker:
        return PubSubBroker(port_of(pubsub_host()))


class TestPubSubInDisorder(AdapterConformance):
    ordered = False

    @pytest.fixture
    def broker(self, disorderly: PubSubProcess) -> UnorderedBroker:
        return UnorderedBroker(disorderly.port)


def port_of(host: str) -> int:
    """The port of what is served on loopback."""
    return int(host.rpartition(":")[2])
