"""A server in a process of its own, for clients that block their thread."""

from __future__ import annotations

from typing import Any

import anyio

from socketio_asgi import ConnectionRefused, ConnectionStateRecovery, Server, Socket

io = Server(
    ping_interval=1,
    ping_timeout=1,
    connection_state_recovery=ConnectionStateRecovery(max_disconnection_duration=60),
)
admin = io.of("/admin")
slow = io.of("/slow")
left: list[str] = []


@io.on("echo")
async def echo(socket: Socket, *args: Any) -> Any:
    return args


@io.on("again")
async def again(socket: Socket, *args: Any) -> None:
    await socket.emit("again", *args)


@io.on("ask me")
async def ask_me(socket: Socket, *args: Any) -> Any:
    return await socket.emit_with_ack("question", *args, timeout=5)


@io.on("never")
async def never(socket: Socket, *, ack: Any) -> None:
    """Keep the acknowledgement."""


@io.on("leave")
async def leave(socket: Socket) -> None:
    await socket.disconnect()


@io.on("cut")
async def cut(socket: Socket) -> None:
    socket.conn.close()


@io.on("cut and send")
async def cut_and_send(socket: Socket, *args: Any) -> None:
    socket.conn.close()
    await anyio.sleep(0.01)
    await io.to(socket.id).emit("again", *args)


@io.on("burst")
async def burst(socket: Socket, count: int) -> None:
    for number in range(count):
        await socket.emit("again", number)


@io.on("who am I")
async def who_am_i(socket: Socket) -> Any:
    return {
        "id": socket.id,
        "auth": socket.handshake.auth,
        "query": dict(socket.handshake.query),
        "header": socket.handshake.headers.get("x-test"),
        "transport": socket.conn.transport.name,
        "recovered": socket.recovered,
    }


@io.on("who left")
async def who_left(socket: Socket) -> list[str]:
    return left


@io.on("disconnect")
async def disconnected(socket: Socket, reason: str) -> None:
    left.append(reason)


@slow.use
async def think(socket: Socket) -> None:
    await anyio.sleep(0.2)


@admin.use
async def check(socket: Socket) -> None:
    if socket.handshake.auth.get("token") != "secret":
        raise ConnectionRefused("who are you?", {"code": 42})


@admin.on("hello")
async def hello(socket: Socket) -> str:
    return "admin"
