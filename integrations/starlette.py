"""Starlette: mount a server so that clients reach it with and without a trailing slash.

```python
from socketio_asgi.integrations.starlette import mount

mount(app, "/socket.io", io)
```

``app.mount("/socket.io", io)`` works as well, for clients that put a slash behind the path, which
is their default, and before routes that take every path. Without the slash, Starlette answers such
a mount with a redirect, which browsers do not follow across origins, and closes the WebSockets.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope

from socketio_asgi.integrations.starlette_direct import offer_direct_requests

from ..asgi.entry_point import SERVER_KEY
from ..checks import check_flag, shown
from ..server.server import Server


class SocketIOMount(Mount):
    """A route for a server: everything below a prefix, and the bare prefix.

    Args:
        path: The prefix, such as ``/socket.io``; it may have parameters.
        server: The Socket.IO server.
        name: The name of the route, for ``url_path_for``.

    Raises:
        TypeError: The path is no text, or the server none of Socket.IO.
        ValueError: The path does not begin with a slash.

    Example:
        ```python
        app = Starlette(routes=[SocketIOMount("/socket.io", io)], lifespan=io.lifespan)
        ```
    """

    def __init__(self, path: str, server: Server, name: str | None = None) -> None:
        if not (isinstance(path, str) and isinstance(server, Server)):
            raise TypeError(
                f"a mount needs a path and a Server, not {shown(path)} and {shown(server)}"
            )
        if path and not path.startswith("/"):
            raise ValueError(f"the path of a mount begins with a slash, /{path}")
        super().__init__(path, app=server, name=name)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Find out whether a request is for the server."""
        match, child_scope = super().matches(scope)
        if match is Match.NONE and scope["type"] in {"http", "websocket"}:
            return super().matches({**scope, "path": scope["path"] + "/"})
        return match, child_scope


def mount(
    app: Starlette,
    path: str,
    server: Server,
    name: str | None = None,
    *,
    direct: bool | None = None,
) -> None:
    """Mount a server, and let it live within the application's lifespan.

    So the server closes before the resources of its handlers do, and it also runs on trio. It
    goes before routes that would take the requests of its clients, such as ``StaticFiles`` at
    ``/``; other routes stay in front of it.

    Args:
        app: The application, of Starlette or FastAPI.
        path: The prefix, such as ``/socket.io``. The server's own ``path`` does not matter.
        server: The Socket.IO server.
        name: The name of the route, for ``url_path_for``.
        direct: Whether our classes for uvicorn may serve clients past the application, which is
            much faster: None lets them as long as the application has no middlewares, and no
            route before this one takes its requests; True also past those; False never.

    Raises:
        TypeError: The arguments are of another kind, or in another order.
        ValueError: The path does not begin with a slash.
    """
    if not isinstance(app, Starlette):
        raise TypeError(f"mount(app, path, server) begins with an application, not {shown(app)}")
    if direct is not None:
        check_flag("direct", direct)
    route, routes = SocketIOMount(path, server, name), app.router.routes
    routes.insert(_position(route, routes), route)
    if direct is not False:
        offer_direct_requests(app, route, server, always=direct is True)
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan_with_server(app: Any) -> AsyncGenerator[Any]:
        async with lifespan(app) as state, server.lifespan():
            yield state

    app.router.lifespan_context = lifespan_with_server


def get_server(connection: HTTPConnection) -> Server:
    """The Socket.IO server of the application that handles a request.

    In FastAPI it is a dependency: ``io: Annotated[Server, Depends(get_server)]``. It is the server
    that is mounted in the application, or that is in front of it as a middleware.

    Args:
        connection: The request, or the WebSocket.

    Raises:
        RuntimeError: There is none.
    """
    found: object = connection.scope.get(SERVER_KEY)
    if found is None:
        found = _mounted_in(connection.scope.get("app"))
    if isinstance(found, Server):
        return found
    raise RuntimeError(
        "there is no Socket.IO server in this application: mount it there, or put it in front of it"
        " with SocketIOMiddleware; where another application has it, take it from the module that"
        " made it"
    )


def _mounted_in(app: Any) -> Server | None:
    """The first server that is mounted in an application, or in one that is mounted there."""
    inner = [getattr(route, "app", None) for route in getattr(app, "routes", ())]
    for candidate in inner:
        if isinstance(candidate, Server):
            return candidate
    found = (_mounted_in(candidate) for candidate in inner if isinstance(candidate, Starlette))
    return next((server for server in found if server is not None), None)


def _position(mount: Mount, routes: Sequence[BaseRoute]) -> int:
    """The position of a mount among the routes: before the first that would take its requests."""
    if mount.path:  # at the root it would take everything itself
        request = {"path": mount.path + "/", "method": "GET", "headers": [], "query_string": b""}
        scopes = [{"type": kind, **request} for kind in ("http", "websocket")]
        for index, route in enumerate(routes):
            if any(route.matches(scope)[0] is not Match.NONE for scope in scopes):
                return index
    return len(routes)
