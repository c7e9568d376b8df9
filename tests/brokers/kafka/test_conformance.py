"""The suite of all drivers, over a broker that speaks the protocol of Kafka."""

from __future__ import annotations

from typing import Unpack

import aiokafka
import pytest

from socketio_asgi.adapters import KafkaAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker
from tests.brokers.interop.services import kafka_url, port_and_host

from .routes import Routes
from .support import FETCH_MILLISECONDS


class KafkaBroker(ProxiedBroker):
    """Kafka, behind a proxy for each server.

    Args:
        routes: Where clients are led to the proxies.
    """

    def __init__(self, routes: Routes) -> None:
        super().__init__(*port_and_host(kafka_url()))
        self._routes = routes

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> KafkaAdapter:
        client_id = f"{key}-{port}"
        self._routes[client_id] = port
        return KafkaAdapter(
            f"{host}:{port}",
            topic=key,
            client_id=client_id,
            ping_interval=0.5,
            ping_timeout=2.0,
            fetch_max_wait_ms=FETCH_MILLISECONDS,
            **options,
        )

    async def inject(self, key: str, data: bytes) -> None:
        port, host = self.target
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=f"{host}:{port}")
        await producer.start()
        try:
            await producer.send_and_wait(key, data, key=b"/", partition=0)
        finally:
            await producer.stop()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestKafka(AdapterConformance):
    recovers = True

    @pytest.fixture
    def broker(self, proxied: Routes) -> KafkaBroker:
        return KafkaBroker(proxied)
