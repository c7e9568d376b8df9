"""The state that uvicorn has for an HTTP connection, made when the first request goes there.

Until then the class here has what its parser calls, and answers for uvicorn. A connection that
becomes a WebSocket, or only brings requests that are served without ASGI, never needs the rest.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import httptools
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.server import ServerState

from ..websocket.headers import Header
from .direct_context import DirectContext
from .http_writing import BufferingTransport
from .server_context import ServerContext, logger

_LENIENT = hasattr(httptools.HttpRequestParser, "set_dangerous_leniencies")  # since 0.6.3


class LateUvicorn(asyncio.Protocol):
    """A connection that uvicorn's class for httptools, before which it stands, may not know yet."""

    # Of the classes before this one.
    _context: ServerContext
    _buffering: BufferingTransport
    _network: asyncio.Transport
    # Of uvicorn's.
    parser: Any
    url: bytes
    headers: list[Header] = []  # noqa: RUF012  # replaced before anything is added
    expect_100_continue: bool = False
    scope: Scope
    flow: Any
    config: Config
    server_state: ServerState
    pipeline: Any
    server: tuple[str, int | None] | None
    client: tuple[str, int] | None
    scheme: str | None
    app_state: dict[str, Any]

    logger: logging.Logger = logger
    # uvicorn's object for the latest request.
    cycle: Any = None
    # Whether the client does not read.
    _write_paused = False
    # Whether uvicorn knows of the connection.
    _awake = False
    # The requests that are served without ASGI; None when there are none.
    _direct: DirectContext | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config, self.server_state, self.app_state = config, server_state, app_state
        self.parser = parser = httptools.HttpRequestParser(self)
        if _LENIENT:
            # As uvicorn: a request that is refused may have others behind it.
            parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        context = self._context
        context.state.connections.add(self)  # type: ignore[arg-type]
        if context.direct.by_path:
            self._direct = context.direct
        else:
            self._awaken()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._context.idle_deadlines.discard(self)
        if self._awake:
            super().connection_lost(exc)
        else:
            self._context.state.connections.discard(self)
            self.parser = None  # the two refer to each other

    def _awaken(self) -> None:
        """Have uvicorn know of the connection."""
        if self._awake:
            return
        self._awake = True
        parser, cycle = self.parser, self.cycle
        headers, expects = self.headers, self.expect_100_continue
        arguments: Any = (self.config, self.server_state, self.app_state)
        super().__init__(*arguments)
        self.parser, self.cycle = parser, cycle
        self.headers, self.expect_100_continue = headers, expects
        super().connection_made(self._buffering)
        if self._write_paused:
            self.pause_writing()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._write_paused = True
        if self._awake:
            super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._write_paused = False
        if self._awake:
            super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        self._awaken()
        cast("Any", super()).send_400_response(msg)

    def shutdown(self) -> None:
        """The server ends."""
        self._awaken()
        cast("Any", super()).shutdown()

    def begin_scope(self) -> None:
        """Have uvicorn begin a scope, as it does at the beginning of a request."""
        self._awaken()
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # type: ignore[misc]
        self.url, self.expect_100_continue = url, expects
        self.headers = self.scope["headers"] = headers

    def find_addresses(self) -> None:
        """Set the addresses and the scheme, as uvicorn does."""
        if not self._awake:
            look_up = self._network.get_extra_info
            local: Any = look_up("sockname")
            # The name of a Unix socket is its path; the client's is none.
            self.server = (local, None) if isinstance(local, str) else _host_and_port(local)
            self.client = _host_and_port(look_up("peername"))
            self.scheme = "http" if look_up("sslcontext") is None else "https"

    # -- the end of a response -------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """A request has its response, from here or from uvicorn, which has a timer for each."""
        self._context.state.total_requests += 1
        if self._buffering.is_closing():
            return
        if self._awake:
            self.flow.resume_reading()
        if self._awake and self.pipeline:
            cycle, app = self.pipeline.pop()
            cast("Any", self)._start_asgi_task(cycle, app)  # noqa: SLF001  # of uvicorn
        else:
            self._context.idle_deadlines.add(self)

    def _unset_keepalive_if_required(self) -> None:
        """Called by uvicorn when more came."""
        self._context.idle_deadlines.discard(self)

    def end_idle(self) -> None:
        """Called when no further request came in time."""
        self._buffering.close()


def _host_and_port(address: Any) -> tuple[str, int] | None:
    if not address or isinstance(address, (str, bytes)):  # of a Unix socket
        return None
    return address[0], address[1]
