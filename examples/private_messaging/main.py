"""Private messages between users who come back as the same, on one server or on several.

socketio-asgi run main:app
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from stores import MemoryStore, Message, RedisStore, Store, User

from socketio_asgi import ConnectionRefused, EventError, Server, Socket
from socketio_asgi.adapters import RedisAdapter
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")
REDIS_URL = os.environ.get("REDIS_URL")  # for several servers
MAX_NAME = 40  # characters
MAX_CONTENT = 2000


class Person(TypedDict):
    """What is known of a client; its ``socket.data``."""

    session_id: str  # known to this browser alone, which comes back with it
    user: User


class UserState(User):
    """A user, as another one sees them."""

    connected: bool
    messages: list[Message]


@dataclass
class Draft:
    """A message that is to be sent."""

    content: str
    to: str

    def __post_init__(self) -> None:
        if not 0 < len(self.content) <= MAX_CONTENT:
            raise ValueError(f"a message has 1 to {MAX_CONTENT} characters")


store: Store = RedisStore(REDIS_URL) if REDIS_URL else MemoryStore()
io = Server(adapter=RedisAdapter(REDIS_URL) if REDIS_URL else None)


@io.use
async def authenticate(socket: Socket[Person]) -> None:
    """Find out who comes back, or let somebody new in under a name."""
    session_id = socket.handshake.auth.get("sessionID")
    if isinstance(session_id, str) and (user := await store.find_session(session_id)):
        socket.data.update(session_id=session_id, user=user)
        return
    username = socket.handshake.auth.get("username")
    if not isinstance(username, str) or not 0 < len(username.strip()) <= MAX_NAME:
        raise ConnectionRefused("invalid username")
    user = User(userID=secrets.token_hex(8), username=username.strip())
    socket.data.update(session_id=secrets.token_hex(16), user=user)


@io.on("connection")
async def connected(socket: Socket[Person]) -> None:
    session_id, user = socket.data["session_id"], socket.data["user"]
    await store.save_session(session_id, user)
    await socket.emit("session", {"sessionID": session_id, "userID": user["userID"]})
    await socket.join(room_of(user["userID"]))
    await socket.emit("users", await list_users(user["userID"]))
    news = UserState(**user, connected=True, messages=[])
    await socket.broadcast.emit("user connected", news)


@io.on("private message")
async def send(socket: Socket[Person], draft: Draft) -> Message:
    """Keep a message, and hand it to the tabs of the recipient and the other tabs of the sender."""
    if not await store.has_user(draft.to):
        raise EventError("unknown_user", "there is no such user")
    sender = socket.data["user"]["userID"]
    message: Message = {
        "id": secrets.token_hex(8),
        "content": draft.content,
        "from": sender,
        "to": draft.to,
    }
    await store.save_message(message)
    await socket.to(room_of(draft.to), room_of(sender)).emit("private message", message)
    return message


@io.on("disconnect")
async def disconnected(socket: Socket[Person]) -> None:
    user = socket.data["user"]
    await store.save_session(socket.data["session_id"], user)  # it expires after this moment
    if not await io.in_(room_of(user["userID"])).fetch_sockets():  # that was the last tab
        await io.emit("user disconnected", user["userID"])


def room_of(user_id: str) -> str:
    """The room with all tabs of a user."""
    return f"user:{user_id}"


async def list_users(viewer: str) -> list[UserState]:
    """All users, each with the messages between them and the viewer."""
    online = {found.data["user"]["userID"] for found in await io.fetch_sockets()}
    conversations: defaultdict[str, list[Message]] = defaultdict(list)
    for message in await store.find_messages(viewer):
        other = message["to"] if message["from"] == viewer else message["from"]
        conversations[other].append(message)
    return [
        UserState(
            **user,
            connected=user["userID"] in online,
            messages=conversations[user["userID"]],
        )
        for user in await store.find_users()
    ]


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    yield
    await store.close()


app = Starlette(routes=[Route("/", show_page)], lifespan=lifespan)
mount(app, "/socket.io", io)
