"""Emitters over Kafka: asynchronous, and for functions that are not."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import anyio

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.python import PythonWire
from ..adapters.kafka.adapter import DEFAULT_SERVERS, DEFAULT_TOPIC, MAX_MESSAGE
from ..adapters.kafka.records import namespace_key, new_record
from ..brokers.kafka.connection import Connection, Record
from ..brokers.kafka.options import ConnectionOptions, ConnectSettings, connection_options
from ..protocol import Parser
from ..runtime import current_runtime
from ..runtime.awaitables import Waiting
from ..runtime.current import running_on_asyncio
from .base import SENDER, Emitter
from .threaded import ThreadedTransport

ANSWER_SECONDS = 5.0
"""The time that Kafka has for connecting, and to take an event."""

PING_SECONDS = 60.0
"""The time between two questions of an emitter whether the brokers are there."""


class AsyncKafkaTransport:
    """Sends, and waits until Kafka has what was sent.

    Args:
        options: The way to the partition.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options
        self._wire = PythonWire()
        self._ids = map(f"{SENDER}-{secrets.token_hex(8)}-{{}}".format, itertools.count())
        self._connection: Connection | None = None
        self._lock: anyio.Lock | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return Waiting(self.prepare(message))

    def prepare(self, message: Message) -> Callable[[], Coroutine[Any, Any, None]]:
        """Encode a message; what is returned sends it."""
        data = self._wire.encode(message)
        if len(data) > self._options.max_message:
            raise ValueError(f"the topic takes {self._options.max_message} bytes, not {len(data)}")
        record = new_record(namespace_key(message.namespace), data, next(self._ids))
        return partial(self._send, record)

    async def _send(self, record: Record) -> None:
        connection = await self._connected()
        await connection.send([record])

    async def _connected(self) -> Connection:
        self._lock = self._lock or anyio.Lock()
        async with self._lock:
            if self._connection is not None and self._connection.lost:
                await self.close()
            if self._connection is None:
                if not running_on_asyncio():
                    raise RuntimeError("AsyncKafkaEmitter needs asyncio: aiokafka knows no trio")
                connection = Connection(self._options, current_runtime(), _nothing)
                try:
                    await connection.open(None, reads=False)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class AsyncKafkaEmitter(Emitter[Awaitable[None]]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.KafkaAdapter`, on asyncio.

    ``await emitter.emit("news", 1)`` ends when Kafka has the event. The topic has to be there: the
    servers make it.

    Args:
        servers: A broker, as ``host:port``, or several of one Kafka cluster, with commas between or
            in a list.
        topic: The option of the adapter.
        partition: The same.
        max_message: The same.
        namespace: The namespace.
        parser: The parser of the servers.
        **options: Options of aiokafka, as for the adapter.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        *,
        topic: str = DEFAULT_TOPIC,
        partition: int = 0,
        max_message: int = MAX_MESSAGE,
        namespace: str = "/",
        parser: Parser | None = None,
        **options: Unpack[ConnectSettings],
    ) -> None:
        transport = AsyncKafkaTransport(_way(servers, topic, partition, max_message, options))
        super().__init__(transport, namespace=namespace, parser=parser)


class KafkaEmitter(Emitter[None]):
    """The same as :class:`AsyncKafkaEmitter` for functions that are not asynchronous.

    It may be used in any thread. aiokafka is asynchronous alone: an event loop runs in a thread
    from the first event until :meth:`close`.

    Args:
        servers: A broker, as ``host:port``, or several of one Kafka cluster, with commas between or
            in a list.
        topic: The option of the adapter.
        partition: The same.
        max_message: The same.
        namespace: The namespace.
        parser: The parser of the servers.
        **options: Options of aiokafka, as for the adapter.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        *,
        topic: str = DEFAULT_TOPIC,
        partition: int = 0,
        max_message: int = MAX_MESSAGE,
        namespace: str = "/",
        parser: Parser | None = None,
        **options: Unpack[ConnectSettings],
    ) -> None:
        way = _way(servers, topic, partition, max_message, options)
        transport = ThreadedTransport(AsyncKafkaTransport(way))
        super().__init__(transport, namespace=namespace, parser=parser)


def _way(
    servers: object,
    topic: object,
    partition: object,
    max_message: object,
    options: Mapping[str, Any],
) -> ConnectionOptions:
    return connection_options(
        servers,
        topic,
        partition,
        options,
        max_message=max_message,
        ping_interval=PING_SECONDS,
        ping_timeout=ANSWER_SECONDS,
    )


def _nothing(_error: Exception) -> None:
    """Whoever sends next connects again."""
