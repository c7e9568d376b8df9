"""Connections that go to the worker which has the session of their next request.

Between two requests, nothing in this process belongs to a connection but the connection itself. So
when the first bytes of a request name a session of another worker, it goes there with these bytes,
see :mod:`socketio_asgi.extensions.handover`. The owner serves it, and the requests that follow,
as if it had accepted it.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Hashable
from typing import Any

from ..extensions.handover import Exchange, exchange_of
from .http_reading import BoundedReading
from .server_context import ServerContext, logger

_SESSION = re.compile(rb"[A-Z]+ [^ \r\n]*[?&]sid=([\w.~-]{1,256})[& ]")
"""The session that a request names; of several, the last."""


class HandingOver(BoundedReading):
    """Handing connections over, for an HTTP class of uvicorn, before which it stands.

    Attributes:
        taken: The bytes that another worker has read, for which it has found this one.
    """

    conn: Any  # of uvicorn's class for h11
    app_state: dict[str, Any]

    taken: bytes = b""
    _exchange: Exchange | None = None

    # -- called by the event loop --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected, or another worker has handed its connection over."""
        super().connection_made(transport)
        exchange = exchange_of(self._context.loop)
        if exchange is not None:
            if transport.get_extra_info("ssl_object") is None:
                self._register(exchange)
            else:
                exchange = None  # the state of TLS is in this process, and cannot be given away
        if self.taken:
            # Before the event loop reads more.
            taken, self.taken = self.taken, b""
            self.data_received(taken)
        self._exchange, self._may_leave = exchange, exchange is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._exchange = None
        super().connection_lost(exc)

    def _register(self, exchange: Exchange) -> None:
        """Take connections of other workers, once for each address."""
        name: Any = self._network.get_extra_info("sockname")
        if name is None:
            return
        # The path of a Unix socket, or a port.
        address: Hashable = name if isinstance(name, (str, bytes)) else name[1]
        if not exchange.knows(address):
            exchange.register(address, _Acceptor(type(self), self._context, self.app_state))

    # -- to another worker ---------------------------------------------------------------------

    def _leaves(self, piece: bytes) -> bool:
        exchange = self._exchange
        if exchange is None or b"sid=" not in piece or not self._between_requests:
            return False
        found = _SESSION.match(piece)
        return found is not None and self._hand_over(exchange, found[1].decode(), piece)

    @property
    def _between_requests(self) -> bool:
        """True when the last request has its response, and nothing of the next one was parsed."""
        cycle = self.cycle
        if self._in_head or (
            cycle is not None and (cycle.more_body or not cycle.response_complete)
        ):
            return False
        if self._counts_head:
            return True
        import h11

        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    def _hand_over(self, exchange: Exchange, sid: str, piece: bytes) -> bool:
        recipient = exchange.find(sid)
        if recipient is None:
            return False
        self._buffering.flush()
        network = self._network
        if network.is_closing() or network.get_write_buffer_size():
            return False  # the client is still to read the last response
        sock = network.get_extra_info("socket")
        try:
            connection = socket.socket(fileno=os.dup(sock.fileno()))
        except OSError:  # no descriptor is left
            return False
        if not recipient.hand_over(connection, b"".join((piece, *self._pieces))):
            connection.close()
            return False
        self._pieces.clear()
        # It closes the descriptor of this process alone: the other one keeps the connection open.
        network.abort()
        return True


class _Acceptor:
    """Serves connections that another worker has accepted; see :class:`.Exchange`."""

    def __init__(
        self, protocol: type[HandingOver], context: ServerContext, app_state: dict[str, Any]
    ) -> None:
        self._protocol = protocol
        self._context = context
        self._app_state = app_state

    def __call__(self, connection: socket.socket, data: bytes) -> None:
        context = self._context
        task = context.loop.create_task(self._serve(connection, data))
        context.state.tasks.add(task)
        task.add_done_callback(context.state.tasks.discard)

    async def _serve(self, connection: socket.socket, data: bytes) -> None:
        context = self._context

        def make() -> HandingOver:
            protocol = self._protocol(context.config, context.state, self._app_state)
            protocol.taken = data
            return protocol

        try:
            await context.loop.connect_accepted_socket(make, connection)
        except OSError as error:
            logger.debug("a connection of another worker is gone: %r", error)
            connection.close()
