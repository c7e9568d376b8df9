"""The small Service Bus, as the suite of all drivers sees it."""

from __future__ import annotations

from typing import Unpack

from socketio_asgi.adapters import AzureServiceBusAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.brokers.azure.service import Outgoing, ServiceBus, close_quietly
from socketio_asgi.brokers.azure.source import source_of
from socketio_asgi.testing.adapters import ProxiedBroker

from .server import ServiceBusProcess, connection_string


class UnorderedBroker(ProxiedBroker):
    """The small Service Bus that does what at-least-once delivery may do.

    The proxies are before its messages, and not before its administration.
    """

    def __init__(self, bus: ServiceBusProcess) -> None:
        super().__init__(bus.port)
        self.bus = bus

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> AzureServiceBusAdapter:
        return AzureServiceBusAdapter(
            connection_string(port), key, administration=self.bus.administration, **options
        )


class ServiceBusBroker(UnorderedBroker):
    """The small Service Bus, in order."""

    async def inject(self, key: str, data: bytes) -> None:
        service = topic_service(self.bus, key)
        sender = service.sender()
        await service.send(sender, [Outgoing({"nsp": "/", "uid": "stranger"}, data, "")], 5)
        await close_quietly(sender)
        await service.close()


def topic_service(bus: ServiceBusProcess, topic: str) -> ServiceBus:
    """The topic, as somebody beside the servers has it."""
    return ServiceBus(
        source_of(bus.connection, topic, credential=None, administration=bus.administration)
    )
