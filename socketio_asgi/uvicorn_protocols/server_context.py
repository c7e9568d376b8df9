"""The state that all connections of one uvicorn server have in common."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary, ref

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from ..runtime.asyncio_runtime import AsyncioRuntime
from ..runtime.deadlines import DeadlineQueue
from .direct_context import DirectContext
from .keepalive import KeepAlive

logger: logging.Logger = logging.getLogger("uvicorn.error")

CLOSE_SECONDS = 10.0
"""The time that a client has to answer a close."""

MAX_BUFFERED = 64 * 1024
"""Bytes that a connection buffers in one turn of the event loop before they are sent at once."""

HEAD_SECONDS = 30.0
"""The time that an HTTP client has for the head of a request, from its first byte or, of the first
request, from the connection on. Half of what Node and nginx give: a slow one takes a second."""

SHUTDOWN_SECONDS = 1.0
"""The time that a client has to read what was sent before, when the server ends."""

TURN_SECONDS = 0.005
"""The time in one turn of the event loop for connections that have sent more than is read in one
go. They share it, so that other clients wait no longer, however many they are."""


class Buffering(Hashable, Protocol):
    """A connection that buffers what is written in one turn of the event loop."""

    def flush(self) -> None:
        """Send what is buffered."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class Requesting(Hashable, Protocol):
    """A connection whose client is yet to send a request."""

    def time_out(self) -> None:
        """End it: the client took too long."""
        ...


class Idle(Hashable, Protocol):
    """A connection whose client has its answer."""

    def end_idle(self) -> None:
        """End it: the client has no further request."""
        ...


class Reading(Protocol):
    """A connection that has sent more than is read in one go."""

    def read_on(self) -> None:
        """Read more of it."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class ServerContext:
    """The configuration, the deadlines, and the connections that are to be flushed.

    Args:
        config: The configuration of the server.
        state: Its connections and tasks.

    Attributes:
        config: The configuration of the server.
        state: Its connections and tasks.
        application: The application that the server serves.
        loop: The event loop.
        unsent: The connections that have something in their buffers.
        close_deadlines: Connections whose clients are yet to answer a close.
        head_deadlines: Connections whose clients are yet to send the head of a request.
        idle_deadlines: Connections whose clients have their answer, and sent no other request.
        shutdown_deadlines: Connections that are cut when the client does not read, as the server
            ends.
        keepalive: The pings of WebSocket, if the server sends any.
        direct: The requests that the application serves without ASGI.
    """

    def __init__(self, config: Config, state: ServerState) -> None:
        self.config = config
        self.state = state
        self.application: ASGIApp = cast("Any", config).loaded_app
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        runtime = AsyncioRuntime()
        self.close_deadlines: DeadlineQueue[Buffering] = DeadlineQueue(
            runtime, CLOSE_SECONDS, _abort
        )
        self.shutdown_deadlines: DeadlineQueue[Buffering] = DeadlineQueue(
            runtime, SHUTDOWN_SECONDS, _abort
        )
        self.head_deadlines: DeadlineQueue[Requesting] = DeadlineQueue(
            runtime, HEAD_SECONDS, _time_out
        )
        self.idle_deadlines: DeadlineQueue[Idle] = DeadlineQueue(
            runtime, config.timeout_keep_alive, _close_idle
        )
        self.direct: DirectContext = DirectContext(config, state)
        self.keepalive: KeepAlive | None = None
        if config.ws_ping_interval:
            self.keepalive = KeepAlive(runtime, config.ws_ping_interval, config.ws_ping_timeout)
        self.unsent: list[Buffering] = []
        self._unread: deque[Reading] = deque()
        self._turn_due = False
        on_asyncio = isinstance(self.loop, asyncio.BaseEventLoop)
        self._may_delay: bool = on_asyncio or config.fd is not None

    @classmethod
    def of(cls, config: Config, state: ServerState) -> ServerContext:
        """The context of a server; it lasts as long as there are connections."""
        context = _latest()
        if context is None or context.state is not state:  # seldom: there is more than one server
            context = _contexts.get(id(state))
            if context is None:
                context = _contexts[id(state)] = cls(config, state)
            cls._remember(context)
        return context

    @staticmethod
    def _remember(context: ServerContext) -> None:
        global _latest  # noqa: PLW0603  # looked up for every connection
        _latest = ref(context)

    # -- in ----------------------------------------------------------------------------------

    def read_later(self, connection: Reading) -> None:
        """Let a connection read on in a later turn of the event loop, behind those that wait."""
        self._unread.append(connection)
        if not self._turn_due:
            self._turn_due = True
            self.loop.call_soon(self._take_turns)

    def _take_turns(self) -> None:
        unread, end = self._unread, self.loop.time() + TURN_SECONDS
        while unread:
            self._let_read(unread.popleft())
            if self.loop.time() >= end:
                break
        self._turn_due = bool(unread)
        if unread:
            self.loop.call_soon(self._take_turns)

    def _let_read(self, connection: Reading) -> None:
        try:
            connection.read_on()
        except Exception:  # one connection must not take the turns of others with it
            logger.exception("unexpected error when a connection was read")
            connection.abort()

    # -- out ---------------------------------------------------------------------------------

    def send_without_delay(self, transport: asyncio.BaseTransport) -> None:
        """Make the kernel send at once, without waiting for the client's acknowledgement of more.

        Event loops do that for the connections that they take for TCP. asyncio does not where
        the listening socket was handed to it, as uvicorn does with several workers or
        ``--reload``; with ``--fd``, uvicorn says that it is a Unix socket, whatever it is. What is
        sent in a turn after another would then wait for up to 40 ms.
        """
        if self._may_delay:
            with contextlib.suppress(OSError):  # it really is a Unix socket
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def flush_at_end_of_turn(self, connection: Buffering) -> None:
        """Send the buffer of a connection when this turn of the event loop is over.

        A system call for each write is what costs most; those of one turn go out with one.
        """
        if not self.unsent:
            self.flush_later()
        self.unsent.append(connection)

    def flush_later(self) -> None:
        """Send all buffers when this turn of the event loop is over."""
        try:
            self.loop.call_soon(self._flush)
        except RuntimeError:
            if not self.loop.is_closed():  # otherwise the network has ended with it
                raise

    def _flush(self) -> None:
        # A new list first: what is written while this one is sent belongs to the next turn.
        unsent, self.unsent = self.unsent, []
        for connection in unsent:
            try:
                connection.flush()
            except Exception:  # one connection must not take the buffers of others with it
                logger.exception("unexpected error when a connection was written to")
                connection.abort()


_contexts: WeakValueDictionary[int, ServerContext] = WeakValueDictionary()
"""The contexts by the identity of the server's state, to which each refers."""

_latest: Callable[[], ServerContext | None] = lambda: None  # noqa: E731
"""The one that was asked for last."""


def _abort(connection: Buffering) -> None:
    connection.abort()


def _time_out(connection: Requesting) -> None:
    connection.time_out()


def _close_idle(connection: Idle) -> None:
    connection.end_idle()
