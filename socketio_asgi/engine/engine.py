"""The engine: opens sessions for requests, and leads later requests to their session."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from ..extensions.websocket import find_attach
from ..protocol import EngineCodec
from ..runtime import Runtime, current_runtime
from ..runtime.current import running_on_asyncio
from ..websocket.headers import Header
from .admission import check_allowed, check_handshake, check_request, check_session
from .cookies import cookie_header
from .deployment_warnings import DeploymentWarnings
from .exit_signals import ExitSignals
from .hooks import Hooks, ListenerT, RefusedRequest
from .http.body import RequestBody
from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal, Response, compressed, encode_header, respond
from .loop_state import LoopState
from .options import EngineOptions
from .session import Session, SessionListener
from .transports.base import Transport
from .transports.outbox import Outbox
from .transports.polling import PollingTransport
from .transports.taken_over import TakenOverTransport
from .transports.websocket import WebSocketTransport
from .upgrade import Upgrade
from .uvicorn_exit import UvicornExit

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

WebSocket = TakenOverTransport | WebSocketTransport

GRACE_SECONDS = 1.0
"""How long transports and handlers may take to finish when the server closes."""

MAX_ID_ATTEMPTS = 3
"""How often ``generate_id`` may return an id that is in use."""

_OK = HTTPStatus.OK.value  # a global name: members of an enum are slow on the way of every response


class Engine:
    """The connection layer of a server.

    Args:
        options: How it behaves.
        on_session: Called with each new session; returns who listens to it.
        on_bind: Called with each event loop that the engine comes to live in.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_session: Callable[[Session], SessionListener],
        on_bind: Callable[[Runtime], object] = lambda _: None,
    ) -> None:
        self.options = options
        self._on_session = on_session
        self._on_bind = on_bind
        self._loop_state: LoopState | None = None
        self._exit_signals = ExitSignals(self._on_exit_signal)
        self._uvicorn_exit = UvicornExit(self.shut_down)
        self._deployment = DeploymentWarnings(self._now)
        self._refuse_new = False
        self._hooks = Hooks(("connection", "connection_error", "initial_headers", "headers"))
        self._middlewares: list[Callable[[ASGIApp], ASGIApp]] = []
        self._stack: ASGIApp | None = None

    @property
    def clients_count(self) -> int:
        """The number of connected clients."""
        return len(self._loop_state.sessions) if self._loop_state else 0

    @property
    def runtime(self) -> Runtime | None:
        """The event loop, once there was a first request (or the lifespan began)."""
        return self._loop_state.runtime if self._loop_state else None

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener to an event of the connection layer.

        The events: ``connection`` (with the :class:`Session`), ``connection_error`` (with a
        :class:`RefusedRequest`), ``initial_headers`` and ``headers`` (with a dict of response
        headers that it may change, and the request; the first for a client's first request, the
        second for all).

        Raises:
            ValueError: There is no such event.

        Source: https://socket.io/docs/v4/server-api/#engine
        """
        return self._hooks.on(name)

    def use(self, middleware: Callable[..., ASGIApp], *args: Any, **options: Any) -> None:
        """Put an ASGI middleware in front of all requests of Socket.IO clients.

        Args:
            middleware: A class (or function) that is given the application and the options.
            *args: Passed on to it.
            **options: Passed on to it.

        Raises:
            RuntimeError: There was a request already.

        Source: https://socket.io/docs/v4/server-api/#engineusemiddleware
        """
        if self._stack is not None:
            raise RuntimeError("engine.use() comes before the first request")
        self._middlewares.append(lambda app: middleware(app, *args, **options))

    # -- life --------------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Own the engine's timers and tasks; needed on trio, harmless on asyncio."""
        async with contextlib.AsyncExitStack() as stack:
            if running_on_asyncio():
                self._bind(current_runtime())
            else:
                from ..runtime.trio_runtime import open_trio_runtime

                self._bind(await stack.enter_async_context(open_trio_runtime()))
            try:
                yield
            finally:
                await self.close()

    def bound(self) -> LoopState:
        """The sessions and the clock of the current event loop.

        Raises:
            RuntimeError: On trio, outside the lifespan.
        """
        loop_state = self._loop_state
        if loop_state is None or not loop_state.runtime.is_current():
            loop_state = self._bind(current_runtime())
        return loop_state

    def _bind(self, runtime: Runtime) -> LoopState:
        self._refuse_new = False
        self._loop_state = LoopState(runtime, self.options, self.shut_down)
        self._exit_signals.install()
        self._on_bind(runtime)
        return self._loop_state

    def _now(self) -> float:
        return self.bound().runtime.now()

    def bind_current(self) -> Runtime:
        """Live in the event loop of the caller, before the first request.

        Raises:
            RuntimeError: On trio, outside the lifespan.
        """
        return self.bound().runtime

    def _on_exit_signal(self) -> None:
        if self._loop_state is not None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed already
                self._loop_state.runtime.call_from_thread(self.shut_down)

    def shut_down(self) -> None:
        """Tell all clients that the server ends, and take no new ones.

        They are told by closing their transport, after which they connect again, to whatever
        process serves then.
        """
        loop_state = self._loop_state
        if loop_state is None or self._refuse_new:
            return
        self._refuse_new = True
        for session in list(loop_state.sessions.values()):
            session.end("server shutting down", flush=True)
        if loop_state.linger_deadlines:
            loop_state.runtime.call_later(GRACE_SECONDS, self._abort_lingering)

    def _abort_lingering(self) -> None:
        if self._loop_state is not None:
            for transport in self._loop_state.linger_deadlines.items():
                transport.abort()

    async def close(self) -> None:
        """End all sessions, and wait a moment for the handlers that still run."""
        loop_state = self._loop_state
        if loop_state is None:
            return
        self.shut_down()
        self._exit_signals.restore()
        self._uvicorn_exit.leave()
        if loop_state.runtime.is_current():
            await loop_state.runtime.settle(GRACE_SECONDS)
            await _send_what_waits(loop_state)
        self._abort_lingering()

    # -- requests ----------------------------------------------------------------------------

    # A WebSocket waits at the end of a chain of coroutines, and each message passes through all of
    # them: that is why some functions here return what is to be awaited.

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one HTTP request or WebSocket, through the middlewares."""
        if self._stack is None:
            self._stack = self._build_stack()
        return self._stack(scope, receive, send)

    def _build_stack(self) -> ASGIApp:
        if not self._middlewares:
            return self._dispatch

        # A coroutine function, by which middlewares tell ASGI 3 from its predecessor.
        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            await self._dispatch(scope, receive, send)

        stack: ASGIApp = dispatch
        for wrap in reversed(self._middlewares):
            stack = wrap(stack)
        return stack

    def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "websocket":
            return self.handle_websocket(scope, receive, send)
        return self.handle_http(scope, receive, send)

    async def handle_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; every one is answered, and nothing is raised."""
        request = EngineRequest(scope)
        policy = self.options.origin_policy
        if request.method == "OPTIONS" and policy.answers_preflight():
            headers = policy.preflight_headers(request, request.origin)
            return await respond(send, Response(204).with_headers(headers))
        body = RequestBody(request, receive)
        code: ErrorCode | None = None
        try:
            response = await self._respond(request, body)
        except Refusal as refusal:
            self._report(request, refusal)
            code, response = refusal.code, refusal.response()
        if response.status != _OK and request.method != "GET":
            beginning = await body.discard(self.options.max_http_buffer_size)
            if code is ErrorCode.UNKNOWN_SID:
                self._deployment.message_refused(request, beginning)
        threshold = self.options.compression_threshold
        if threshold is not None and len(response.body) >= threshold:
            response = compressed(response, request)
        if request.origin is not None:
            response = response.with_headers(policy.response_headers(request, request.origin))
        if self._hooks.in_use:
            response = response.with_headers(self._hooked_headers(request))
        await respond(send, response)

    def _respond(self, request: EngineRequest, body: RequestBody) -> Awaitable[Response]:
        check_request(request, self.options)
        loop_state = self.bound()
        if not request.sid:
            return self._open_polling(loop_state, request)
        session = check_session(request, loop_state.sessions.get(request.sid))
        transport = session.transport
        if isinstance(transport, PollingTransport):
            if request.method == "GET":
                return transport.poll(body)
            if request.method == "POST":
                return transport.post(request, body)
        raise Refusal(ErrorCode.BAD_REQUEST, detail=f"method {request.method[:20]!r}")

    async def _open_polling(self, loop_state: LoopState, request: EngineRequest) -> Response:
        codec, sid, headers = await self._admit(loop_state, request)
        transport = PollingTransport(
            loop_state.runtime,
            codec,
            Outbox(),
            max_payload=self.options.max_http_buffer_size,
            supports_binary="b64" not in request.query,
        )
        self._open(loop_state, sid, codec, request, transport)
        self._deployment.session_opened(sid)
        return transport.answer().with_headers(headers)

    async def handle_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket; nothing is raised."""
        await receive()  # websocket.connect
        request = EngineRequest(scope)
        try:
            check_request(request, self.options)
            loop_state = self.bound()
            if request.sid:
                check_session(request, loop_state.sessions.get(request.sid))
                transport = await self._upgrade(loop_state, request, receive, send)
            else:
                transport = await self._open_websocket(loop_state, request, receive, send)
        except Refusal as refusal:
            self._report(request, refusal)
            return await refuse_websocket(scope, send, refusal.response())
        if transport is not None:
            await transport.run()

    async def _open_websocket(
        self, loop_state: LoopState, request: EngineRequest, receive: Receive, send: Send
    ) -> WebSocket | None:
        codec, sid, headers = await self._admit(loop_state, request)
        loop_state.opening.add(sid)
        try:
            accepted = await _accept(send, headers + self._hooked_headers(request))
        finally:
            loop_state.opening.discard(sid)
        if not accepted:
            return None
        if self._refuse_new:
            await _send_close(send)
            return None
        transport = self._websocket(loop_state, codec, request, receive, send)
        self._open(loop_state, sid, codec, request, transport)
        return transport

    async def _upgrade(
        self, loop_state: LoopState, request: EngineRequest, receive: Receive, send: Send
    ) -> WebSocket | None:
        if not await _accept(send, self._hooked_headers(request)):
            return None
        session = loop_state.sessions.get(request.sid)
        if session is None or not self.options.allow_upgrades or not Upgrade.begin(session):
            await _send_close(send)
            return None
        transport = self._websocket(loop_state, session.codec, request, receive, send)
        session.upgrade = Upgrade(loop_state, session, transport)
        return transport

    def _websocket(
        self,
        loop_state: LoopState,
        codec: EngineCodec,
        request: EngineRequest,
        receive: Receive,
        send: Send,
    ) -> WebSocket:
        attach = find_attach(request.scope)
        if attach is not None:
            direct = TakenOverTransport(loop_state.runtime, codec, Outbox())
            if direct.take_over(attach, max_payload=self.options.max_http_buffer_size):
                return direct
        return WebSocketTransport(
            loop_state.runtime,
            codec,
            Outbox(),
            receive,
            send,
            max_payload=self.options.max_http_buffer_size,
            names_reasons=request.spec_version >= (2, 4),
        )

    def _report(self, request: EngineRequest, refusal: Refusal) -> None:
        _log(request, refusal)
        self._deployment.request_refused(request, refusal)
        if self._hooks.has("connection_error"):
            refused = RefusedRequest(refusal.code, refusal.message, refusal.detail, request)
            self._hooks.call("connection_error", refused)

    def _hooked_headers(self, request: EngineRequest) -> list[Header]:
        if not self._hooks.in_use:
            return []
        names = ["headers"] if request.sid else ["initial_headers", "headers"]
        headers: dict[str, str] = {}
        for name in names:
            self._hooks.call(name, headers, request)
        try:
            return [encode_header(name, value) for name, value in headers.items()]
        except ValueError:
            logger.exception("headers of the application left out")
            return []

    # -- new sessions ------------------------------------------------------------------------

    async def _admit(
        self, loop_state: LoopState, request: EngineRequest
    ) -> tuple[EngineCodec, str, list[Header]]:
        codec = check_handshake(request, self.options)
        if self._uvicorn_exit.watch(loop_state.runtime, request.scope):
            self._refuse_new = False
        self._check_capacity(loop_state)
        await check_allowed(request, self.options)
        sid = await self._generate_id(loop_state, request)
        # allow_request and generate_id may have taken their time.
        self._check_capacity(loop_state)
        cookie = self.options.cookie
        return codec, sid, [] if cookie is None else [cookie_header(cookie, sid)]

    def _check_capacity(self, loop_state: LoopState) -> None:
        limit = self.options.max_clients
        if self._refuse_new:
            raise Refusal(ErrorCode.FORBIDDEN, "Server is shutting down", status=503)
        if limit is not None and loop_state.clients_count >= limit:
            raise Refusal(
                ErrorCode.FORBIDDEN, "Too many clients", status=503, detail=f"max_clients={limit}"
            )

    async def _generate_id(self, loop_state: LoopState, request: EngineRequest) -> str:
        for _ in range(MAX_ID_ATTEMPTS):
            try:
                sid = self.options.generate_id(request)
                if not isinstance(sid, str) and inspect.isawaitable(sid):
                    sid = await sid
            except Exception as error:
                logger.exception("generate_id raised; the request is refused")
                raise Refusal(ErrorCode.BAD_REQUEST, detail="generate_id raised") from error
            if sid and not loop_state.knows(sid):
                return sid
        raise Refusal(ErrorCode.BAD_REQUEST, detail="generate_id returned no unused id")

    def _open(
        self,
        loop_state: LoopState,
        sid: str,
        codec: EngineCodec,
        request: EngineRequest,
        transport: Transport,
    ) -> None:
        loop_state.common.share(request.scope)
        session = Session(loop_state, sid, codec, request, transport)
        loop_state.sessions[sid] = session
        session.listener = self._on_session(session)
        session.open()
        self._hooks.call("connection", session)
        session.listener.on_open()


async def _send_what_waits(loop_state: LoopState) -> None:
    # A client that is between two polls finds its session gone when it comes back.
    connected = [item for item in loop_state.linger_deadlines.items() if item.connected]
    with anyio.move_on_after(GRACE_SECONDS):
        for transport in connected:
            await transport.outbox.drained(loop_state.runtime)


async def _accept(send: Send, headers: list[Header]) -> bool:
    """Accept a WebSocket; False when the client is gone."""
    try:
        await send({"type": "websocket.accept", "headers": headers})
    except Exception as error:  # noqa: BLE001  # every server has its own for a lost client
        logger.debug("the client left during its WebSocket handshake: %r", error)
        return False
    return True


async def _send_close(send: Send) -> None:
    with contextlib.suppress(Exception):  # the client may have been faster
        await send({"type": "websocket.close"})


async def refuse_websocket(scope: Scope, send: Send, response: Response) -> None:
    """Refuse a WebSocket with an HTTP response, where the ASGI server can send one."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        return await send({"type": "websocket.close"})
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(response.body)),
    ]
    status = response.status
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})


def _log(request: EngineRequest, refusal: Refusal) -> None:
    # A page that is not allowed to connect is somebody's configuration; the rest is noise of the
    # internet, or of clients that come back after a restart.
    level = logging.WARNING if refusal.code is ErrorCode.FORBIDDEN else logging.INFO
    logger.log(level, "refused %s from %s: %s", request.scope["type"], request.address, refusal)
