"""A whiteboard: what one draws, all others see.

socketio-asgi run main:app
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from socketio_asgi import Event, Server, Socket
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")


@dataclass
class Line:
    """From one point to another, in parts of the board's width and height."""

    x0: float
    y0: float
    x1: float
    y1: float
    color: Literal["black", "red", "green", "blue", "yellow"]


drawing = Event("drawing", Line)

io = Server()
io.emits(drawing)


@io.on("drawing")
async def draw(socket: Socket, line: Line) -> None:
    await socket.broadcast.emit(drawing, line)


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


app = Starlette(routes=[Route("/", show_page)])
mount(app, "/socket.io", io)
