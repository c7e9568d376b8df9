"""What the tests of FastAPI share: the ways to put a server into an application, and sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.integrations.fastapi import mount
from tests.support.peer import TRANSPORTS
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]
Combine = Callable[[FastAPI, Server], Any]

both = pytest.mark.parametrize("transport", TRANSPORTS)


def mounted(app: FastAPI, io: Server) -> Any:
    mount(app, "/socket.io", io)
    return app


def plainly_mounted(app: FastAPI, io: Server) -> Any:
    app.mount("/socket.io", io)
    app.router.lifespan_context = io.lifespan
    return app


def nested(app: FastAPI, io: Server) -> Any:
    app.mount("/socket.io", io)
    outer = FastAPI(lifespan=io.lifespan)
    outer.mount("/", app)
    return outer


def wrapped(app: FastAPI, io: Server) -> Any:
    return SocketIOMiddleware(app, io)


def wrapped_with_more(app: FastAPI, io: Server) -> Any:
    return SocketIOMiddleware(CORSMiddleware(app, allow_origins=["https://page.example"]), io)


def added(app: FastAPI, io: Server) -> Any:
    app.add_middleware(SocketIOMiddleware, server=io)
    return app


each_way = pytest.mark.parametrize(
    "combine", [mounted, plainly_mounted, nested, wrapped, wrapped_with_more, added]
)


class Sessions:
    """Counts what is open."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.ends: list[str] = []

    async def get(self) -> AsyncIterator[int]:
        self.opened += 1
        try:
            yield self.opened
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        finally:
            await anyio.sleep(0.001)
            self.closed += 1

    def get_plain(self) -> Iterator[int]:
        self.opened += 1
        try:
            yield self.opened
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        finally:
            self.closed += 1

    @property
    def balanced(self) -> bool:
        return 0 < self.opened == self.closed
