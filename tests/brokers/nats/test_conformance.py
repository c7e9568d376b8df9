"""The suite of all drivers, over NATS."""

from __future__ import annotations

from typing import Unpack

import nats
import pytest

from socketio_asgi.adapters import NatsAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.adapters.nats import JetStream
from socketio_asgi.adapters.nats.subjects import Subjects
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker
from tests.brokers.interop.services import nats_url, port_and_host


class NatsBroker(ProxiedBroker):
    """NATS without JetStream."""

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> NatsAdapter:
        return NatsAdapter(f"nats://{host}:{port}", prefix=key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        client = await nats.connect(nats_url())
        await client.publish(Subjects(key).to_all("/"), data)
        await client.drain()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestNats(AdapterConformance):
    @pytest.fixture
    def broker(self) -> NatsBroker:
        return NatsBroker(*port_and_host(nats_url()))


class JetStreamBroker(NatsBroker):
    """NATS with JetStream."""

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> NatsAdapter:
        stream = JetStream(stream=key, bucket=key, storage="memory")
        return NatsAdapter(f"nats://{host}:{port}", prefix=key, jetstream=stream, **options)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestJetStream(AdapterConformance):
    recovers = True

    @pytest.fixture
    def broker(self) -> JetStreamBroker:
        return JetStreamBroker(*port_and_host(nats_url()))
