"""The applications behind the proxies: a page, and a server beside it."""

from __future__ import annotations

import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from socketio_asgi import Server, Socket
from socketio_asgi.engine import deployment_warnings
from socketio_asgi.integrations.fastapi import mount

io = Server(cookie="io")
app = FastAPI()
mount(app, "/socket.io", io)


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>page</title>")


@io.on("process")
async def process(socket: Socket) -> int:
    return os.getpid()


if "IMPATIENT" in os.environ:  # the time that strays are watched before it is warned of them
    deployment_warnings.MIN_SECONDS = float(os.environ["IMPATIENT"])
