"""The parts of aio-pika that are used, and how a connection of it is made.

aio-pika is built on aiormq, whose channels are used here: the objects of aio-pika around them cost
more than the messages. The package is imported when a connection is opened, and not before. Its
types are told to type checkers by the protocols of this module.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ...exceptions import NotRetryable

HEARTBEAT_SECONDS = 10
"""The time of heartbeats that is proposed to the broker: two of them later it knows of a server
that stands still, and its queue goes."""

REFUSED = ("ACCESS_REFUSED", "NOT_ALLOWED")
"""What RabbitMQ calls credentials that are wrong, and virtual hosts that are absent or not open to
the user."""


class Closing(Protocol):
    """A future that is done when something has ended."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object:
        """Call back then."""
        ...

    def cancelled(self) -> bool:
        """True if it was given up."""
        ...

    def exception(self) -> BaseException | None:
        """The error that has ended it."""
        ...


class Received(Protocol):
    """A message that came (``aiormq.abc.DeliveredMessage``)."""

    delivery: Any
    header: Any
    body: bytes


class Channel(Protocol):
    """A channel of aiormq."""

    on_consumer_cancel_callbacks: set[Callable[[Any], object]]

    @property
    def closing(self) -> Closing:
        """Done when the channel has ended."""
        ...

    async def basic_publish(self, body: bytes, **options: Any) -> Any:
        """Publish a message, and wait until the broker has confirmed it."""
        ...

    async def basic_consume(
        self, queue: str, consumer_callback: Callable[[Any], Any], *, no_ack: bool
    ) -> Any:
        """Begin to read a queue."""
        ...

    async def basic_qos(self, *, prefetch_count: int, timeout: float) -> Any:
        """Limit the messages that wait for an acknowledgement; used as a question alone."""
        ...

    async def exchange_declare(self, exchange: str, **options: Any) -> Any:
        """Find or make an exchange."""
        ...

    async def queue_declare(self, queue: str, **options: Any) -> Any:
        """Find or make a queue."""
        ...

    async def queue_bind(
        self, queue: str, exchange: str, routing_key: str, nowait: bool = False
    ) -> Any:
        """Let messages with a routing key come to a queue."""
        ...

    async def queue_unbind(self, queue: str, exchange: str, routing_key: str) -> Any:
        """Let them come no more."""
        ...

    async def close(self) -> Any:
        """End it."""
        ...


class Link(Protocol):
    """A connection of aiormq."""

    @property
    def closing(self) -> Closing:
        """Done when the connection has ended."""
        ...

    @property
    def is_opened(self) -> bool:
        """True while it can be used."""
        ...

    async def connect(self) -> Any:
        """Connect."""
        ...

    async def channel(self, *, publisher_confirms: bool) -> Channel:
        """Open a channel."""
        ...

    async def close(self) -> Any:
        """End it."""
        ...


class ApplicationConnection(Protocol):
    """A connection of aio-pika, as ``aio_pika.connect()`` and ``connect_robust()`` make it.

    Source: https://docs.aio-pika.com/apidoc.html
    """

    transport: Any

    @property
    def is_closed(self) -> bool:
        """True when it will never be open again."""
        ...

    @property
    def close_called(self) -> bool:
        """True when the application has ended it."""
        ...

    def channel(self) -> Any:
        """Make a channel."""
        ...


class Socket:
    """Opens the TCP connection of a link, and keeps it, to end it without a word.

    In order it would end only when the broker has read everything.
    """

    def __init__(self) -> None:
        self._writer: Any = None

    async def create(self, url: Any, **options: Any) -> tuple[Any, Any]:
        """Open it; a ``TransportFactory`` of aiormq."""
        from aiormq.connection import TCPTransportFactory, TLSTransportFactory

        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, self._writer = await factory.create(url, **options)
        return reader, self._writer

    def abort(self) -> None:
        """End it at once."""
        if self._writer is not None:
            self._writer.transport.abort()


def new_link(url: str, context: ssl.SSLContext | None) -> tuple[Link, Socket]:
    """Make a link that is not connected yet.

    Raises:
        NotRetryable: The package is missing.
    """
    try:
        import aiormq
    except ImportError as error:
        raise NotRetryable(
            'RabbitMQ needs the package aio-pika: pip install "socketio-asgi[rabbitmq]"'
        ) from error
    socket = Socket()
    make: Any = aiormq.Connection
    return make(_with_heartbeat(url), context=context, transport_factory=socket), socket


def _with_heartbeat(url: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query = {"heartbeat": str(HEARTBEAT_SECONDS), "name": "socketio-asgi", **query}
    return urlunsplit(parts._replace(query=urlencode(query)))


def explained(error: Exception) -> Exception:
    """The error that tells what to do about a failed attempt to connect."""
    detail = described(error)
    if isinstance(error, NotRetryable) or type(error) is ConnectionError:  # it tells that already
        return error
    if any(word in detail for word in REFUSED):
        return NotRetryable(f"RabbitMQ refuses user, password or virtual host: {detail}")
    if "Connection.OpenOk" in detail:  # aiormq does not tell what RabbitMQ has said instead
        return ConnectionError("RabbitMQ does not open the virtual host: it is absent or not open")
    if isinstance(error, FileNotFoundError | ssl.SSLCertVerificationError):
        return NotRetryable(f"the options of the RabbitMQ connection are wrong: {detail}")
    return ConnectionError(f"RabbitMQ cannot be reached: {detail}")


def described(error: BaseException) -> str:
    """The text of an error."""
    return str(error) or type(error).__name__
