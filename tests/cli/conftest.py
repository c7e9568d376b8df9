"""Applications for the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .support import RunProcess

MAIN = """
import os

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.integrations.starlette import mount


def make_server(name):
    server = Server()

    @server.on("pid")
    async def pid(socket):
        return os.getpid()

    @server.on("path")
    async def path(socket):
        return type(server.of("/").adapter).__name__

    @server.on("shout")
    async def shout(socket, text):
        server.emit("heard", name, text)
        return True

    return server


io = make_server("io")
other = make_server("other")


async def about(request):
    return JSONResponse({"version": 1})


app = Starlette(routes=[Route("/about", about)])
mount(app, "/socket.io", io)
mount(app, "/other", other)

wrapped = SocketIOMiddleware(Starlette(), io)


def create():
    return app
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``main.py``."""
    (tmp_path / "main.py").write_text(MAIN)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., RunProcess]]:
    """Start the command: ``start("main:io", "--workers", "2")``."""
    with ExitStack() as stack:

        def start(app: str, *options: str, **more: Any) -> RunProcess:
            return stack.enter_context(RunProcess(folder, app, *options, **more))

        yield start
