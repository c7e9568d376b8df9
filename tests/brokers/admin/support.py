"""Servers of both kinds with an admin UI, and the official pages of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from socketio_asgi import Server, Socket
from tests.admin.support import AUTH, HASH, RIGHT
from tests.support.node import start_node

FOLDER = Path(__file__).parent
PAGES = FOLDER.parent / "node_modules" / "@socket.io" / "admin-ui" / "ui" / "dist"
BASIC = {"type": "basic", "username": AUTH.username, "password": HASH}

__all__ = ["AUTH", "BASIC", "FOLDER", "PAGES", "RIGHT", "make_server", "official"]


@asynccontextmanager
async def official(auth: Any = BASIC, **options: Any) -> AsyncIterator[str]:
    """Run an official server until the block ends; yields its URL."""
    settings = {"auth": auth, **options}
    async with start_node(FOLDER / "official.mjs", options=settings, timeout=200) as script:
        port = (await script.wait_for("listening", timeout=30))["port"]
        yield f"http://127.0.0.1:{port}"
        await script.send("stop")
        await script.finish()


def make_server(**options: Any) -> Server:
    """A server of ours with the same handlers."""
    io = Server(**options)

    @io.on("move")
    async def move(socket: Socket[Any], room: str, leave: bool) -> None:
        await (socket.leave(room) if leave else socket.join(room))

    @io.on("set")
    async def set_(socket: Socket[Any], key: str, value: Any) -> None:
        socket.data[key] = value

    @io.on("echo")
    async def echo(socket: Socket[Any], *values: Any) -> None:
        socket.emit("echoed", *values)

    return io
