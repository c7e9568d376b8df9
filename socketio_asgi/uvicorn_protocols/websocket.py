"""A connection that is to become a WebSocket; uvicorn makes one for each upgrade request.

data_received   the request, which uvicorn hands over in one piece
accept          the application wants it: an OpenWebSocket takes the network over
refuse          it does not, or cannot: an HTTP response, and the end
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.server import ServerState

from ..websocket.headers import Header
from ..websocket.opening_request import BadHandshake, UpgradeRequest, parse_request
from ..websocket.opening_response import accept_response, response_head, text_response
from .asgi_connection import ASGIConnection
from .http_writing import BufferingTransport
from .open_websocket import OpenWebSocket
from .scopes import HTTPConnection, websocket_scope
from .server_context import ServerContext, logger

MAX_EARLY = 64 * 1024
"""Bytes that a client may send before its WebSocket is accepted; then it is not read."""


class WebSocketProtocol(asyncio.Protocol):
    """The protocol class for uvicorn's option ``ws``.

    Args:
        config: The configuration of the server.
        server_state: Its connections and tasks.
        app_state: The state that the application's lifespan has set.

    Attributes:
        paused: Whether the client does not read.

    Example:
        ```console
        $ uvicorn main:app --ws socketio_asgi.integrations.uvicorn:WebSocketProtocol
        ```
    """

    __slots__ = (
        "_answered",
        "_app_state",
        "_asgi",
        "_context",
        "_early",
        "_ended",
        "_key",
        "_reading_paused",
        "_transport",
        "paused",
    )

    _transport: asyncio.Transport  # from connection_made() on, which is the first call

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._context = ServerContext.of(config, server_state)
        self._app_state = app_state
        # The key of the request; empty until that has come.
        self._key = b""
        # The ASGI side, from the request until the WebSocket is accepted or the client has gone.
        # The two refer to each other until then, and are freed without the garbage collector.
        self._asgi: ASGIConnection | None = None
        # Frames that came before the WebSocket was accepted.
        self._early = b""
        self._reading_paused = False
        self._answered = False
        self._ended = False
        self.paused: bool = False

    # -- called by uvicorn and the event loop ------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over from the HTTP protocol."""
        if isinstance(transport, BufferingTransport):
            transport = transport.release()
        else:
            self._context.send_without_delay(transport)
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the request, and keep the frames that come before it is answered."""
        if self._ended:
            return
        if self._asgi is None:
            return self._on_request(data)
        self._early += data
        if len(self._early) > MAX_EARLY and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Called when the client sends no more; the event loop closes the connection."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the client left before it got an answer, or after a refusal."""
        self._leave()
        self.resume_writing()
        if self._asgi is not None:
            self._asgi.client_left()
            self._asgi = None

    def pause_writing(self) -> None:
        """Called when the client does not read."""
        self.paused = True

    def resume_writing(self) -> None:
        """Called when the client reads again."""
        self.paused = False
        if self._asgi is not None:
            self._asgi.on_writable()

    def shutdown(self) -> None:
        """Called when the server ends."""
        self.refuse(503, "Service Unavailable")
        if self._asgi is not None:
            self._asgi.client_left()

    # -- the request -------------------------------------------------------------------------

    def _on_request(self, data: bytes) -> None:
        try:
            request = parse_request(data.removesuffix(b"\r\n\r\n"))
            self._check_capacity()
        except BadHandshake as error:
            return self.refuse(error.status, str(error), error.headers)
        self._key = request.key
        self._context.state.connections.add(self)  # type: ignore[arg-type]
        self._asgi = ASGIConnection(self._context, self, self._scope(request))
        self._asgi.start()

    def _check_capacity(self) -> None:
        limit, state = self._context.config.limit_concurrency, self._context.state
        # As uvicorn counts for HTTP: this connection is one of them.
        if limit is not None and max(len(state.connections) + 1, len(state.tasks)) >= limit:
            logger.warning("Exceeded concurrency limit.")
            raise BadHandshake(503, "Service Unavailable")

    def _scope(self, request: UpgradeRequest) -> Scope:
        # uvicorn's class for HTTP has the connection until the request has been handed over.
        http = cast("HTTPConnection", self._transport.get_protocol())
        return websocket_scope(
            self._context.config,
            self._app_state,
            http,
            path=request.path,
            raw_path=request.raw_path,
            query_string=request.query_string,
            headers=request.headers,
            subprotocols=request.subprotocols,
        )

    # -- called by the ASGI side -------------------------------------------------------------

    def accept(self, connection: ASGIConnection, headers: Iterable[Header]) -> OpenWebSocket | None:
        """Turn the connection into a WebSocket; see :class:`.asgi_connection.PendingConnection`."""
        # First what may raise: then the application can still refuse.
        response = accept_response(self._key, (*self._context.state.default_headers, *headers))
        if self._ended or self._transport.is_closing():
            return None
        self._leave()
        self._asgi = None
        transport = self._transport
        websocket = OpenWebSocket(
            self._context, transport, connection, connection.on_message, paused=self.paused
        )
        # The response goes out before any frame: the WebSocket begins to write after this.
        transport.write(response)
        transport.set_protocol(websocket)
        if self._reading_paused:
            transport.resume_reading()
        if self._early:  # before anything else comes; its reader is paused, and keeps it
            websocket.data_received(self._early)
        return websocket

    def refuse(self, status: int, text: str, headers: Iterable[Header] = ()) -> None:
        """Answer with a whole HTTP response, unless one has begun already, and end."""
        if not self._answered:
            headers = (*self._context.state.default_headers, *headers)
            self.write(text_response(status, text, headers))
        self.end()

    def begin_response(self, status: int, headers: Iterable[Header]) -> None:
        """Answer with an HTTP response whose body the application makes.

        Raises:
            ValueError: The status is no such code, or a header would break out of its line.
        """
        head = response_head(status, (*self._context.state.default_headers, *headers))
        self._answered = True
        self.write(head)

    def write(self, data: bytes) -> None:
        """Send a part of the response."""
        if not self._ended:
            self._transport.write(data)

    def end(self) -> None:
        """Close the connection after what was written."""
        if not self._ended:
            self._leave()
            self._transport.close()

    def _leave(self) -> None:
        self._ended = True
        self._context.state.connections.discard(self)
