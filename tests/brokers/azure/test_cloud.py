"""The suite of all drivers, over Azure itself.

It needs the connection string of a namespace of the tier Standard, with the right to manage it:

    TEST_AZURE_SERVICE_BUS="Endpoint=sb://..." python -m pytest tests/brokers/azure/test_cloud.py

Every test makes a topic of its own, and deletes it in the end.
"""

from __future__ import annotations

import os
from typing import Unpack

import pytest

from socketio_asgi.adapters import AzureServiceBusAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.brokers.azure.service import Outgoing, ServiceBus, close_quietly
from socketio_asgi.brokers.azure.source import source_of
from socketio_asgi.testing.adapters import AdapterConformance, Broker

CONNECTION = os.environ.get("TEST_AZURE_SERVICE_BUS")

pytestmark = pytest.mark.skipif(
    CONNECTION is None, reason="needs Azure: set TEST_AZURE_SERVICE_BUS to a connection string"
)


class Azure(Broker):
    """A Service Bus of somebody's."""

    def __init__(self) -> None:
        self._topics: set[str] = set()

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        self._topics.add(key)
        return AzureServiceBusAdapter(CONNECTION, key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        service = ServiceBus(source_of(CONNECTION, key, credential=None))
        sender = service.sender()
        await service.send(sender, [Outgoing({"nsp": "/", "uid": "stranger"}, data, "")], 10)
        await close_quietly(sender)
        await service.close()

    async def close(self) -> None:
        for key in self._topics:
            service = ServiceBus(source_of(CONNECTION, key, credential=None))
            await service._administration.delete_topic(key)
            await service.close()


class TestAzure(AdapterConformance):
    @pytest.fixture
    def broker(self) -> Azure:
        return Azure()
