"""Requests that the application serves without ASGI, see :mod:`socketio_asgi.extensions.direct`.

uvicorn's parser calls back here first. A plain request is kept as it comes, and served when it is
complete. uvicorn hears of every other one as if it had come just then:

    head complete ──→ plain? ──── no ────→ uvicorn
                        │ yes                 ↑
    request complete ──→ served? ──── no ─────┤
    incomplete with what was read ────────────┘

The heads that a polling client repeats are known after some requests, and not parsed again, see
:mod:`.http_known_heads`.

At most one request of what was read in one go is served: a client that sends many together has the
rest of them served by tasks, in turns with other clients.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, cast

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.utils import (
    get_client_addr,
    get_path_with_query_string,
)
from uvicorn.server import ServerState

from ..extensions.direct import DirectRequests, WaitingRequest
from ..extensions.websocket import AttachedWebSocket, Receiver
from ..websocket.headers import Header, header_lines
from ..websocket.opening_request import VERSION, is_key
from ..websocket.opening_response import switching_response, text_response
from .direct_context import DirectContext
from .http_handover import HandingOver
from .http_known_heads import (
    FEW_REQUESTS,
    MAX_UNKNOWN,
    PAUSE_REQUESTS,
    QUERY,
    KnownHeads,
)
from .http_late import LateUvicorn
from .http_waiting import WaitingResponse
from .http_writing import BufferingTransport
from .open_websocket import OpenWebSocket
from .scopes import http_scope, log_websocket, websocket_scope
from .server_context import ServerContext, logger
from .websocket import WebSocketProtocol

access_logger: logging.Logger = logging.getLogger("uvicorn.access")

_TARGET = re.compile(rb"(/[!-\"$->@-~]*)(?:\?(" + QUERY + rb"))?")
"""A path and a query, as browsers and HTTP libraries send them."""

_OK = b"HTTP/1.1 200 OK\r\n%s%s\r\n%s"
_LAST_OK = b"HTTP/1.1 200 OK\r\n%s%sconnection: close\r\n\r\n%s"

_NOTHING_SERVED = ("", 0)

_HANDSHAKE = "handshake"
"""Kept in place of the method of a request that asks for a WebSocket."""


class DirectServing(HandingOver, LateUvicorn):
    """Serving of plain requests, for uvicorn's class for httptools, before which it stands."""

    # Of the classes behind, which both have them.
    cycle: Any
    parser: Any
    url: bytes
    headers: list[Header]
    expect_100_continue: bool
    app_state: dict[str, Any]
    _context: ServerContext
    _buffering: BufferingTransport
    _network: asyncio.Transport

    # A dictionary of all attributes would be more than Python shares among the objects of a class.
    __slots__ = (
        "_body",
        "_first",
        "_forwarded",
        "_kept",
        "_key",
        "_known",
        "_query_string",
        "_requests",
        "_served",
        "_served_before",
        "_waiting",
    )

    _requests: DirectRequests
    # Of a handshake: its key, and whether proxies say anything of its client.
    _key: bytes
    _forwarded: bool

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # The method of a plain request that uvicorn has not heard of; empty when there is none.
        self._kept = ""
        self._query_string = self._body = b""
        # The request that waits; uvicorn's object is that of another when more came with it.
        self._waiting: WaitingResponse | None = None
        # Whether nothing of what was read in one go was served.
        self._first = False
        # The request that was served of what the parser was given last: its method, and the length
        # of its body.
        self._served = _NOTHING_SERVED
        # How many were served by now; negative for a pause in keeping heads.
        self._served_before = 0
        # The heads of this connection; None before it has brought more than a few.
        self._known: KnownHeads | None = None

    # -- called by the event loop --------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        waiting, self._waiting = self._waiting, None
        super().connection_lost(exc)
        if waiting is not None:
            waiting.leave()

    def _parse(self, piece: bytes) -> None:
        self._first = not self._pieces  # otherwise more is to be parsed in this turn
        begins = not self._head_size and self._between_requests
        if begins and self._known is not None and self._serve_known(self._known, piece):
            return
        self._served = _NOTHING_SERVED
        super()._parse(piece)
        if self._kept:  # the rest of it is to come
            self._leave_to_asgi()
        elif self._served is not _NOTHING_SERVED:
            self._served_before += 1
            if begins and self._served_before > FEW_REQUESTS and not self._in_head:
                self._know(piece, *self._served)

    # -- called by the parser ------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._direct is None:
            super().on_message_begin()
        else:  # uvicorn would begin a scope
            self._in_head = True
            self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        direct = self._direct
        if direct is None:
            super().on_headers_complete()
            return
        self._in_head, self._head_size = False, 0  # as the class behind does
        self._kept = self._find_plain(direct)
        if not self._kept:
            self._tell_of_head()

    def on_body(self, body: bytes) -> None:
        """A piece of a body came."""
        if self._kept == "POST":
            self._body += body
            return
        if self._kept:
            self._leave_to_asgi()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        if self._kept == _HANDSHAKE:
            return  # it is served when the parser has said so
        if self._kept:
            if self._serve():
                return
            self._leave_to_asgi()
        super().on_message_complete()  # type: ignore[misc]

    def handle_websocket_upgrade(self) -> None:
        """A request for a WebSocket is complete."""
        if self._kept:
            if self._open():
                return
            self._leave_to_asgi()
        super().handle_websocket_upgrade()  # type: ignore[misc]

    # -- what is plain -------------------------------------------------------------------------

    def _find_plain(self, direct: DirectContext) -> str:
        """What is to be kept of a request whose head is complete; empty when it is not plain."""
        target = _TARGET.fullmatch(self.url)
        requests = None if target is None else direct.by_path.get(target[1])
        if target is None or requests is None or not self._may_serve():
            return ""
        self._requests, self._query_string = requests, target[2] or b""
        parser = self.parser
        method: bytes = parser.get_method()
        if parser.should_upgrade():
            return _HANDSHAKE if method == b"GET" and self._is_handshake() else ""
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return ""
        return "GET" if method == b"GET" else "POST" if method == b"POST" else ""

    def _may_serve(self) -> bool:
        return (
            self._first
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self._write_paused
        )

    def _is_handshake(self) -> bool:
        """Find out whether a request asks for a WebSocket as browsers do."""
        config: Any = self._context.config
        found = dict(self.headers)
        if (
            len(found) != len(self.headers)  # some twice
            or found.get(b"upgrade", b"").lower() != b"websocket"
            or found.get(b"sec-websocket-version") != VERSION
            or b"sec-websocket-protocol" in found
            or config.ws_protocol_class is not WebSocketProtocol
        ):
            return False
        self._key = found.get(b"sec-websocket-key", b"")
        self._forwarded = b"x-forwarded-" in b" ".join(found)
        return is_key(self._key)

    def _should_upgrade(self) -> bool:
        """Whether the request asks for a WebSocket; uvicorn looks again when it is complete."""
        if self._kept != _HANDSHAKE:
            self._awaken()
        return self._kept == _HANDSHAKE or bool(cast("Any", super())._should_upgrade())  # noqa: SLF001

    def _leave_to_asgi(self) -> None:
        """Tell uvicorn of the request that was kept."""
        body, self._body, self._kept = self._body, b"", ""
        self._tell_of_head()
        if body:
            super().on_body(body)

    def _tell_of_head(self) -> None:
        self.begin_scope()
        super().on_headers_complete()

    # -- serving -------------------------------------------------------------------------------

    def _serve(self) -> bool:
        self._first = False
        try:
            served = self._requests.serve(
                self, self._kept, self._query_string, self.headers, self._body
            )
        except Exception as error:  # noqa: BLE001  # of the application
            served = True
            self._fail(error)
        if served:
            self._served = self._kept, len(self._body)
            self._kept, self._body = "", b""
        return served

    def _fail(self, error: Exception) -> None:
        """End after a fault of the application, as uvicorn does."""
        logger.error("Exception in ASGI application\n", exc_info=error)
        if self._buffering.released:
            self._buffering.abort()
        elif not self._buffering.is_closing():
            headers = (*self._context.state.default_headers, (b"connection", b"close"))
            self._buffering.write(text_response(500, "Internal Server Error", headers))
            self._buffering.close()

    def asgi_scope(self) -> Scope:
        """The present request as a scope of ASGI."""
        context = self._context
        self.find_addresses()
        scope = http_scope(
            context.config,
            self.app_state,
            self,
            method=self._kept,
            raw_path=self.url.partition(b"?")[0],
            query_string=self._query_string,
            headers=self.headers,
        )
        context.direct.forward(scope)
        return scope

    def respond(self, lines: bytes, body: bytes) -> None:
        """Answer the request."""
        waiting, self._waiting = self._waiting, None
        direct = self._context.direct
        last = waiting is not None and not waiting.keep_alive
        if direct.logs_access:
            self._log(self.asgi_scope() if waiting is None else waiting.scope or {})
        form = _LAST_OK if last else _OK
        # With all that this turn brings: a system call in between would slow down what follows.
        self._buffering.write(form % (direct.header_lines(), lines, body))
        if waiting is not None:
            waiting.response_complete = True
        if last:
            self._buffering.close()
        self.on_response_complete()

    def wait(self, request: WaitingRequest) -> None:
        """Let the request wait."""
        scope = self.asgi_scope() if self._context.direct.logs_access else None
        self.cycle = self._waiting = WaitingResponse(self._buffering, request, scope)

    def wake(self) -> None:
        """Have the request answered when this turn of the event loop is over."""
        if self._waiting is not None:
            self._context.flush_at_end_of_turn(self._waiting)

    def _log(self, scope: Scope) -> None:
        access_logger.info(
            '%s - "%s %s HTTP/%s" %d',
            get_client_addr(scope),  # type: ignore[arg-type]
            scope["method"],
            get_path_with_query_string(scope),  # type: ignore[arg-type]
            scope["http_version"],
            200,
        )

    # -- heads that are known ------------------------------------------------------------------

    def _know(self, piece: bytes, method: str, size: int) -> None:
        """Keep the head of a request that was served, if nothing else came with it."""
        if self._known is None:
            self._known = KnownHeads()
        head = piece[: len(piece) - size]
        self._known.add(self._requests, method, self.url, self.headers, head, has_body=size > 0)
        if self._known.unknown > MAX_UNKNOWN:
            self._known, self._served_before = None, -PAUSE_REQUESTS

    def _serve_known(self, known: KnownHeads, piece: bytes) -> bool:
        """Serve a request whose head is known; False leaves it to the parser."""
        found = known.read(piece)
        if found is None or self._may_leave or not self._may_serve():
            return False
        self._unset_keepalive_if_required()  # as the class behind does
        head, query, body = found
        self.url, self.headers = b"%b?%b" % (head.path, query), head.headers
        self._requests, self._query_string = head.requests, query
        self._kept, self._body = head.method, body
        if self._serve():
            return True
        self._kept, self._body = "", b""
        return False

    # -- WebSocket -----------------------------------------------------------------------------

    def _open(self) -> bool:
        if self._buffering.is_closing():
            return False
        context = self._context
        direct = context.direct
        path = self.url.partition(b"?")[0]
        self.find_addresses()
        scope = websocket_scope(
            context.config,
            self.app_state,
            self,
            path=path.decode("ascii"),
            raw_path=path,
            query_string=self._query_string,
            headers=self.headers,
            subprotocols=[],
        )
        if self._forwarded:
            direct.forward(scope)

        def accept(
            receiver: Receiver, *, max_size: int, headers: list[Header]
        ) -> AttachedWebSocket:
            lines = direct.header_lines() + header_lines(headers)
            response = switching_response(self._key, lines)
            network = self._buffering.release()
            context.state.connections.discard(self)
            websocket = OpenWebSocket.taken_over(
                context,
                network,
                receiver,
                response,
                max_size=max_size,
                paused=self._write_paused,
            )
            network.set_protocol(websocket)
            log_websocket(context, scope, "[accepted]")
            return websocket

        try:
            opened = self._requests.open(scope, accept)
        except Exception as error:  # noqa: BLE001  # of the application
            opened = True
            self._fail(error)
        if opened:
            self._kept = ""
        return opened
