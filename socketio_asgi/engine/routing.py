"""The way of a request: to the session that it names, or to the opening of a new one."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..runtime.log_limit import LogLimits
from ..websocket.headers import Header, is_token
from .admission import check_offer, check_session
from .deployment_warnings import DeploymentWarnings
from .directory import AddressedSession, HandedOver, SessionDirectory
from .http.body import RequestBody
from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal, Response, refuse_websocket, respond
from .loop_state import LoopState
from .observer import RefusedRequest
from .observers import Observers
from .offer import Offer
from .opening import SessionOpener
from .options import EngineOptions
from .response_headers import ResponseCompleter
from .transports.base import ConnectionTransport
from .transports.opening import open_websocket
from .transports.websocket_base import WebSocketBase

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

_OK = HTTPStatus.OK.value  # a global name: members of an enum are slow on the way of every response


class RequestRouter:
    """Serves the requests of an engine, by the type of their scopes.

    Args:
        options: The engine's options.
        bound: Returns the state of the present event loop.
        opener: Opens new sessions.
        headers: Completes responses.
        observers: The engine's observers.
        directory: The sessions of other engines; None when there are none.

    Attributes:
        deployment: Notices faults of the deployment.
    """

    # A WebSocket waits at the end of a chain of coroutines, and each message passes through all of
    # them: that is why some functions here return what is to be awaited.

    def __init__(
        self,
        options: EngineOptions,
        *,
        bound: Callable[[], LoopState],
        opener: SessionOpener,
        headers: ResponseCompleter,
        observers: Observers,
        directory: SessionDirectory | None,
    ) -> None:
        self._options = options
        self._bound = bound
        self._opener = opener
        self._headers = headers
        self._observers = observers
        self._directory = directory
        if directory is not None:
            directory.bind(self.serve)
        self.deployment: DeploymentWarnings = DeploymentWarnings(self._now)
        self._log_limits = LogLimits(self._now, logger)
        self._middlewares: list[Callable[[ASGIApp], ASGIApp]] = []
        self._stack: ASGIApp | None = None
        self._by_scope_type: Mapping[str, ASGIApp] = {
            "http": self.handle_http,
            "websocket": self.handle_websocket,
        }

    def _now(self) -> float:
        return self._bound().runtime.now()

    def use(self, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put an ASGI middleware in front of all requests.

        Raises:
            RuntimeError: There was a request already.
        """
        if self._stack is not None:
            raise RuntimeError("engine.use() comes before the first request")
        self._middlewares.append(middleware)

    def begin(self) -> bool:
        """Begin to serve: there can be no further middlewares. False when there are some."""
        if self._stack is None:
            self._stack = self._build_stack()
        return not self._middlewares

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one HTTP request or WebSocket, through the middlewares."""
        if self._stack is None:
            self._stack = self._build_stack()
        return self._stack(scope, receive, send)

    def _build_stack(self) -> ASGIApp:
        if not self._middlewares:
            return self.serve

        # A coroutine function, by which middlewares tell ASGI 3 from its predecessor.
        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            await self.serve(scope, receive, send)

        stack: ASGIApp = dispatch
        for wrap in reversed(self._middlewares):
            stack = wrap(stack)
        return stack

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one HTTP request or WebSocket, past the middlewares."""
        return self._by_scope_type[scope["type"]](scope, receive, send)

    # -- HTTP --------------------------------------------------------------------------------

    async def handle_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; every one is answered, and nothing is raised."""
        request = EngineRequest(scope)
        if request.method == "OPTIONS":
            preflight = self._headers.preflight(request)
            if preflight is not None:
                return await respond(send, preflight)
        loop_state = self._bound()
        body = RequestBody(request, receive)
        code: ErrorCode | None = None
        try:
            response = await self._respond(loop_state, request, body, send)
        except Refusal as refusal:
            self._report(request, refusal)
            code, response = refusal.code, refusal.response()
        except HandedOver:
            return
        if response.status != _OK and request.method != "GET":
            limit = self._options.max_http_buffer_size
            beginning = await body.discard(loop_state.runtime, limit)
            if code is ErrorCode.UNKNOWN_SID:
                self.deployment.message_refused(request, beginning)
        await respond(send, self._headers.complete(request, response))

    def _respond(
        self, loop_state: LoopState, request: EngineRequest, body: RequestBody, send: Send
    ) -> Awaitable[Response]:
        offer = Offer(request.revision, request.transport, request.sid)
        check_offer(offer, request, self._options)
        if not offer.sid:
            return self._open_polling(loop_state, offer, request)
        known = loop_state.sessions.get(offer.sid)
        if known is None:
            known = loop_state.ended.get(offer.sid)
        if known is None:
            loop_state.check_not_stranded(offer.sid)
            if self._directory is not None:
                return self._respond_elsewhere(self._directory, offer, request, body, send)
        session = check_session(offer, known, moves_on=False)
        return session.transport.serve(request, body)

    async def _respond_elsewhere(
        self,
        directory: SessionDirectory,
        offer: Offer,
        request: EngineRequest,
        body: RequestBody,
        send: Send,
    ) -> Response:
        found = await _ask(directory, offer, request, body.receive, send)
        session = check_session(offer, found, moves_on=False)
        return await session.transport.serve(request, body)

    async def _open_polling(
        self, loop_state: LoopState, offer: Offer, request: EngineRequest
    ) -> Response:
        admission = await self._opener.admit(loop_state, offer, request)
        response = self._opener.open_polling(loop_state, admission, request)
        self.deployment.session_opened(admission.sid)
        return response

    # -- WebSocket ---------------------------------------------------------------------------

    async def handle_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket; nothing is raised."""
        await receive()  # websocket.connect
        request = EngineRequest(scope)
        loop_state = self._bound()
        offer = Offer(request.revision, request.transport, request.sid)
        try:
            check_offer(offer, request, self._options)
            if offer.sid:
                found = await self._find(loop_state, offer, request, receive, send)
                session = check_session(offer, found, moves_on=True)
                transport = await self._upgrade(loop_state, session, request, receive, send)
            else:
                transport = await self._open_websocket(loop_state, offer, request, receive, send)
        except Refusal as refusal:
            self._report(request, refusal)
            return await refuse_websocket(scope, send, refusal.response())
        except HandedOver:
            return
        if transport is not None:
            await transport.run()

    async def _find(
        self,
        loop_state: LoopState,
        offer: Offer,
        request: EngineRequest,
        receive: Receive,
        send: Send,
    ) -> AddressedSession | None:
        session = loop_state.sessions.get(offer.sid)
        if session is None:
            loop_state.check_not_stranded(offer.sid)
            if self._directory is not None:
                return await _ask(self._directory, offer, request, receive, send)
        return session

    async def _open_websocket(
        self,
        loop_state: LoopState,
        offer: Offer,
        request: EngineRequest,
        receive: Receive,
        send: Send,
    ) -> ConnectionTransport | None:
        admission = await self._opener.admit(loop_state, offer, request)
        loop_state.opening.add(admission.sid)
        try:
            headers = admission.headers + self._headers.of_application(request)
            accepted = await _accept(request, send, headers)
        finally:
            loop_state.opening.discard(admission.sid)
        if not accepted:
            return None
        if loop_state.shutting_down:
            await _send_close(send)
            return None
        transport = open_websocket(
            loop_state.runtime,
            admission.codec,
            request,
            receive,
            send,
            max_payload=self._options.max_http_buffer_size,
        )
        self._opener.open(loop_state, admission, request, transport)
        return transport

    async def _upgrade(
        self,
        loop_state: LoopState,
        session: AddressedSession,
        request: EngineRequest,
        receive: Receive,
        send: Send,
    ) -> ConnectionTransport | None:
        accepted = False
        try:
            accepted = await _accept(request, send, self._headers.of_application(request))
        finally:  # some ASGI servers cancel the request when the client leaves
            if not accepted:
                session.forgo_upgrade()
        if not accepted:
            return None
        # Only now: the session may have ended while the WebSocket was accepted.
        if not self._options.allow_upgrades or not session.begin_upgrade(WebSocketBase.name):
            session.forgo_upgrade()
            await _send_close(send)
            return None
        transport = open_websocket(
            loop_state.runtime,
            session.codec,
            request,
            receive,
            send,
            max_payload=self._options.max_http_buffer_size,
        )
        session.probe(transport)
        return transport

    # -- refusals ----------------------------------------------------------------------------

    def _report(self, request: EngineRequest, refusal: Refusal) -> None:
        self._log(request, refusal)
        self.deployment.request_refused(request, refusal)
        if self._observers.refusing:
            refused = RefusedRequest(refusal.code, refusal.message, refusal.detail, request)
            self._observers.refused(refused)

    def _log(self, request: EngineRequest, refusal: Refusal) -> None:
        level = logging.WARNING if refusal.notable else logging.INFO
        address = request.address
        if logger.isEnabledFor(level) and self._log_limits.may_log(address, refusal.code):
            logger.log(level, "refused %s from %s: %s", request.scope["type"], address, refusal)


async def _ask(
    directory: SessionDirectory,
    offer: Offer,
    request: EngineRequest,
    receive: Receive,
    send: Send,
) -> AddressedSession | None:
    try:
        found = directory.find(offer, request)
        return await found if inspect.isawaitable(found) else found
    except HandedOver as elsewhere:
        if elsewhere.serve is not None:
            await elsewhere.serve(request.scope, receive, send)
        raise


async def _accept(request: EngineRequest, send: Send, headers: list[Header]) -> bool:
    """Accept a WebSocket; False when the client is gone."""
    message: Message = {"type": "websocket.accept", "headers": headers}
    # The first subprotocol on offer, as in Node.js. It means nothing here, but browsers fail a
    # WebSocket whose server takes none of theirs.
    subprotocol = next(filter(is_token, request.scope.get("subprotocols") or ()), None)
    if subprotocol is not None:
        message["subprotocol"] = subprotocol
    try:
        await send(message)
    except Exception as error:  # noqa: BLE001  # every server has its own for a lost client
        logger.debug("the client left during its WebSocket handshake: %r", error)
        return False
    return True


async def _send_close(send: Send) -> None:
    with contextlib.suppress(Exception):  # the client may have been faster
        await send({"type": "websocket.close"})
