"""The requests of a server that is mounted in Starlette or FastAPI, served past the application.

A request may pass an application by when it would have passed through it untouched. That is looked
at anew for each of them, as far as it can change: an application that gets a route or a middleware
is not passed by any more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Match, Mount
from starlette.types import Scope

from ..extensions.direct import Accept, DirectConnection, DirectRequests
from ..server.server import Server
from ..websocket.headers import Header

_ATTRIBUTE = "__direct_requests__"

_LAYERS = {
    "starlette.middleware.errors.ServerErrorMiddleware",
    "starlette.middleware.exceptions.ExceptionMiddleware",
    "fastapi.middleware.asyncexitstack.AsyncExitStackMiddleware",
    # With a limit there is another layer within.
    "fastapi._body_limit.AppBodyLimitMiddleware",
    # Where telemetry is on, the application itself is asked first.
    "fastapi.telemetry._asgi.ExceptionTelemetryMiddleware",
}
"""The middlewares that applications have by themselves, and that let requests pass untouched."""

_ROUTING = {"starlette.routing", "fastapi.routing", "socketio_asgi.integrations.starlette"}
"""The modules whose routes, but for ``Host``, look at nothing but the path and the method."""


def offer_direct_requests(app: Starlette, route: Mount, server: Server, *, always: bool) -> None:
    """Let a mounted server serve its requests past its application.

    Args:
        app: The application.
        route: The route of the server, among those of the application.
        server: The server.
        always: Whether to do so past everything that stands in between.
    """
    offers: object = getattr(app, _ATTRIBUTE, None)
    if not isinstance(offers, _Offers):
        offers = _Offers()
        setattr(app, _ATTRIBUTE, offers)
    offers.mounted.append(_Passage(app, route, server, always=always))


class _Offers:
    """The servers that are mounted in an application."""

    def __init__(self) -> None:
        self.mounted: list[_Passage] = []

    def __call__(self) -> Mapping[bytes, DirectRequests]:
        """The requests that need no ASGI, by their paths."""
        found: dict[bytes, DirectRequests] = {}
        for passage in self.mounted:
            for path, requests in passage.by_path().items():
                found.setdefault(path, _PassingBy(passage, requests))
        return found


class _Passage:
    """The way to a server through an application, as long as there is nothing on it."""

    def __init__(self, app: Starlette, route: Mount, server: Server, *, always: bool) -> None:
        self._app = app
        self._route = route
        self._server = server
        self._always = always
        # What was looked at last, and whether there was nothing on the way.
        self._seen: tuple[object, ...] = ()
        self._free = False

    def by_path(self) -> Mapping[bytes, DirectRequests]:
        """The requests of the server, by their paths."""
        server = self._server
        if type(server).__call__ is not Server.__call__ or "{" in self._route.path:
            return {}
        return server.__entry_point__.mounted_requests(self._route.path, self._prepare)

    def _prepare(self, scope: Scope) -> None:
        """Put into a scope what the application would have put there."""
        scope["app"] = self._app
        scope["router"] = self._app.router
        scope.update(self._route.matches(scope)[1])

    @property
    def free(self) -> bool:
        """True if requests would pass through the application untouched."""
        if self._always:
            return True
        app = self._app
        if _has_telemetry(app):
            return False
        seen = (app.middleware_stack, app.router, app.router.routes, len(app.router.routes))
        if seen != self._seen:
            self._seen, self._free = seen, self._is_free()
        return self._free

    def _is_free(self) -> bool:
        app, router = self._app, self._app.router
        if getattr(app, "root_path", "") or not _is_as_made(app):
            return False
        layer: Any = app.middleware_stack  # None before the first scope, such as the lifespan
        while _name(layer) in _LAYERS:
            layer = layer.app
        return (
            layer is router
            and type(router).__module__ in _ROUTING
            and router.middleware_stack == router.app
            and self._comes_first(router.routes)
        )

    def _comes_first(self, routes: list[BaseRoute]) -> bool:
        path = self._route.path
        scopes: list[Scope] = [
            {"type": kind, "method": method, "path": asked, "headers": (), "query_string": b""}
            for kind, method in (("http", "GET"), ("http", "POST"), ("websocket", "GET"))
            for asked in (path, path + "/")
        ]
        for route in routes:
            if route is self._route:
                return True
            if type(route).__module__ not in _ROUTING or isinstance(route, Host):
                return False
            if any(route.matches(scope)[0] is not Match.NONE for scope in scopes):
                return False
        return False


class _PassingBy:
    """Requests of a server that pass its application by while nothing is on the way."""

    def __init__(self, passage: _Passage, requests: DirectRequests) -> None:
        self._passage = passage
        self._requests = requests

    def serve(
        self,
        connection: DirectConnection,
        method: str,
        query_string: bytes,
        headers: list[Header],
        body: bytes,
    ) -> bool:
        """Serve an HTTP request; False leaves it to the application."""
        return self._passage.free and self._requests.serve(
            connection, method, query_string, headers, body
        )

    def open(self, scope: Scope, accept: Accept) -> bool:
        """Serve the handshake of a WebSocket; False leaves it to the application."""
        return self._passage.free and self._requests.open(scope, accept)


def _is_as_made(app: Starlette) -> bool:
    """True if an application has the methods of its framework on the way of requests."""
    fastapi = getattr(sys.modules.get("fastapi"), "FastAPI", Starlette)
    return type(app).__call__ in (Starlette.__call__, fastapi.__call__)


def _has_telemetry(app: Starlette) -> bool:
    """True if FastAPI itself observes the requests of an application."""
    telemetry = getattr(app, "_native_telemetry", None)
    if telemetry is None:
        return False
    enabled: object = getattr(telemetry, "enabled", None)
    return not callable(enabled) or bool(enabled())


def _name(layer: object) -> str:
    kind = type(layer)
    return f"{kind.__module__}.{kind.__qualname__}"
