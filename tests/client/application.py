"""A server in a process of its own, for clients that block their thread."""

from __future__ import annotations

from typing import Any

from socketio_asgi import ConnectionRefused, Server, Socket

io = Server()
admin = io.of("/admin")


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


@admin.use
async def check(socket: Socket) -> None:
    if socket.handshake.auth.get("token") != "secret":
        raise ConnectionRefused("who are you?", {"code": 42})


@admin.on("hello")
async def hello(socket: Socket) -> str:
    return "admin"
