"""A chat in Starlette, for people who have logged in: rooms, checked messages, announcements.

uvicorn examples.starlette_chat:app    (needs itsdangerous, for the cookie of the session)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from socketio_asgi import ConnectionRefused, EventError, Server, Socket
from socketio_asgi.integrations.starlette import mount


class Person(TypedDict):
    """What is known of a client; its ``socket.data``."""

    name: str


@dataclass
class Line:
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


async def log_in(request: Request) -> PlainTextResponse:
    form = await request.json()  # your own check of a password goes here
    request.session["name"] = str(form["name"])
    return PlainTextResponse(f"hello {form['name']}")


async def announce(request: Request) -> JSONResponse:
    if "name" not in request.session:
        return JSONResponse({"error": "log in first"}, 403)
    await io.emit("announcement", (await request.json())["text"])
    return JSONResponse({"clients": io.engine.clients_count})


app = Starlette(
    routes=[
        Route("/login", log_in, methods=["POST"]),
        Route("/announce", announce, methods=["POST"]),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key="change me")],
)
mount(app, "/socket.io", io)
