"""Clients that lose their connection, or their server, miss nothing: Redis keeps what they need.

socketio-asgi run main:app
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from socketio_asgi import ConnectionStateRecovery, Event, Server, Socket
from socketio_asgi.adapters import RedisStreamsAdapter
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")
ROOM = "sample room"


class Client(TypedDict):
    """What is known of a client; its ``socket.data`` comes back with it."""

    since: str


ping = Event("ping", str)

io = Server(
    adapter=RedisStreamsAdapter(os.environ.get("REDIS_URL", "redis://localhost")),
    connection_state_recovery=ConnectionStateRecovery(
        max_disconnection_duration=120,  # seconds
        skip_middlewares=True,
    ),
)
io.emits(ping)


@io.on("connection")
async def connected(socket: Socket[Client]) -> None:
    if not socket.recovered:  # a new client, or one that was away for too long
        socket.data["since"] = now()
        await socket.join(ROOM)


@io.on("since")
async def since(socket: Socket[Client]) -> str:
    """When the client has come first; it is the same after a recovery."""
    return socket.data["since"]


async def tick() -> None:
    while True:
        await io.to(ROOM).emit(ping, now())
        await asyncio.sleep(1)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()


app = Starlette(routes=[Route("/", show_page)], lifespan=lifespan)
mount(app, "/socket.io", io)
