"""python-socketio as one of several servers, over Redis (CLUSTER_BROKER)."""

from __future__ import annotations

import os
from typing import Any

import socketio

manager = socketio.AsyncRedisManager(os.environ["CLUSTER_BROKER"])
io = socketio.AsyncServer(async_mode="asgi", client_manager=manager)
app = socketio.ASGIApp(io)


async def echo(sid: str, data: Any) -> Any:
    return data


async def join(sid: str, *rooms: str) -> int:
    for room in rooms:
        await io.enter_room(sid, room)
    return len(rooms)


async def tell(sid: str, room: str, data: Any) -> None:
    await io.emit("news", data, to=room)


for handler in (echo, join, tell):
    io.on(handler.__name__, handler)
