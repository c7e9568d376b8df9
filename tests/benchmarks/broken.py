"""Servers that do the scenario wrongly, for the benchmarks to notice."""

from __future__ import annotations

from typing import Any

from socketio_asgi import Server, Socket

app = Server()
sockets: list[Socket] = []


@app.on("connection")
async def connected(socket: Socket) -> None:
    sockets.append(socket)


@app.on("echo")
async def echo(socket: Socket, data: str) -> str:
    return data[1:]


@app.on("broadcast")
async def broadcast(socket: Socket, data: Any) -> None:
    """Leave out the first client, and tell the second one twice."""
    for each in (sockets[1], *sockets[1:]):
        await each.emit("news", data)
