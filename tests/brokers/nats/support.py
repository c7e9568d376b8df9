"""Servers that NATS joins, with clients."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from socketio_asgi.adapters import NatsAdapter
from socketio_asgi.adapters.nats import JetStream
from tests.brokers import cluster
from tests.brokers.cluster import LONG, core_of, opened, start, state_of

__all__ = ["LONG", "Cluster", "core_of", "open_cluster", "opened", "start", "state_of"]


class Cluster(cluster.Cluster):
    """Some servers in one cluster of a random name.

    Args:
        url: Where NATS is.
        number: How many servers.
        jetstream: Whether JetStream is used, or how.
        stream: Options of JetStream.
        options: As of the class above it.
    """

    def __init__(
        self,
        url: str,
        number: int = 2,
        *,
        jetstream: bool = False,
        stream: Any = None,
        **options: Any,
    ) -> None:
        self.jetstream = jetstream
        self.stream: dict[str, Any] = stream or {}
        super().__init__(url, number, **options)

    def make_adapter(self, source: Any, **options: Any) -> NatsAdapter:
        name = options.pop("stream_name", self.prefix)
        stream = JetStream(**{"stream": name, "bucket": name, "storage": "memory", **self.stream})
        jetstream = stream if self.jetstream else False
        return NatsAdapter(source, prefix=self.prefix, jetstream=jetstream, **options)


def open_cluster(url: str, number: int = 2, **options: Any) -> AbstractAsyncContextManager[Cluster]:
    """Make a cluster, and serve it for the time of the block."""
    return opened(Cluster(url, number, **options))
