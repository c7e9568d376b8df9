"""Three servers with a parser each, which send the same events to a page that counts their bytes.

socketio-asgi run main:app
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from schema_parser import SchemaParser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from socketio_asgi import Server, Socket
from socketio_asgi.integrations.starlette import mount
from socketio_asgi.protocol import DefaultParser
from socketio_asgi.protocol.msgpack_parser import MsgpackParser

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "schema.json").read_text("utf-8"))

NUMBERS = range(1000)
VALUES = {
    "string": [str(number) for number in NUMBERS],
    "numeric": list(NUMBERS),
    "binary": bytes(number % 256 for number in NUMBERS),
}

servers = {
    "default": Server(parser=DefaultParser()),
    "msgpack": Server(parser=MsgpackParser()),
    "schema": Server(parser=SchemaParser(SCHEMA)),
}


def add_events(io: Server) -> None:
    @io.on("connection")
    async def connected(socket: Socket) -> None:
        for event, value in VALUES.items():
            await socket.emit(event, value)

    for event, value in VALUES.items():
        io.on(event)(compare_with(value))


def compare_with(expected: object) -> Callable[[object], Awaitable[bool]]:
    """A handler that says whether a value has come back as it was sent."""

    async def compare(value: object) -> bool:
        return value == expected

    return compare


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(HERE / "static" / "index.html")


async def schema(_request: Request) -> FileResponse:
    return FileResponse(HERE / "schema.json")


app = Starlette(
    routes=[
        Route("/", show_page),
        Route("/schema.json", schema),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
)
for name, io in servers.items():
    add_events(io)
    mount(app, f"/{name}", io)
