"""The small Pub/Sub, as the suite of all drivers sees it."""

from __future__ import annotations

from typing import Unpack

from socketio_asgi.adapters import GcpPubSubAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.brokers.gcp.service import Outgoing, PubSub
from socketio_asgi.brokers.gcp.source import source_of
from socketio_asgi.testing.adapters import ProxiedBroker

from .server import PROJECT


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
        port, host = self.target
        source = source_of(PROJECT, key, credentials=None, endpoint=None, emulator=f"{host}:{port}")
        service = PubSub(source, 5)
        await service.publish([Outgoing({"nsp": "/", "uid": "stranger"}, data)], "")
        await service.close()


def topic_service(host: str, topic: str) -> PubSub:
    """The topic, as somebody beside the servers has it."""
    source = source_of(PROJECT, topic, credentials=None, endpoint=None, emulator=host)
    return PubSub(source, 5)


def port_of(host: str) -> int:
    """The port of what is served on loopback."""
    return int(host.rpartition(":")[2])
