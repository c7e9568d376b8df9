"""Applications of frameworks that tell of a mount in their own way."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django import urls
from django.core.asgi import get_asgi_application
from litestar import Litestar, asgi, get

from socketio_asgi import Server, SocketIOMiddleware
from tests.frameworks.django_settings import configure

configure()


django = get_asgi_application()
path: Any = urls.path  # which is for views, and so are its types
re_path: Any = urls.re_path


def channels(route: Any) -> Any:
    """Channels' routers with a server behind one route, and Django behind the others."""
    io = route.callback
    router: Any = URLRouter
    http = router([route, re_path(r"", django)])
    return ProtocolTypeRouter({"http": http, "websocket": router([route]), "lifespan": io})


daphne_app = channels(path("live/", Server()))


def litestar(mount_path: str, io: Server) -> Litestar:
    """Litestar with a server mounted in it."""

    @asgi(mount_path, is_mount=True, copy_scope=True)
    async def live(scope: Any, receive: Any, send: Any) -> None:
        await io(scope, receive, send)

    @get("/")
    async def front_page() -> str:
        return "Litestar"

    return Litestar([live, front_page], lifespan=[io.lifespan], logging_config=None)


def wrapped_litestar(io: Server) -> Any:
    """A server around Litestar."""

    @get("/")
    async def front_page() -> str:
        return "Litestar"

    app: Any = Litestar([front_page], logging_config=None)
    return SocketIOMiddleware(app, io)
