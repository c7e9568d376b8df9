"""What all connections of one uvicorn server share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakValueDictionary

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from ..runtime.asyncio_runtime import AsyncioRuntime
from ..runtime.deadlines import DeadlineQueue

if TYPE_CHECKING:
    from .open_websocket import OpenWebSocket

logger: logging.Logger = logging.getLogger("uvicorn.error")

CLOSE_SECONDS = 10.0
"""How long a client may take to answer a close."""

MAX_BUFFERED = 64 * 1024
"""Bytes that a connection gathers in one turn of the event loop before they are sent at once."""

SHUTDOWN_SECONDS = 1.0
"""How long a client may take to read what was sent before, when the server ends."""


class Unsent(Protocol):
    """A connection that has something to send."""

    def flush(self) -> None:
        """Send it."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class ServerContext:
    """The configuration, the timers and the connections that have something to send.

    Args:
        config: The configuration of the server.
        state: Its connections and tasks.

    Attributes:
        config: The same.
        state: The same.
        application: The application that the server serves.
        loop: The event loop.
        unsent: What holds something to send.
        closing: Connections whose clients are yet to answer a close.
        ending: Connections that are cut when the client does not read, as the server ends.
        keepalive: The pings of WebSocket, if they are wanted.
    """

    def __init__(self, config: Config, state: ServerState) -> None:
        self.config = config
        self.state = state
        self.application: ASGIApp = cast("Any", config).loaded_app
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        runtime = AsyncioRuntime()
        self.closing: DeadlineQueue[OpenWebSocket] = DeadlineQueue(runtime, CLOSE_SECONDS, _abort)
        self.ending: DeadlineQueue[OpenWebSocket] = DeadlineQueue(runtime, SHUTDOWN_SECONDS, _abort)
        self.keepalive: KeepAlive | None = None
        if config.ws_ping_interval:
            self.keepalive = KeepAlive(runtime, config.ws_ping_interval, config.ws_ping_timeout)
        self.unsent: list[Unsent] = []
        on_asyncio = isinstance(self.loop, asyncio.BaseEventLoop)
        self._may_delay: bool = on_asyncio or config.fd is not None

    @classmethod
    def of(cls, config: Config, state: ServerState) -> ServerContext:
        """The one of a server; it lasts as long as there are connections."""
        shared = _servers.get(id(state))
        if shared is None:
            shared = _servers[id(state)] = cls(config, state)
        return shared

    def send_without_delay(self, transport: asyncio.BaseTransport) -> None:
        """Let the kernel not wait for an acknowledgement of the client before it sends more.

        Event loops say that of the connections that they take for TCP. asyncio does not where
        the listening socket was handed to it, as uvicorn does with several workers or
        ``--reload``; with ``--fd``, uvicorn says that it is a Unix socket, whatever it is. What is
        sent in a turn after another would then wait for up to 40 ms.
        """
        if self._may_delay:
            with contextlib.suppress(OSError):  # it really is a Unix socket
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def flush_at_end_of_turn(self, unsent: Unsent) -> None:
        """Send what something holds when this turn of the event loop is over.

        A system call for each write is what costs most; those of one turn go out with one.
        """
        if not self.unsent:
            self.flush_later()
        self.unsent.append(unsent)

    def flush_later(self) -> None:
        """Send everything that is held when this turn of the event loop is over."""
        self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        everything, self.unsent = self.unsent, []
        for unsent in everything:
            try:
                unsent.flush()
            except Exception:  # one connection must not take what the others hold with it
                logger.exception("unexpected error when a connection was written to")
                unsent.abort()


_servers: WeakValueDictionary[int, ServerContext] = WeakValueDictionary()
"""By the identity of their states, to which they refer."""


class KeepAlive:
    """Pings clients, and gives up those that do not answer.

    Args:
        runtime: The event loop.
        interval: The time between a sign of life and the next ping, in seconds.
        timeout: How long a client may take to answer, in seconds; None is any time.
    """

    def __init__(self, runtime: AsyncioRuntime, interval: float, timeout: float | None) -> None:
        self._pings: DeadlineQueue[OpenWebSocket] = DeadlineQueue(runtime, interval, self._ping)
        self._pongs: DeadlineQueue[OpenWebSocket] | None = None
        if timeout is not None:
            self._pongs = DeadlineQueue(runtime, timeout, _give_up)

    def add(self, connection: OpenWebSocket) -> None:
        """Begin to ping a client, or note that it answered."""
        self._pings.add(connection)
        if self._pongs is not None:
            self._pongs.discard(connection)

    def discard(self, connection: OpenWebSocket) -> None:
        """Ping a client no more."""
        self._pings.discard(connection)
        if self._pongs is not None:
            self._pongs.discard(connection)

    def _ping(self, connection: OpenWebSocket) -> None:
        connection.ping()
        (self._pings if self._pongs is None else self._pongs).add(connection)


def _give_up(connection: OpenWebSocket) -> None:
    connection.fail_keepalive()


def _abort(connection: OpenWebSocket) -> None:
    connection.abort()
