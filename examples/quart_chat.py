"""A chat in Quart, for people who have logged in: rooms, checked messages, announcements.

hypercorn examples.quart_chat:app    (or uvicorn)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from itsdangerous import BadSignature
from quart import Quart, request, session
from quart.sessions import SecureCookieSessionInterface

from socketio_asgi import ConnectionRefused, EventError, Server, Socket, SocketIOMiddleware


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
quart = Quart(__name__)
quart.secret_key = "change me"
cookies = SecureCookieSessionInterface()


# -- events -------------------------------------------------------------------------------------


def session_of(socket: Socket[Any]) -> dict[str, Any]:
    """The session in the cookie of a client, which Quart opens for its own routes alone."""
    cookie = socket.handshake.connection.cookies.get(cookies.get_cookie_name(quart), "")
    serializer = cookies.get_signing_serializer(quart)
    if serializer is None:  # there is no secret key
        return {}
    try:
        found: dict[str, Any] = serializer.loads(
            cookie, max_age=int(quart.permanent_session_lifetime.total_seconds())
        )
    except BadSignature:
        return {}
    return found


@io.use
async def authenticate(socket: Socket[Person]) -> None:
    name = session_of(socket).get("name")
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


@quart.post("/login")
async def log_in() -> str:
    form = await request.get_json()  # your own check of a password goes here
    session["name"] = str(form["name"])
    return f"hello {session['name']}"


@quart.post("/announce")
async def announce() -> tuple[dict[str, Any], int]:
    if "name" not in session:
        return {"error": "log in first"}, 403
    await io.emit("announcement", (await request.get_json())["text"])
    return {"clients": io.engine.clients_count}, 200


app = SocketIOMiddleware(quart, io)
