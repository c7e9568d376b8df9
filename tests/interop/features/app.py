"""The servers of all features in one application, each below its own path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from socketio_asgi import Server

from . import acks, listeners, middlewares, namespaces, ordering, threads, typed, utilities, values

SERVERS: dict[str, Server] = {
    "/acks": acks.io,
    "/listeners": listeners.io,
    "/middlewares": middlewares.io,
    "/namespaces": namespaces.io,
    "/namespaces-with-cleanup": namespaces.with_cleanup,
    "/ordering": ordering.io,
    "/utilities": utilities.io,
    **typed.SERVERS,
    **values.SERVERS,
}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The life of all servers, which on trio begins here."""
    async with AsyncExitStack() as stack:
        for server in (*SERVERS.values(), middlewares.in_application, threads.io):
            await stack.enter_async_context(server.lifespan())
        yield


app = FastAPI(lifespan=lifespan)
for path, server in SERVERS.items():
    app.mount(path, server)
app.mount("/application", middlewares.application)
app.mount("/threads", threads.app)
