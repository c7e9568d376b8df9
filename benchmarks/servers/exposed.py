"""Ours, with what it takes to be abused: slow handlers, namespaces of any name, recovery."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from socketio_asgi import Server, Socket

SLOW = 60.0  # seconds: longer than most measurements
BLOCKED = 0.5  # seconds that a handler keeps a thread

app = Server(allow_eio3=True, connection_state_recovery=True)
rooms = app.of(re.compile(r"/room-\d+"))
visits = app.of(re.compile(r"/visit-\d+"))
left = app.of("/left")


@app.on("echo")
async def echo(socket: Socket, data: Any) -> Any:
    return data


@app.on("tasks")
async def tasks(socket: Socket, data: Any) -> int:
    return len(asyncio.all_tasks())


@app.on("work")
async def work(socket: Socket, data: Any) -> None:
    await asyncio.sleep(SLOW)


@app.on("fail")
async def fail(socket: Socket, data: Any) -> None:
    raise LookupError(data)


@app.on("tell")
async def tell(socket: Socket, data: Any) -> None:
    await socket.emit("news", data)


@app.on("block")
def block(socket: Socket, data: Any) -> None:
    time.sleep(BLOCKED)


@app.on("glance")
def glance(socket: Socket, data: Any) -> Any:
    return data


@rooms.use
async def admit(socket: Socket) -> None:
    await asyncio.sleep(SLOW if "late" in socket.handshake.auth else 0)


@left.on("disconnect")
async def clean_up(socket: Socket, reason: str) -> None:
    await asyncio.sleep(SLOW)
