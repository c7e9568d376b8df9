"""Applications that the workers of the tests serve."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from socketio_asgi import Server, Socket, SocketIOMiddleware
from socketio_asgi.adapters import WorkersAdapter


def make_server(**options: Any) -> Server:
    adapter = WorkersAdapter()
    io = Server(adapter=adapter, **options)

    @io.on("pid")
    async def pid(socket: Socket) -> int:
        return os.getpid()

    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value

    @io.on("shout")
    async def shout(socket: Socket, value: Any) -> bool:
        io.emit("heard", value)
        return True

    @io.on("who")
    async def who(socket: Socket) -> list[str]:
        return [other.id for other in await io.fetch_sockets()]

    @io.on("counters")
    async def counters(socket: Socket) -> list[Any]:
        return [adapter.counters, *await io.server_side_emit_with_ack("counters")]

    @io.on_server_event("counters")
    async def own_counters() -> Any:
        return adapter.counters

    return io


io = make_server()

_numbers = iter(range(10**9))
io_with_own_ids = make_server(generate_id=lambda _request: f"own-{os.getpid()}-{next(_numbers)}")
"""Ids that do not say which worker has made them."""

io_with_large_messages = make_server(max_http_buffer_size=4_000_000)


async def _pid(request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


async def _pass(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    return response


mounted = Starlette(
    routes=[Route("/pid", _pid)],
    middleware=[Middleware(BaseHTTPMiddleware, dispatch=_pass)],
    lifespan=None,
)
mounted_io = make_server()
app_in_app = SocketIOMiddleware(mounted, mounted_io)
