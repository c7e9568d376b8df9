"""The entry point: from an ASGI scope to the engine, however the server is put into an application.

A server is reached in three ways:

    stand-alone   uvicorn main:io                 ``/socket.io/`` is ours, the rest is 404
    mounted       app.mount("/socket.io", io)     what the mount leaves over is ours
    wrapped       SocketIOMiddleware(app, io)     ``/socket.io/`` is ours, the rest goes inside
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..checks import shown
from ..engine.core import EngineCore
from ..engine.direct import Prepare
from ..engine.http.request import parse_query
from ..engine.http.response import Response, refuse
from ..engine.transports.registry import SCOPE_TYPES
from ..extensions.direct import DirectRequests
from ..runtime.log_limit import may_log_fault
from ..websocket.frames import CloseCode
from .client_files import ClientFiles
from .direct import EndpointRequests

logger: logging.Logger = logging.getLogger("socketio_asgi.asgi")


SERVER_KEY = "socketio_asgi.server"
"""The key of ASGI scopes below which the application finds the server that is in front of it."""

MAX_MIDDLEWARES = 100
"""Middlewares around an application that are looked through for it: there may be a circle."""


class EntryPoint:
    """Leads ASGI scopes to the engine, to the client's files, or to the wrapped application.

    Args:
        engine: The engine, which serves the requests of Socket.IO clients.
        path: The path where they are expected, unless the server is mounted.
        trailing_slash: Whether clients put a slash behind the path (both are served).
        files: The JavaScript client, if it is served.
        lifespan: Makes the context in which the server lives.
    """

    def __init__(
        self,
        engine: EngineCore,
        path: str,
        *,
        trailing_slash: bool,
        files: ClientFiles | None,
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._engine = engine
        self._handle = engine.requests.handle
        self._path = "/" + path.strip("/")
        self._endpoints = (self._path + "/", self._path)
        self._slash = "/" if trailing_slash else ""
        self._files = files
        self.lifespan = lifespan

    @property
    def path(self) -> str:
        """The path where clients are expected, unless the server is mounted."""
        return self._path

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve a scope as an application: stand-alone or mounted."""
        if scope["type"] == "lifespan":
            return _serve_lifespan(self.lifespan, receive, send)
        if self._is_endpoint(scope):  # nearly always
            return self._handle(scope, receive, send)
        place = _locate(scope)
        serving = self._enter(self._rest(place, mountable=True), scope, receive, send)
        if serving is not None:
            return serving
        prefix = "" if place.mounted else self._path
        return self._answer_wrong_path(place.root + prefix + self._slash, scope, receive, send)

    def direct_requests(self, prepare: Prepare) -> Mapping[bytes, DirectRequests]:
        """The requests to the endpoint of a server that is not mounted, to be served without ASGI.

        Args:
            prepare: Puts into the scope of a new client what stands around the server.
        """
        requests = EndpointRequests(self._engine.direct, prepare)
        return {path.encode(): requests for path in self._endpoints if _is_literal(path)}

    def mounted_requests(self, prefix: str, prepare: Prepare) -> Mapping[bytes, DirectRequests]:
        """The same below a mount."""
        requests = EndpointRequests(self._engine.direct, prepare)
        paths = (prefix, prefix + "/")
        return {path.encode(): requests for path in paths if _is_literal(path)}

    async def close(self) -> None:
        """End the server."""
        await self._engine.close()

    async def wrap(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is ours, and leave everything else to another application."""
        if scope["type"] == "lifespan":
            return await _WrappedLifespan(self, receive, send).run(app, scope)
        if scope["type"] not in SCOPE_TYPES:
            return await app(scope, receive, send)
        if self._is_endpoint(scope):
            scope.setdefault("app", _framework(app))
            return await self._handle(scope, receive, send)
        place = _locate(scope)
        serving = self._enter(self._rest(place, mountable=False), scope, receive, send)
        if serving is not None:
            scope.setdefault("app", _framework(app))
            return await serving
        if _speaks_engine_io(scope):
            send = _with_diagnostic(place.root + self._path + self._slash, scope, send)
        await app(scope, receive, send)

    def _is_endpoint(self, scope: Scope) -> bool:
        """True when this is our endpoint at first sight."""
        return scope["path"] in self._endpoints and not scope.get("root_path")

    def _enter(
        self, rest: str | None, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None] | None:
        """The serving of a scope, to be awaited; None when it is not ours."""
        if rest == "":
            return self._handle(scope, receive, send)
        files = self._files
        if rest is None or files is None or scope["type"] != "http" or not files.has(rest):
            return None
        return files.serve(rest, scope, send)

    def _rest(self, place: _Place, *, mountable: bool) -> str | None:
        """The rest of the path below our endpoint; None when it does not lead there."""
        for path in place.paths:
            if path == self._path or path.startswith(self._path + "/"):
                return path[len(self._path) + 1 :]
        # Below a mount, what the mount leaves over is the endpoint itself.
        return place.paths[0].removeprefix("/") if place.root and mountable else None

    async def _answer_wrong_path(
        self, expected: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        if _speaks_engine_io(scope):
            return await _send_diagnostic(expected, scope, send)
        await refuse(scope, send, Response(404, b"Not Found"))


def _is_literal(path: str) -> bool:
    """True for a path that comes in requests as it is: nothing in it can be percent-encoded."""
    return path.isascii() and quote(path) == path


class HasEntryPoint(Protocol):
    """A server, as the middleware sees it."""

    @property
    def __entry_point__(self) -> EntryPoint:
        """The place where scopes go in."""
        ...


AnyApplication = Callable[[Any, Any, Any], Awaitable[object]]
"""An ASGI application; every framework has types of its own for what it is given."""


class SocketIOMiddleware:
    """An ASGI middleware that puts a Socket.IO server in front of an application.

    Args:
        app: The application; its lifespan, routes and WebSockets work as before.
        server: The Socket.IO server.

    Raises:
        TypeError: The application cannot be called, or the server is none of Socket.IO.

    Example:
        ```python
        app = SocketIOMiddleware(fastapi_app, io)
        # or
        fastapi_app.add_middleware(SocketIOMiddleware, server=io)
        ```
    """

    def __init__(self, app: AnyApplication, server: HasEntryPoint) -> None:
        entry_point = getattr(server, "__entry_point__", None)
        if not callable(app) or entry_point is None:
            raise TypeError(
                "SocketIOMiddleware takes an ASGI application and a Server, in this order, not"
                f" {shown(app)} and {shown(server)}"
            )
        self._app: ASGIApp = cast("ASGIApp", app)
        self._server = server  # for whoever looks for it in a stack of applications
        self._entry_point: EntryPoint = entry_point

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        if scope["type"] in SCOPE_TYPES:
            scope[SERVER_KEY] = self._server
        await self._entry_point.wrap(self._app, scope, receive, send)

    def __direct_requests__(self) -> Mapping[bytes, DirectRequests]:
        """The requests that need no ASGI; see :mod:`socketio_asgi.extensions.direct`."""
        if type(self).__call__ is not SocketIOMiddleware.__call__:
            return {}  # a subclass does something around it

        def prepare(scope: Scope) -> None:
            scope[SERVER_KEY] = self._server
            scope.setdefault("app", _framework(self._app))

        return self._entry_point.direct_requests(prepare)


def _framework(app: Any) -> Any:
    """The application of Starlette or FastAPI within middlewares, as it puts itself into scopes."""
    framework = getattr(sys.modules.get("starlette.applications"), "Starlette", None)
    if framework is None:  # nobody has made one
        return app
    inner = app
    for _ in range(MAX_MIDDLEWARES):
        if isinstance(inner, framework):
            return inner
        inner = getattr(inner, "app", None)
    return app


class _Place(NamedTuple):
    """The place where a request arrived.

    Attributes:
        root: The prefix under which the application is reached.
        paths: The possible rests of the path, below it; the most likely first.
        mounted: Whether a framework's mount made (the end of) the prefix, and not a proxy.
    """

    root: str
    paths: tuple[str, ...]
    mounted: bool


def _locate(scope: Scope) -> _Place:
    path: str = scope["path"]
    remaining: str | None = scope.get("path_remaining")  # a URLRouter of Channels
    if remaining is not None:
        rest = "/" + remaining.lstrip("/")
        return _Place(path.removesuffix(remaining).rstrip("/"), (rest,), mounted=True)
    root: str = scope.get("root_path", "").rstrip("/")
    if not root:
        prefix = _stripped_prefix(scope)
        return _Place(prefix, (path,), bool(prefix))
    # Starlette's Mount keeps the prefix that was there before it.
    outer: str | None = scope.get("app_root_path")
    mount = "" if outer is None else root.removeprefix(outer.rstrip("/"))
    # ASGI has the whole prefix in `path`. But a server may be told of a prefix that a proxy strips,
    # which is then not in the path, and some frameworks strip the prefix of a mount as well.
    for prefix in (root, mount):
        if prefix and _is_below(path, prefix):
            rest = path[len(prefix) :]
            # A server that is told of a prefix puts it before the path. It is there twice when no
            # proxy has stripped it, and it may be a part of our own path.
            twice = (rest[len(root) :],) if _is_below(rest, root) else ()
            return _Place(root, (rest, *twice, path), bool(mount))
    return _Place(root, (path,), bool(mount))


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _stripped_prefix(scope: Scope) -> str:
    """The prefix that a framework has taken off without telling ``root_path``, as Litestar does."""
    raw: bytes = scope.get("raw_path") or b""
    whole = unquote(raw.partition(b"?")[0].decode("latin-1")).rstrip("/")
    rest = scope["path"].rstrip("/")
    return whole.removesuffix(rest) if whole.startswith("/") and whole.endswith(rest) else ""


def _speaks_engine_io(scope: Scope) -> bool:
    query = parse_query(scope["query_string"])
    return "EIO" in query and "transport" in query


async def _send_diagnostic(expected: str, scope: Scope, send: Send) -> None:
    asked = _stripped_prefix(scope) + scope["path"]
    message = (
        f"no Socket.IO endpoint at {asked[:200]!r}: it is at {expected!r};"
        f" connect with io({{ path: {expected!r} }})"
    )
    if may_log_fault(f"a path other than {expected!r}"):
        logger.warning("%s", message)
    await refuse(scope, send, Response(404, message.encode()))


def _with_diagnostic(expected: str, scope: Scope, send: Send) -> Send:
    """Let a "not found" of the inner application say where the client should have gone."""
    undecided, replaced = True, False

    async def send_with_diagnostic(message: Message) -> None:
        nonlocal undecided, replaced
        if undecided and _is_not_found(message):
            replaced = True
            await _send_diagnostic(expected, scope, send)
        undecided = False
        if not replaced:
            await send(message)

    return send_with_diagnostic


def _is_not_found(message: Message) -> bool:
    if message["type"] == "websocket.close":  # what routers do with a WebSocket that has no route
        return bool(message.get("code", CloseCode.NORMAL) == CloseCode.NORMAL)
    return message.get("status") == 404


async def _serve_lifespan(
    lifespan: Callable[[], AbstractAsyncContextManager[None]], receive: Receive, send: Send
) -> None:
    await receive()  # lifespan.startup
    async with lifespan():
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
    await send({"type": "lifespan.shutdown.complete"})


class _WrappedLifespan:
    """Runs the lifespan of an inner application within the one of the server.

    The server ends before the application is told to shut down, while what its handlers use is
    still there. An application that knows no lifespan is served without one.
    """

    def __init__(self, entry_point: EntryPoint, receive: Receive, send: Send) -> None:
        self._entry_point = entry_point
        self._receive = receive
        self._send = send
        self._startup: Message | None = None
        self._answered = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Serve the lifespan scope."""
        async with self._entry_point.lifespan():
            try:
                await app(scope, self._receive_and_close, self._send_and_note)
            except Exception:
                if self._answered:
                    raise
                logger.debug("the wrapped application has no lifespan", exc_info=True)
            if not self._answered:
                await self._serve_alone()

    async def _serve_alone(self) -> None:
        if self._startup is None:
            await self._receive()
        await self._send({"type": "lifespan.startup.complete"})
        await self._receive()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def _receive_and_close(self) -> Message:
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            self._startup = message
        else:
            await self._entry_point.close()
        return message

    async def _send_and_note(self, message: Message) -> None:
        self._answered = True
        await self._send(message)
