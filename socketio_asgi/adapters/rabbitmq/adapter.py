"""The adapter for RabbitMQ, as applications make it."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Sequence
from typing import Any, Unpack

from ...brokers.rabbitmq.options import connection_options
from ...checks import check_count, check_flag
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import Driver
from ..cluster.history import History
from ..cluster.names import check_prefix
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import QueueOptions, RabbitMqDriver

DEFAULT_URL = "amqp://guest:guest@localhost:5672/"

QUEUE_MESSAGES = 10_000
"""The most messages that wait in RabbitMQ for one server."""

QUEUE_BYTES = 16 * 1024 * 1024
"""The most bytes of them."""


class RabbitMqAdapter(ClusterAdapter):
    """Joins servers over RabbitMQ: ``Server(adapter=RabbitMqAdapter("amqp://localhost"))``.

    Each server has a queue. Events for rooms without members there are dropped by their routing
    key, or with ``bind_rooms=True`` do not come.

    Args:
        url: The URL of a RabbitMQ node, several of one RabbitMQ cluster in a list, or a connection
            of aio-pika of the application, which stays open.
        prefix: The name of the exchange, and what the names of queues begin with: applications that
            share a virtual host need one each.
        bind_rooms: Whether a room is bound when it gets its first member here, and no more when the
            last one has left: for few rooms that last, and many servers.
        create_exchange: Whether the exchange is made when it is absent.
        max_queued: The most messages that wait in RabbitMQ for this server; the oldest go first.
        max_queued_bytes: The most bytes of them.
        ssl: The context for ``amqps`` URLs.
        connect_timeout: How long one attempt to connect may take, in seconds.
        ping_interval: The time between two questions whether the broker is there, in seconds.
        ping_timeout: How long the broker may take for an answer before the connection is given up,
            in seconds.
        **options: Those of :class:`.ClusterOptions`.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        url: str | Sequence[str] | Any = DEFAULT_URL,
        *,
        prefix: str = "socket.io",
        bind_rooms: bool = False,
        create_exchange: bool = True,
        max_queued: int = QUEUE_MESSAGES,
        max_queued_bytes: int = QUEUE_BYTES,
        ssl: ssl_module.SSLContext | None = None,
        connect_timeout: float = 5.0,
        ping_interval: float = 5.0,
        ping_timeout: float = 5.0,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        self._connection_options = connection_options(
            url,
            ssl_context=ssl,
            connect_timeout=connect_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self._queues = QueueOptions(
            prefix=check_exchange(prefix),
            bind_rooms=check_flag("bind_rooms", bind_rooms),
            create_exchange=check_flag("create_exchange", create_exchange),
            max_queued=check_count("max_queued", max_queued, "messages"),
            max_queued_bytes=check_count("max_queued_bytes", max_queued_bytes, "bytes"),
        )
        self._history = History()

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = History(runtime=self._history.runtime)

    def _new_driver(self) -> Driver:
        return RabbitMqDriver(self._connection_options, self._queues, self._history)


def check_exchange(prefix: object) -> str:
    """Check the option ``prefix``.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be the name of an exchange.
    """
    found = check_prefix(prefix)
    if found.startswith("amq."):
        raise ValueError(f"names that begin with amq. belong to RabbitMQ itself: {found!r}")
    return found
