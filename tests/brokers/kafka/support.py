"""Servers that Kafka joins, with clients."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from socketio_asgi import Server
from socketio_asgi.adapters import KafkaAdapter
from socketio_asgi.adapters.kafka.driver import KafkaDriver
from tests.brokers import cluster

FETCH_MILLISECONDS = 10
"""How long the broker waits for records: other than Kafka, it answers no sooner when some come."""


class Cluster(cluster.Cluster):
    """Some servers in one cluster of a random name."""

    def make_adapter(self, source: Any, **options: Any) -> KafkaAdapter:
        options.setdefault("fetch_max_wait_ms", FETCH_MILLISECONDS)
        return KafkaAdapter(source, topic=options.pop("topic", self.prefix), **options)


def driver_of(server: Server) -> KafkaDriver:
    driver = cluster.core_of(server).driver
    assert isinstance(driver, KafkaDriver)
    return driver


def open_cluster(
    address: str, number: int = 2, **options: Any
) -> AbstractAsyncContextManager[Cluster]:
    """Make a cluster, and serve it for the time of the block."""
    return cluster.opened(Cluster(address, number, **options))
