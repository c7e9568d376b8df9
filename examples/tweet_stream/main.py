"""A stream of short texts: whoever comes gets the latest ones, and then each new one.

socketio-asgi run main:app
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from source import Tweet, watch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from socketio_asgi import Event, Server, Socket
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")
TOPICS = ("python", "sockets")
KEPT = 10

latest: deque[Tweet] = deque(maxlen=KEPT)  # the newest is the first
buffer = Event("buffer", list[Tweet], description="The latest texts, for a client that comes.")
new_tweet = Event("tweet", Tweet, description="A new text.")

io = Server()
io.emits(buffer, new_tweet)


@io.on("connection")
async def connected(socket: Socket) -> None:
    await socket.emit(buffer, list(latest))


async def stream() -> None:
    async for tweet in watch(*TOPICS):
        latest.appendleft(tweet)
        await io.emit(new_tweet, tweet)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    """Let the stream run as long as the application."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream)
        yield
        tasks.cancel_scope.cancel()


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


app = Starlette(routes=[Route("/", show_page)], lifespan=lifespan)
mount(app, "/socket.io", io)
