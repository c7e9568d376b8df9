"""A chat of several servers, whose clients may come to any of them with each request.

REDIS_URL=redis://localhost socketio-asgi run main:app    (or --workers 3, without Redis)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NotRequired, TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import RedisAdapter, RedisClusterEngine
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")
NAME = os.environ.get("NAME", f"worker {os.getpid()}")
REDIS_URL = os.environ.get("REDIS_URL")
USERS = "users"  # the room of those who have said their names


class Data(TypedDict):
    username: NotRequired[str]  # what is known of a client


def make_server() -> Server:
    if REDIS_URL is None:
        return Server()  # alone, or joined with other workers by socketio-asgi run --workers
    # A server that was killed is waited for this long by those that count the users.
    adapter = RedisAdapter(REDIS_URL, heartbeat_interval=0.5, heartbeat_timeout=2.0)
    return Server(adapter=adapter, cluster_engine=RedisClusterEngine(REDIS_URL))


io = make_server()


async def count_users() -> int:
    """The users of all servers: a counter in this process would know its own alone."""
    return len(await io.in_(USERS).fetch_sockets())


@io.on("connection")
async def connected(socket: Socket[Data]) -> None:
    await socket.emit("my-name-is", NAME)


@io.on("add user")
async def add_user(socket: Socket[Data], username: str) -> None:
    if "username" in socket.data:
        return
    socket.data["username"] = username
    await socket.join(USERS)
    count = await count_users()
    await socket.emit("login", {"numUsers": count})
    await socket.broadcast.emit("user joined", {"username": username, "numUsers": count})


@io.on("new message")
async def new_message(socket: Socket[Data], message: str) -> None:
    if username := socket.data.get("username"):
        await socket.broadcast.emit("new message", {"username": username, "message": message})


@io.on("typing")
async def typing(socket: Socket[Data]) -> None:
    await socket.broadcast.emit("typing", {"username": socket.data.get("username")})


@io.on("stop typing")
async def stop_typing(socket: Socket[Data]) -> None:
    await socket.broadcast.emit("stop typing", {"username": socket.data.get("username")})


@io.on("disconnect")
async def disconnected(socket: Socket[Data]) -> None:
    if username := socket.data.get("username"):
        count = await count_users()
        await socket.broadcast.emit("user left", {"username": username, "numUsers": count})


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


app = Starlette(routes=[Route("/", show_page)])
mount(app, "/socket.io", io)
