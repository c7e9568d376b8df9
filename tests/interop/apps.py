"""The application that the JavaScript clients talk to: several servers in one process.

The main server is at the default path; the others, with other options, are mounted beside it.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from socketio_asgi import ConnectionRefused, Cookie, Cors, Server, SocketIOMiddleware
from socketio_asgi.engine import Engine, EngineOptions, SessionCore
from socketio_asgi.engine.transports.taken_over import TakenOverTransport
from socketio_asgi.protocol import OutgoingPacket
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.interop.choosing import choose
from tests.support.waiting import until

PING_INTERVAL = float(os.environ.get("INTEROP_PING_INTERVAL", "25"))
PING_TIMEOUT = float(os.environ.get("INTEROP_PING_TIMEOUT", "20"))
CLIENT_FILES = os.environ.get("INTEROP_CLIENT_FILES")


# -- Socket.IO -----------------------------------------------------------------------------------

departures: dict[str, dict[str, Any]] = defaultdict(dict)
"""By id, why sockets left and which rooms they were in, for other clients to ask."""


HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

handlers: dict[str, Callable[..., Any]] = {}
"""By event, what every namespace of every server does for the scenarios."""


def handler(event: str) -> Callable[[HandlerT], HandlerT]:
    """Add a function to the handlers."""

    def add(function: HandlerT) -> HandlerT:
        handlers[event] = function
        return function

    return add


@handler("disconnecting")
async def disconnecting(socket: Any, reason: str) -> None:
    departures[socket.id] |= {"disconnecting": reason, "rooms": sorted(socket.rooms)}


@handler("disconnect")
async def disconnect(socket: Any, reason: str) -> None:
    departures[socket.id]["disconnect"] = reason


@handler("departure")
async def departure(socket: Any, id: str) -> dict[str, Any]:
    await until(lambda: "disconnect" in departures[id], timeout=15)
    return departures[id]


@handler("whoami")
async def whoami(socket: Any) -> dict[str, Any]:
    handshake = socket.handshake
    return {
        "id": socket.id,
        "auth": handshake.auth,
        "query": dict(handshake.query),
        "headers": dict(handshake.headers),
        "transport": socket.conn.transport.name,
        "protocol": socket.conn.protocol,
        "session": socket.conn.id,
    }


@handler("taken over")
async def taken_over(socket: Any) -> bool:
    return isinstance(socket.conn.__socketio__.transport, TakenOverTransport)


@handler("all reachable")
async def all_reachable(socket: Any) -> None:
    sockets = socket.namespace.sockets
    await until(
        lambda: all(each.conn.__socketio__.transport.connected for each in sockets.values()),
        timeout=15,
    )


@handler("echo")
async def echo(socket: Any, *args: Any) -> tuple[Any, ...]:
    socket.emit("echo", *args)
    return args


@handler("nothing")
async def nothing(socket: Any, *args: Any) -> None:
    pass


@handler("later")
async def later(socket: Any, *args: Any, ack: Any) -> None:
    socket.emit("before")
    ack(*args)
    ack("a second acknowledgement is ignored")


@handler("ask")
async def ask(socket: Any, *args: Any) -> Any:
    return [await socket.emit_with_ack("question", *args, timeout=15)]


@handler("ask all")
async def ask_all(socket: Any, room: str, *args: Any) -> list[Any]:
    return await socket.namespace.to(room).timeout(15).emit_with_ack("question", *args)  # type: ignore[no-any-return]


@handler("join")
async def join(socket: Any, *rooms: str) -> list[str]:
    await socket.join(*rooms)
    return sorted(socket.rooms)


@handler("leave")
async def leave(socket: Any, room: str) -> list[str]:
    await socket.leave(room)
    return sorted(socket.rooms)


@handler("say")
async def say(socket: Any, plan: dict[str, Any], *args: Any) -> None:
    choose(socket, plan).emit("said", *args)


@handler("burst")
async def burst(socket: Any, count: int) -> None:
    for number in range(count):
        socket.volatile.emit("volatile", number)


@handler("volatile")
async def volatile(socket: Any, text: str) -> None:
    await until(lambda: socket.conn.__socketio__.transport.writable)
    socket.volatile.emit("now", text)


@handler("leave me")
async def leave_me(socket: Any) -> None:
    socket.disconnect()


@handler("drop me")
async def drop_me(socket: Any) -> None:
    socket.disconnect(close=True)


@handler("end")
async def end(socket: Any, id: str, how: str) -> None:
    other = socket.namespace.sockets[id]
    if how.startswith("say"):
        other.emit("last words", 1)
        other.emit("last words", 2)
    if how.endswith("close"):
        other.conn.close()
    elif how.endswith("disconnect"):
        other.disconnect(close=True)
    elif how.endswith("fail"):
        other.conn.__socketio__.end("transport error", flush=True)
    elif how == "time out":
        other.conn.__socketio__.end("ping timeout")


def check_token(socket: Any) -> None:
    """A middleware that asks for a token."""
    if socket.handshake.auth.get("token") != "secret":
        raise ConnectionRefused("not authorized", data={"code": 42, "why": ["é", None]})


async def refuse(socket: Any) -> None:
    """A middleware that lets nobody in."""
    raise ConnectionRefused("closed")


def make_server(**options: Any) -> Server:
    """A server with all handlers in its main namespace, ``/chat`` and ``/private``."""
    server = Server(ping_interval=PING_INTERVAL, ping_timeout=PING_TIMEOUT, **options)
    for namespace in (server.sockets, server.of("/chat"), server.of("/private")):
        for event, function in handlers.items():
            namespace.on(event)(function)
    server.of("/private").use(check_token)
    server.of("/closed").use(refuse)
    return server


# -- Engine.IO -----------------------------------------------------------------------------------


class Echo:
    """Sends back what it gets; ``stream N`` asks for the numbers up to N by the server's clock."""

    def __init__(self, session: SessionCore) -> None:
        self._session = session

    def on_open(self) -> None:
        """Nothing is said first."""

    def on_message(self, data: str | bytes) -> None:
        """Answer a message."""
        if data == "close":
            self._session.close()
        elif isinstance(data, str) and data.startswith("stream "):
            self._stream(0, int(data.removeprefix("stream ")))
        else:
            self._session.send([OutgoingPacket.message(data)])

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        """Leave it: it is a message here."""
        return False

    def _stream(self, number: int, end: int) -> None:
        if number < end:
            self._session.send([OutgoingPacket.message(f"stream {number}")])
            pause = random.random() / 250
            asyncio.get_running_loop().call_later(pause, self._stream, number + 1, end)

    def on_close(self, reason: str, description: str | None) -> None:
        """Note why the session ended."""
        departures[self._session.id]["disconnect"] = reason


