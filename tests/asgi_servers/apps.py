"""The applications that the server processes run: one server, reached in three ways."""

from __future__ import annotations

import sys

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from socketio_asgi import Server, Socket, SocketIOMiddleware
from socketio_asgi.engine.transports.taken_over import TakenOverTransport
from socketio_asgi.integrations.starlette import SocketIOMount

io = Server()
gone: dict[str, str] = {}
"""By the name that a client gave in its query: why it left."""


@io.on("disconnect")
async def disconnected(socket: Socket, reason: str) -> None:
    gone[socket.handshake.query.get("name", "")] = reason
    sys.stdout.write(f"gone: {reason}\n")  # for those who ask when the process has ended


@io.on("gone")
async def why(_socket: Socket, name: str) -> str | None:
    return gone.get(name)


@io.on("polls")
async def polls(_socket: Socket, name: str) -> bool:
    """Whether the client of that name waits for an answer to its poll."""
    named = (s for s in io.sockets.sockets.values() if s.handshake.query.get("name") == name)
    return any(socket.conn.__socketio__.transport.connected for socket in named)


@io.on("echo")
async def echo(_socket: Socket, *args: object) -> tuple[object, ...]:
    return args


@io.on("ask")
async def ask(socket: Socket, question: object) -> object:
    return await socket.emit_with_ack("question", question, timeout=10)


@io.on("taken over")
async def taken_over(socket: Socket) -> bool:
    return isinstance(socket.conn.__socketio__.transport, TakenOverTransport)


@io.on("bye")
async def bye(socket: Socket) -> None:
    await socket.disconnect(close=True)


@io.on("flood")
async def flood(socket: Socket, size: int) -> None:
    for _ in range(10):
        await socket.emit("water", "x" * (size // 10))


@io.on("sleep")
async def sleep(_socket: Socket) -> None:
    await anyio.sleep_forever()


async def home(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("home")


routes = [Route("/", home)]
wrapped = SocketIOMiddleware(Starlette(routes=routes), io)
mounted = Starlette(routes=[*routes, SocketIOMount("/socket.io", io)])
mounted_with_lifespan = Starlette(
    routes=[*routes, SocketIOMount("/socket.io", io)], lifespan=io.lifespan
)
