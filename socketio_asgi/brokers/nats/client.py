"""The parts of nats-py that are used, and how a client of it is made.

The package is imported when a connection is opened, and not before. Its types are told to type
checkers by the protocols of this module.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from ...exceptions import NotRetryable

MAX_PENDING_BYTES = 16 * 1024 * 1024
"""The most bytes that wait for a server which does not read."""

MAX_WRITES = 65_536
"""The subscriptions and kicks of one turn of the event loop that nats-py notes without waiting."""

DEFAULT_PENDING_BYTES = 2 * 1024 * 1024
"""The same limit of a client that was made without one."""


class NatsMessage(Protocol):
    """A message that came."""

    subject: str
    reply: str
    data: bytes
    headers: Mapping[str, str] | None


class Subscription(Protocol):
    """A subscription of nats-py."""

    async def unsubscribe(self, limit: int = 0) -> None:
        """End it."""
        ...


class Client(Protocol):
    """A client of nats-py.

    Source: https://nats-io.github.io/nats.py/modules.html
    """

    options: dict[str, Any]
    stats: dict[str, int]

    @property
    def is_connected(self) -> bool:
        """True while it has a server."""
        ...

    @property
    def is_closed(self) -> bool:
        """True when it will never have one again."""
        ...

    @property
    def last_error(self) -> Exception | None:
        """The last error that the server or the network has caused."""
        ...

    @property
    def max_payload(self) -> int:
        """The largest message that the server takes, in bytes."""
        ...

    @property
    def pending_data_size(self) -> int:
        """The bytes that wait to be written."""
        ...

    def new_inbox(self) -> str:
        """Make a subject that nobody else has."""
        ...

    def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: dict[str, str] | None = None,
    ) -> Coroutine[Any, Any, None]:
        """Publish a message; waits only when too much is to be written."""
        ...

    def subscribe(self, subject: str, *, future: Any) -> Coroutine[Any, Any, Subscription]:
        """Subscribe to a subject."""
        ...

    def jetstream(self, **options: Any) -> Any:
        """Make a JetStream context."""
        ...

    async def rtt(self, timeout: float) -> float:
        """Wait for the answer to a PING; ``flush`` does not when the reader has died."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


async def connect(
    servers: list[str],
    options: Mapping[str, Any],
    *,
    connect_timeout: float,
    on_closed: Callable[[], object],
    on_error: Callable[[Exception], object],
    hold: Callable[[Client], object],
) -> None:
    """Connect to one of some servers; to which one is left to chance.

    nats-py does not reconnect by itself: who owns the connection makes another one.

    Args:
        servers: Their URLs.
        options: More options of nats-py, such as ``user`` and ``tls``.
        connect_timeout: How long one attempt may take, in seconds.
        on_closed: Called when the connection has ended.
        on_error: Called for every error that nats-py meets.
        hold: Called with the client before the first attempt: it has to be closed in any case.

    Raises:
        NotRetryable: It makes no sense to try again.
        ConnectionError: No server can be reached.
    """
    client = _client_class()()
    errors: list[Exception] = []

    async def closed() -> None:
        on_closed()

    async def failed(error: Exception) -> None:
        errors[:] = [error]
        on_error(error)

    hold(client)
    try:
        await client.connect(
            **{"name": "socketio-asgi", **options},
            servers=servers,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=connect_timeout,
            no_echo=True,
            pending_size=2 * MAX_PENDING_BYTES,  # what waits is limited before
            flusher_queue_size=MAX_WRITES,
            closed_cb=closed,
            error_cb=failed,
        )
    except Exception as error:
        raise _explained(error, errors[-1] if errors else error) from error


def _client_class() -> Callable[[], Any]:
    try:
        from nats.aio.client import Client as NatsClient
    except ImportError as error:
        raise NotRetryable(
            'NATS needs the package nats-py: pip install "socketio-asgi[nats]"'
        ) from error
    return NatsClient


def _explained(error: Exception, cause: Exception) -> Exception:
    """The error that tells what to do about a failed attempt."""
    if isinstance(error, ImportError):
        return NotRetryable(f"an option of the NATS connection needs another package: {error}")
    if isinstance(error, FileNotFoundError | ssl.SSLCertVerificationError | ValueError):
        return NotRetryable(f"the options of the NATS connection are wrong: {error}")
    text = str(error).lower()
    if "authorization" in text or "authentication" in text:
        return NotRetryable(f"the NATS server refuses the credentials: {error}")
    detail = str(cause) or type(cause).__name__
    return ConnectionError(f"no NATS server can be reached: {detail}")


def pending_limit(client: Client) -> int:
    """The bytes that may wait in a client of the application, as it was made."""
    limit: int = getattr(client, "_max_pending_size", DEFAULT_PENDING_BYTES)
    return limit


def waiting_bytes(client: Client) -> int:
    """The bytes that the server has not taken yet.

    Those that nats-py has handed to the event loop are counted in: some releases of Python do not
    tell it that the network takes no more.
    """
    transport = _tcp_transport(client)
    return client.pending_data_size + (0 if transport is None else _buffered(transport))


def abort(client: Client) -> None:
    """End the TCP connection of a client at once, where closing waits for the other side."""
    transport = _tcp_transport(client)
    if transport is not None:
        transport.abort()


def _buffered(transport: Any) -> int:
    size: int = transport.get_write_buffer_size()
    return size


def _tcp_transport(client: Client) -> Any:
    """The transport of the event loop; None where a client has none, such as with WebSocket."""
    writer: Any = getattr(getattr(client, "_transport", None), "_io_writer", None)
    return None if writer is None else writer.transport
