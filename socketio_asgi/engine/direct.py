"""The way of plain requests without ASGI, beside the general one of :mod:`.routing`.

A request is plain when nobody has to be waited for: no middleware and no function of the
application stands in its way, its body is there, its session is here, and nothing speaks against
it. Everything else is left to the general way, before it has had any effect: refusals above all,
which are logged and told there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.types import Scope

from ..extensions.direct import Accept, DirectConnection
from ..protocol import EngineCodec
from ..runtime import Cancellable
from ..websocket.headers import Header
from .admission import check_offer, check_session
from .http.request import EngineRequest
from .http.response import Refusal, Response, lines_of
from .loop_state import LoopState
from .offer import Offer
from .opening import SessionOpener
from .options import EngineOptions
from .response_headers import ResponseCompleter
from .routing import RequestRouter
from .transports.outbox import Outbox
from .transports.polling import PollingTransport
from .transports.taken_over import TakenOverTransport
from .transports.websocket_base import WebSocketBase

Prepare = Callable[[Scope], object]
"""Puts into a scope what applications around the server would have put there."""


class DirectRouter:
    """Serves plain requests of an engine.

    Args:
        options: The engine's options.
        router: The general way.
        bound: Returns the state of the present event loop.
        opener: Opens new sessions.
        headers: Completes responses.
    """

    def __init__(
        self,
        options: EngineOptions,
        router: RequestRouter,
        *,
        bound: Callable[[], LoopState],
        opener: SessionOpener,
        headers: ResponseCompleter,
    ) -> None:
        self._options = options
        self._router = router
        self._bound = bound
        self._opener = opener
        self._headers = headers

    def _begin(self) -> LoopState | None:
        """The state of the present event loop; None when no request is plain."""
        if not self._router.begin() or self._headers.hooked:
            return None
        try:
            return self._bound()
        except RuntimeError:  # another event loop has the engine: the general way says so
            return None

    # -- HTTP --------------------------------------------------------------------------------

    def serve(
        self,
        connection: DirectConnection,
        method: str,
        query_string: bytes,
        headers: list[Header],
        body: bytes,
        *,
        prepare: Prepare,
    ) -> bool:
        """Serve an HTTP request; see :class:`.extensions.direct.DirectRequests`."""
        loop_state = self._begin()
        if loop_state is None:
            return False
        if b"sid=" in query_string:  # of a session; what else there is to know is not kept
            scope: Scope = {
                "type": "http",
                "method": method,
                "query_string": query_string,
                "headers": headers,
            }
        else:
            scope = connection.asgi_scope()
        request = EngineRequest(scope)
        offer = Offer(request.revision, request.transport, request.sid)
        try:
            check_offer(offer, request, self._options)
            if offer.sid:
                return self._serve_session(loop_state, connection, offer, request, body)
            prepare(scope)
            response = self._open_polling(loop_state, offer, request)
        except Refusal:
            return False
        if response is not None:
            self.respond(connection, request, response)
        return response is not None

    def _serve_session(
        self,
        loop_state: LoopState,
        connection: DirectConnection,
        offer: Offer,
        request: EngineRequest,
        body: bytes,
    ) -> bool:
        session = check_session(offer, loop_state.sessions.get(offer.sid), moves_on=False)
        transport = session.transport
        if not isinstance(transport, PollingTransport):
            return False
        if request.method == "POST":
            binary = request.header(b"content-type") == "application/octet-stream"
            response = transport.take(body, binary=binary)
            if response is None:
                return False
        elif transport.connected:  # another poll waits
            return False
        else:
            response = transport.answer_at_once()
            if response is None:
                connection.wait(_Poll(self, connection, request, transport))
                return True
        self.respond(connection, request, response)
        return True

    def _open_polling(
        self, loop_state: LoopState, offer: Offer, request: EngineRequest
    ) -> Response | None:
        admission = self._opener.admit_at_once(loop_state, offer, request)
        if admission is None:
            return None
        response = self._opener.open_polling(loop_state, admission, request)
        self._router.deployment.session_opened(admission.sid)
        return response

    def respond(
        self, connection: DirectConnection, request: EngineRequest, response: Response
    ) -> None:
        """Answer a request."""
        response = self._headers.complete(request, response)
        connection.respond(lines_of(response), response.body)

    # -- WebSocket ---------------------------------------------------------------------------

    def open(self, scope: Scope, accept: Accept, prepare: Prepare) -> bool:
        """Serve the handshake of a WebSocket; see :class:`.extensions.direct.DirectRequests`."""
        loop_state = self._begin()
        if loop_state is None:
            return False
        request = EngineRequest(scope)
        offer = Offer(request.revision, request.transport, request.sid)
        try:
            check_offer(offer, request, self._options)
            if offer.sid:
                return self._upgrade(loop_state, offer, request, accept)
            prepare(scope)
            return self._open_websocket(loop_state, offer, request, accept)
        except Refusal:
            return False

    def _open_websocket(
        self, loop_state: LoopState, offer: Offer, request: EngineRequest, accept: Accept
    ) -> bool:
        admission = self._opener.admit_at_once(loop_state, offer, request)
        if admission is None:
            return False
        transport = self._take_over(loop_state, admission.codec, accept, admission.headers)
        self._opener.open(loop_state, admission, request, transport)
        transport.resume_reading()
        return True

    def _upgrade(
        self, loop_state: LoopState, offer: Offer, request: EngineRequest, accept: Accept
    ) -> bool:
        session = check_session(offer, loop_state.sessions.get(offer.sid), moves_on=True)
        if not self._options.allow_upgrades or not session.begin_upgrade(WebSocketBase.name):
            return False
        transport = self._take_over(loop_state, session.codec, accept, [])
        session.probe(transport)
        transport.resume_reading()
        return True

    def _take_over(
        self, loop_state: LoopState, codec: EngineCodec, accept: Accept, headers: list[Header]
    ) -> TakenOverTransport:
        """Accept a handshake; its WebSocket is not read yet."""
        transport = TakenOverTransport(loop_state.runtime, codec, Outbox())
        max_payload = self._options.max_http_buffer_size
        transport.take_over(partial(accept, headers=headers), max_payload=max_payload)
        return transport


class _Poll:
    """A poll that waits, between its connection and its transport."""

    __slots__ = ("_connection", "_request", "_router", "_soon", "_transport")

    def __init__(
        self,
        router: DirectRouter,
        connection: DirectConnection,
        request: EngineRequest,
        transport: PollingTransport,
    ) -> None:
        self._router = router
        self._connection = connection
        self._request = request
        self._transport = transport
        self._soon: Cancellable | None = transport.begin_wait(self)

    def cancel(self) -> None:
        """Called when there is something to answer: it goes out with all that the turn brings."""
        self._connection.wake()

    def answer(self) -> None:
        """Answer."""
        transport = self._transport
        transport.end_wait(self._soon, answered=True)
        self._router.respond(self._connection, self._request, transport.answer())

    def left(self) -> None:
        """Called when the client left."""
        self._transport.end_wait(self._soon, answered=False)
