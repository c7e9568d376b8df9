"""A chat in Litestar, for people who have logged in: rooms, checked messages, announcements.

uvicorn examples.litestar_chat:app
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
from litestar import Litestar, Request, post
from litestar.exceptions import PermissionDeniedException
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.params import Body

from socketio_asgi import ConnectionRefused, EventError, Server, Socket
from socketio_asgi.integrations.litestar import SocketIOPlugin


class Person(TypedDict):
    """What is known of a client; its ``socket.data``."""

    name: str


class Line(msgspec.Struct):
    """One message; an event whose argument is none never reaches the handler."""

    room: str
    text: str


class NotJoined(EventError):
    code = "not_joined"


io = Server()


# -- events -------------------------------------------------------------------------------------


@io.use
async def authenticate(socket: Socket[Person]) -> None:
    name = socket.handshake.connection.session.get("name")
    if not isinstance(name, str):
        raise ConnectionRefused("log in first")
    socket.data["name"] = name


@io.on("join")
async def join(socket: Socket[Person], room: str) -> list[str]:
    await socket.join(room)
    await socket.to(room).emit("joined", room, socket.data["name"])
    return sorted(member.data["name"] for member in await io.in_(room).fetch_sockets())


@io.on("say")
async def say(socket: Socket[Person], line: Line) -> str:
    if line.room not in socket.rooms:
        raise NotJoined(message=f"join {line.room!r} first")
    await socket.to(line.room).emit("said", socket.data["name"], line)
    return "delivered"


# -- routes -------------------------------------------------------------------------------------


class Login(msgspec.Struct):
    name: str


class Announcement(msgspec.Struct):
    text: str


@post("/login", status_code=200)
async def log_in(request: Request[Any, Any, Any], data: Annotated[Login, Body()]) -> str:
    request.session["name"] = data.name  # your own check of a password goes here
    return f"hello {data.name}"


@post("/announce", status_code=200)
async def announce(
    request: Request[Any, Any, Any], data: Annotated[Announcement, Body()]
) -> dict[str, int]:
    if "name" not in request.session:
        raise PermissionDeniedException("log in first")
    await io.emit("announcement", data.text)
    return {"clients": io.engine.clients_count}


app = Litestar(
    [log_in, announce],
    middleware=[ServerSideSessionConfig().middleware],
    plugins=[SocketIOPlugin(io)],
)
