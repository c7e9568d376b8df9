"""The suite of all drivers, over Google Cloud itself.

It needs a project, and credentials that google-auth finds in the environment:

    TEST_GCP_PROJECT=my-project python -m pytest tests/brokers/gcp/test_cloud.py

The service account needs the role ``roles/pubsub.editor``. Every test makes a topic of its own, and
deletes it in the end.
"""

from __future__ import annotations

import os
from typing import Unpack

import pytest

from socketio_asgi.adapters import GcpPubSubAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.brokers.gcp.service import Outgoing, PubSub
from socketio_asgi.brokers.gcp.source import PubSubSource, source_of
from socketio_asgi.testing.adapters import AdapterConformance, Broker

PROJECT = os.environ.get("TEST_GCP_PROJECT")

pytestmark = pytest.mark.skipif(
    PROJECT is None, reason="needs Google Cloud: set TEST_GCP_PROJECT, and give credentials"
)


class GoogleCloud(Broker):
    """Pub/Sub in a project of somebody's."""

    def __init__(self) -> None:
        self._topics: set[str] = set()

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        self._topics.add(key)
        return GcpPubSubAdapter(PROJECT, key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        service = PubSub(_source(key), 10)
        await service.publish([Outgoing({"nsp": "/", "uid": "stranger"}, data)], "")
        await service.close()

    async def close(self) -> None:
        for key in self._topics:
            service = PubSub(_source(key), 10)
            path = service._source.topic_path
            await service._publisher.delete_topic(request={"topic": path}, timeout=10)
            await service.close()


def _source(topic: str) -> PubSubSource:
    return source_of(PROJECT, topic, credentials=None, endpoint=None, emulator=None)


class TestGoogleCloud(AdapterConformance):
    @pytest.fixture
    def broker(self) -> GoogleCloud:
        return GoogleCloud()
