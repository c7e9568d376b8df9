"""python-socketio as an ASGI application."""

from __future__ import annotations

from typing import Any

import socketio

io = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(io)


async def echo(sid: str, data: Any) -> Any:
    return data


async def broadcast(sid: str, data: Any) -> None:
    await io.emit("news", data)


async def storm(sid: str, count: int, data: Any) -> None:
    for _ in range(count):
        await io.emit("news", data, to=sid)


async def join(sid: str, *rooms: str) -> int:
    for room in rooms:
        await io.enter_room(sid, room)
    return len(rooms)


async def leave(sid: str, room: str) -> int:
    await io.leave_room(sid, room)
    return 1


async def tell(sid: str, room: str, data: Any) -> None:
    await io.emit("news", data, to=room)


for handler in (echo, broadcast, storm, join, leave, tell):
    io.on(handler.__name__, handler)
