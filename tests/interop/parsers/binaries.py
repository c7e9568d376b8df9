"""What odd clients send: binary values, and events whose names are numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from socketio_asgi import Server, Socket, SocketIOMiddleware

NODE_MODULES = Path(os.environ["INTEROP_NODE_MODULES"])

io = Server(allow_eio3=True)


def describe(value: Any) -> Any:
    """The same with text for bytes: not every client that sends them can read them."""
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    if isinstance(value, dict):
        return {key: describe(item) for key, item in value.items()}
    return [describe(item) for item in value] if isinstance(value, list) else value


@io.on("describe")
async def described(_socket: Socket, *args: Any) -> Any:
    """Describe the values of an event."""
    return describe(list(args))


@io.on("ask")
async def ask(socket: Socket) -> Any:
    """Describe the answer of the client."""
    return describe(await socket.emit_with_ack("question"))


def page(request: Request) -> HTMLResponse:
    """A page of the same origin as the bundles."""
    return HTMLResponse("<!doctype html><title>blank</title>")


packages = [
    Mount(f"/{name}", StaticFiles(directory=NODE_MODULES / name / "dist"))
    for name in ("sio480", "sio481", "socket.io-client")
]
app = SocketIOMiddleware(Starlette(routes=[Route("/", page), *packages]), io)
