"""A chat room: Socket.IO beside the routes of a small Starlette application.

The browser's half is ``static/chat.js``. Everything is kept in memory, nothing is stored.
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from socketio_asgi import ConnectionRefused, Server, Socket, SocketIOMiddleware

from .page import STATIC, make_page

MAX_NAME = 24  # characters; fits the header of a phone
MAX_MESSAGE = 2000  # characters; a screenful
BAD_NAME = f"A name has 1 to {MAX_NAME} characters."


def create_app(client_dir: Path | None = None) -> SocketIOMiddleware:
    """Return the chat as an ASGI application.

    Args:
        client_dir: folder with ``socket.io.min.js`` (the ``dist`` folder of the npm package
            ``socket.io-client``); without it the browser loads the client from the official CDN.
    """
    io = Server(serve_client=client_dir)
    add_people(io, Names())
    add_messages(io)
    html, headers = make_page(local_client=client_dir is not None)

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(html, headers=headers)

    routes = [Route("/", page), Mount("/static", StaticFiles(directory=STATIC))]
    return SocketIOMiddleware(Starlette(routes=routes), io)


class Names:
    """The names in the room, each of which is unique."""

    def __init__(self) -> None:
        self.online: set[str] = set()

    def take(self, wanted: str) -> str:
        """Enter a name, with a number when it is taken already; returns what was entered."""
        name, number = wanted, 2
        while name in self.online:
            name, number = f"{wanted} {number}", number + 1
        self.online.add(name)
        return name

    @staticmethod
    def clean(name: object) -> str:
        """Return the name on one line without needless space, or "" when it cannot be used."""
        text = " ".join(name.split()) if isinstance(name, str) else ""
        return text if len(text) <= MAX_NAME else ""


def add_people(io: Server, names: Names) -> None:
    """Let clients enter the room under a name, change it, and leave."""

    @io.use
    async def check_name(socket: Socket) -> None:
        if not names.clean(socket.handshake.auth.get("name")):
            raise ConnectionRefused(BAD_NAME)

    @io.on("connection")
    async def join(socket: Socket) -> None:
        socket.data["name"] = names.take(names.clean(socket.handshake.auth.get("name")))
        news = {"name": socket.data["name"], "online": len(names.online)}
        await socket.emit("welcome", news)
        await socket.broadcast.emit("joined", news)

    @io.on("rename")
    async def rename(socket: Socket, wanted: object) -> dict[str, str]:
        cleaned = names.clean(wanted)
        if not cleaned:
            return {"error": BAD_NAME}
        old = socket.data["name"]
        names.online.discard(old)
        new = socket.data["name"] = names.take(cleaned)
        if new != old:
            await socket.broadcast.emit("renamed", {"from": old, "to": new})
        return {"name": new}

    @io.on("disconnect")
    async def leave(socket: Socket) -> None:
        names.online.discard(socket.data["name"])
        news = {"name": socket.data["name"], "online": len(names.online)}
        await socket.broadcast.emit("left", news)


def add_messages(io: Server) -> None:
    """Hand each client's messages, and the news that it is typing, to the other clients."""

    @io.on("chat message")
    async def say(socket: Socket, text: object) -> dict[str, str]:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_MESSAGE:
            return {"error": f"A message has 1 to {MAX_MESSAGE} characters."}
        await socket.broadcast.emit("chat message", {"name": socket.data["name"], "text": text})
        return {}  # the acknowledgement: the page shows a tick

    @io.on("typing")
    async def typing(socket: Socket) -> None:
        await socket.broadcast.emit("typing", socket.data["name"])
