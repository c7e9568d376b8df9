"""Servers that RabbitMQ joins, with clients."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from socketio_asgi import Server
from socketio_asgi.adapters import RabbitMqAdapter
from socketio_asgi.adapters.rabbitmq.driver import RabbitMqDriver
from tests.brokers import cluster


class Cluster(cluster.Cluster):
    """Some servers in one cluster of a random name."""

    def make_adapter(self, source: Any, **options: Any) -> RabbitMqAdapter:
        return RabbitMqAdapter(source, prefix=self.prefix, **options)


def driver_of(server: Server) -> RabbitMqDriver:
    driver = cluster.core_of(server).driver
    assert isinstance(driver, RabbitMqDriver)
    return driver


def open_cluster(url: str, number: int = 2, **options: Any) -> AbstractAsyncContextManager[Cluster]:
    """Make a cluster, and serve it for the time of the block."""
    return cluster.opened(Cluster(url, number, **options))
