"""Ours, with what it takes for clients to hoard: slow handlers, namespaces of any name."""

from __future__ import annotations

import re
from typing import Any

import anyio

from socketio_asgi import Server, Socket

SECONDS = 60.0  # longer than any measurement

app = Server(allow_eio3=True)
rooms = app.of(re.compile(r"/room-\d+"))


@app.on("echo")
async def echo(socket: Socket, data: Any) -> Any:
    return data


@app.on("work")
async def work(socket: Socket, data: Any) -> None:
    await anyio.sleep(SECONDS)


@rooms.use
async def admit(socket: Socket) -> None:
    await anyio.sleep(SECONDS if "late" in socket.handshake.auth else 0)
