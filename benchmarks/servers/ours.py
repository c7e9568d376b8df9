"""Ours, as anybody would write it: a default server, with all of its checks and limits."""

from __future__ import annotations

from typing import Any

from socketio_asgi import Server, Socket

app = Server()


@app.on("echo")
async def echo(socket: Socket, data: Any) -> Any:
    return data


@app.on("broadcast")
async def broadcast(socket: Socket, data: Any) -> None:
    await app.emit("news", data)


@app.on("storm")
async def storm(socket: Socket, count: int, data: Any) -> None:
    for _ in range(count):
        await socket.emit("news", data)


@app.on("join")
async def join(socket: Socket, *rooms: str) -> int:
    await socket.join(*rooms)
    return len(rooms)


@app.on("leave")
async def leave(socket: Socket, room: str) -> int:
    await socket.leave(room)
    return 1


@app.on("tell")
async def tell(socket: Socket, room: str, data: Any) -> None:
    await app.to(room).emit("news", data)
