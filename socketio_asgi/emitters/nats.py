"""Emitters over NATS: asynchronous, and for functions that are not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import anyio

from ..adapters.cluster.message import Message
from ..adapters.cluster.names import check_prefix
from ..adapters.cluster.wires.python import PythonWire
from ..adapters.nats.jetstream import is_logged
from ..adapters.nats.subjects import Subjects
from ..brokers.nats.client import Client, connect
from ..brokers.nats.options import ConnectionOptions, ConnectSettings, connection_options
from ..checks import check_flag
from ..protocol import Parser
from ..runtime.awaitables import Waiting
from .base import Emitter
from .threaded import ThreadedTransport

ANSWER_SECONDS = 5.0
"""The time that a NATS server has for connecting, and for an answer."""

DEFAULT_URL = "nats://localhost:4222"


class AsyncNatsTransport:
    """Publishes, and waits until NATS has what was sent.

    Args:
        options: The way to NATS.
        prefix: What all subjects begin with.
        jetstream: Whether events go into the stream of the cluster.
    """

    def __init__(self, options: ConnectionOptions, prefix: str, *, jetstream: bool) -> None:
        self._options = options
        self._subjects = Subjects(check_prefix(prefix))
        self._jetstream = check_flag("jetstream", jetstream)
        self._wire = PythonWire()
        self._client: Client | None = options.client
        self._lock: anyio.Lock | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return Waiting(self.prepare(message))

    def prepare(self, message: Message) -> Callable[[], Coroutine[Any, Any, None]]:
        """Encode a message; what is returned sends it."""
        logged = self._jetstream and is_logged(message)
        subject = self._subjects.for_message(message, logged=logged)
        return partial(self._publish, subject, self._wire.encode(message), logged=logged)

    async def _publish(self, subject: str, data: bytes, *, logged: bool) -> None:
        client = await self._connected()
        if logged:
            await client.jetstream().publish(subject, data, timeout=ANSWER_SECONDS)
        else:
            await client.publish(subject, data)
            await client.rtt(ANSWER_SECONDS)

    async def _connected(self) -> Client:
        if self._options.client is not None:
            return self._options.client
        self._lock = self._lock or anyio.Lock()
        async with self._lock:
            if self._client is None or not self._client.is_connected:
                await self.close()
                await connect(
                    list(self._options.servers),
                    self._options.connect,
                    connect_timeout=self._options.connect_timeout,
                    on_closed=_nothing,
                    on_error=_nothing,
                    hold=self._hold,
                )
            assert self._client is not None  # noqa: S101  # it was held, or an error was raised
            return self._client

    def _hold(self, client: Client) -> None:
        self._client = client

    async def close(self) -> None:
        """End the connection, if it was made here."""
        if self._options.client is None and self._client is not None:
            client, self._client = self._client, None
            await client.close()


class AsyncNatsEmitter(Emitter[Awaitable[None]]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.NatsAdapter`, on asyncio.

    ``await emitter.emit("news", 1)`` ends when NATS has the event.

    Args:
        servers: The URL of a NATS server, several of one NATS cluster in a list or with commas
            between, or the connected client of nats-py of the application, which stays open.
        jetstream: Whether the servers of the cluster have the option of that name.
        prefix: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.
        **options: Options of ``nats.connect()``, as for the adapter.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] | Any = DEFAULT_URL,
        *,
        jetstream: bool = False,
        prefix: str = "socket.io",
        namespace: str = "/",
        parser: Parser | None = None,
        **options: Unpack[ConnectSettings],
    ) -> None:
        transport = AsyncNatsTransport(_way(servers, options), prefix, jetstream=jetstream)
        super().__init__(transport, namespace=namespace, parser=parser)


class NatsEmitter(Emitter[None]):
    """The same as :class:`AsyncNatsEmitter` for functions that are not asynchronous, in any thread.

    nats-py is asynchronous alone: an event loop runs in a thread from the first event until
    :meth:`close`.

    Args:
        servers: The URL of a NATS server, or several of one NATS cluster in a list or with commas
            between.
        jetstream: Whether the servers of the cluster have the option of that name.
        prefix: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.
        **options: Options of ``nats.connect()``, as for the adapter.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_URL,
        *,
        jetstream: bool = False,
        prefix: str = "socket.io",
        namespace: str = "/",
        parser: Parser | None = None,
        **options: Unpack[ConnectSettings],
    ) -> None:
        way = _way(servers, options)
        if way.client is not None:
            raise TypeError("a client belongs to its own event loop: give NatsEmitter the URL")
        transport = ThreadedTransport(AsyncNatsTransport(way, prefix, jetstream=jetstream))
        super().__init__(transport, namespace=namespace, parser=parser)


def _way(servers: object, options: Mapping[str, Any]) -> ConnectionOptions:
    return connection_options(
        servers,
        options,
        connect_timeout=ANSWER_SECONDS,
        ping_interval=ANSWER_SECONDS,
        ping_timeout=ANSWER_SECONDS,
    )


def _nothing(*_: object) -> None:
    """Whoever sends next connects again."""
