"""The application that the servers of the tests run, in processes of their own."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from socketio_asgi import Server, Socket, SocketIOMiddleware
from socketio_asgi.adapters import RedisAdapter, RedisClusterEngine


def make_server(**options: Any) -> Server:
    url, prefix = os.environ["REDIS_URL"], os.environ["PREFIX"]
    engine = RedisClusterEngine(url, channel_prefix=f"{prefix}-engine")
    io = Server(adapter=RedisAdapter(url, key=prefix), cluster_engine=engine, **options)

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

    @io.on("counters")
    async def counters(socket: Socket) -> list[Any]:
        return [_counters(), *await io.server_side_emit_with_ack("counters")]

    @io.on_server_event("counters")
    async def own_counters() -> Any:
        return _counters()

    def _counters() -> dict[str, int]:
        health = io.cluster.engine_health
        return {} if health is None else {**health.counters, **health.dropped}

    return io


io = make_server()


async def _held(_request: Request) -> JSONResponse:
    health = io.cluster.engine_health
    return JSONResponse(0 if health is None else health.held)


app = SocketIOMiddleware(Starlette(routes=[Route("/held", _held)]), io)
"""The same, which also tells how much it has of other servers' sessions."""

_numbers = iter(range(10**9))
io_with_own_ids = make_server(
    generate_id=lambda _request: f"own-{os.getpid()}-{next(_numbers)}-{os.urandom(8).hex()}"
)
"""Ids that do not say which server has made them."""
