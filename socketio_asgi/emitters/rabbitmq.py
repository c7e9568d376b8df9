"""Emitters over RabbitMQ: asynchronous, and for functions that are not."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import anyio

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.python import PythonWire
from ..adapters.rabbitmq import keys
from ..adapters.rabbitmq.adapter import DEFAULT_URL, check_exchange
from ..brokers.guarded import guarded
from ..brokers.rabbitmq.connection import Connection
from ..brokers.rabbitmq.options import ConnectionOptions, connection_options
from ..protocol import Parser
from ..runtime import current_runtime
from ..runtime.awaitables import Waiting
from ..runtime.current import running_on_asyncio
from .base import SENDER, Emitter
from .threaded import ThreadedTransport

ANSWER_SECONDS = 5.0
"""The time that RabbitMQ has for connecting, and to confirm an event."""

PING_SECONDS = 60.0
"""The time between two questions of an emitter whether the broker is there."""


class AsyncRabbitMqTransport:
    """Publishes, and waits until RabbitMQ has confirmed what was sent.

    Args:
        options: The way to RabbitMQ.
        prefix: The name of the exchange.
    """

    def __init__(self, options: ConnectionOptions, prefix: str) -> None:
        self._options = options
        self._exchange = check_exchange(prefix)
        self._wire = PythonWire()
        self._connection: Connection | None = None
        self._lock: anyio.Lock | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return Waiting(self.prepare(message))

    def prepare(self, message: Message) -> Callable[[], Coroutine[Any, Any, None]]:
        """Encode a message; what is returned sends it."""
        kind = str(int(message.type))
        return partial(self._publish, keys.for_message(message), self._wire.encode(message), kind)

    async def _publish(self, key: str, data: bytes, kind: str) -> None:
        connection = await self._connected()
        from pamqp.commands import Basic

        properties = Basic.Properties(delivery_mode=1, app_id=SENDER, message_type=kind)
        publish = connection.publishing.basic_publish(
            data,
            exchange=self._exchange,
            routing_key=key,
            properties=properties,
            timeout=ANSWER_SECONDS,
        )
        await guarded(publish)

    async def _connected(self) -> Connection:
        self._lock = self._lock or anyio.Lock()
        async with self._lock:
            if self._connection is not None and self._connection.lost:
                await self.close()
            if self._connection is None:
                if not running_on_asyncio():
                    raise RuntimeError("AsyncRabbitMqEmitter needs asyncio: aio-pika knows no trio")
                connection = Connection(self._options, current_runtime(), _nothing)
                try:
                    await connection.open()
                    # Where no server has begun yet, the exchange is absent.
                    declare = connection.channel.exchange_declare(
                        self._exchange, exchange_type="topic", durable=True
                    )
                    await connection.within(declare)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def close(self) -> None:
        """End the connection; of one of the application, the channels alone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class AsyncRabbitMqEmitter(Emitter[Awaitable[None]]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.RabbitMqAdapter`, on asyncio.

    ``await emitter.emit("news", 1)`` ends when RabbitMQ has confirmed the event.

    Args:
        url: The URL of a RabbitMQ node, several of one RabbitMQ cluster in a list, or a connection
            of aio-pika of the application, which stays open.
        prefix: The option of the adapter.
        ssl: The same.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        url: str | Sequence[str] | Any = DEFAULT_URL,
        *,
        prefix: str = "socket.io",
        ssl: ssl_module.SSLContext | None = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        transport = AsyncRabbitMqTransport(_way(url, ssl), prefix)
        super().__init__(transport, namespace=namespace, parser=parser)


class RabbitMqEmitter(Emitter[None]):
    """The same as :class:`AsyncRabbitMqEmitter` for functions that are not asynchronous.

    It may be used in any thread. aio-pika is asynchronous alone: an event loop runs in a thread
    from the first event until :meth:`close`.

    Args:
        url: The URL of a RabbitMQ node, or several of one RabbitMQ cluster in a list.
        prefix: The option of the adapter.
        ssl: The same.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        url: str | Sequence[str] = DEFAULT_URL,
        *,
        prefix: str = "socket.io",
        ssl: ssl_module.SSLContext | None = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        way = _way(url, ssl)
        if way.connection is not None:
            raise TypeError("a connection belongs to its event loop: give RabbitMqEmitter the URL")
        transport = ThreadedTransport(AsyncRabbitMqTransport(way, prefix))
        super().__init__(transport, namespace=namespace, parser=parser)


def _nothing(_error: Exception) -> None:
    """Whoever sends next connects again."""


def _way(url: object, ssl: object) -> ConnectionOptions:
    return connection_options(
        url,
        ssl_context=ssl,
        connect_timeout=ANSWER_SECONDS,
        ping_interval=PING_SECONDS,
        ping_timeout=ANSWER_SECONDS,
    )
