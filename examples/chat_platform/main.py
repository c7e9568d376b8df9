"""The application: routes, events, what runs beside them, and the built page.

uvicorn chat_platform.main:app
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles

from socketio_asgi.integrations.fastapi import mount

from . import accounts, attempts, channels, connections, messages, presence, sessions, users
from .attempts import TooMany
from .database import Database, engine, migrate
from .server import io, session_room
from .settings import settings

PAGE = Path(__file__).parent / "page" / "dist"
MINUTE = 60.0

log = logging.getLogger("chat_platform")

for router in (connections.router, channels.router, messages.router, users.router):
    io.include_router(router)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    await migrate()
    await presence.beat()  # the others know this server before it has clients
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(repeat, presence.beat, presence.BEAT)
        tasks.start_soon(repeat, tidy_up, MINUTE)
        yield
        tasks.cancel_scope.cancel()
    await presence.stop()
    await engine.dispose()


async def repeat(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do something again and again; when it fails, the next time may go better."""
    while True:
        await anyio.sleep(seconds)
        try:
            await work()
        except Exception:
            log.exception("%s failed", work.__name__)


async def tidy_up() -> None:
    """End what is over: sessions with their connections, attempts, clients that never came in."""
    async with Database.begin() as db:
        ended = await sessions.end_expired(db)
        await attempts.forget_old(db)
    await connections.end_lost()
    for session_id in ended:
        await io.in_(session_room(session_id)).disconnect_sockets(close=True)


app = FastAPI(title="Chat platform", lifespan=lifespan)
app.add_middleware(
    CORSMiddleware,
    allow_origins=settings.page_origins,
    allow_credentials=True,
    allow_methods=["GET", "POST"],
    allow_headers=["content-type"],
)
app.add_exception_handler(RequestValidationError, accounts.invalid)
app.add_exception_handler(TooMany, accounts.too_many)
app.include_router(accounts.router)
mount(app, "/socket.io", io)
if PAGE.is_dir():
    app.mount("/", StaticFiles(directory=PAGE, html=True))
