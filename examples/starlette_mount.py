"""A server under a prefix of a Starlette application, with a database that outlives its clients.

uvicorn examples.starlette_mount:app    (or: hypercorn --worker-class trio ...)
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from socketio_asgi import Server, Socket
from socketio_asgi.integrations.starlette import mount

io = Server()
visits: dict[str, int] = {}  # stands for your database


@asynccontextmanager
async def database(_app: Starlette) -> AsyncGenerator[None]:
    visits["total"] = 0
    yield
    visits.clear()


app = Starlette(lifespan=database)
mount(app, "/live", io)


@io.on("connection")
async def count(socket: Socket) -> None:
    visits["total"] += 1
    await socket.emit("visits", visits["total"])