class EngineApp:
    """The connection layer alone."""

    def __init__(self) -> None:
        options = EngineOptions(
            ping_interval=PING_INTERVAL, ping_timeout=PING_TIMEOUT, allow_eio3=True
        )
        self._requests = Engine(options, Echo).__socketio__.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        if scope["type"] == "http":
            await self._requests.handle_http(scope, receive, send)
        else:
            await self._requests.handle_websocket(scope, receive, send)


# -- all in one application ----------------------------------------------------------------------


class CookieLog:
    """Notes the ``Cookie`` header of every request, in front of another application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.cookies: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        if scope["type"] in ("http", "websocket"):
            cookie: bytes | None = dict(scope["headers"]).get(b"cookie")
            self.cookies.append(None if cookie is None else cookie.decode())
        await self._app(scope, receive, send)


def blank(request: Request) -> HTMLResponse:
    """A page of the same origin; the tab that opens it puts its script into it."""
    return HTMLResponse("<!doctype html><title>blank</title>")


def values(request: Request) -> FileResponse:
    """The values that scenarios send, for pages."""
    return FileResponse(Path(__file__).with_name("values.mjs"), media_type="text/javascript")


io = make_server(allow_eio3=True, serve_client=CLIENT_FILES)
with_cookie = make_server(cookie=Cookie(name="balance", path="/", max_age=60))
cookie_log = CookieLog(with_cookie)


@with_cookie.on("cookies")
async def cookies(socket: Any) -> list[str | None]:
    """The cookies of this client's requests so far, and of everybody else's."""
    return cookie_log.cookies


app = SocketIOMiddleware(
    Starlette(
        routes=[
            Route("/", blank),
            Route("/values.mjs", values),
            Mount("/engine.io", EngineApp()),
            Mount("/cookies", cookie_log),
            Mount("/small", make_server(max_http_buffer_size=20_000)),
            Mount("/nested/chat", make_server()),
            Mount("/recovery", make_server(connection_state_recovery=True)),
            Mount("/msgpack", make_server(parser=MsgpackParser())),
            Mount("/open", make_server(cors="*")),
            Mount("/credentials", make_server(cors=Cors(origins=lambda _: True, credentials=True))),
        ]
    ),
    io,
)
