"""Middlewares of all levels: of requests, of namespaces, of the events of a socket."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio.lowlevel
from fastapi import FastAPI, Request
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from socketio_asgi import ConnectionRefused, Server, Socket
from tests.support.waiting import until

SECRET = "a secret of these tests"


# -- requests ------------------------------------------------------------------------------------


class Tag:
    """Leaves its name in the scope."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        tags = [*scope.get("tags", ()), self._name]
        await self._app({**scope, "tags": tags}, receive, send)


class Gate:
    """Answers in the place of the server when the request has a certain header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        app = self._app
        if b"x-blocked" in dict(scope["headers"]):
            app = PlainTextResponse("blocked", 401) if scope["type"] == "http" else WebSocketClose()
        await app(scope, receive, send)


io = Server()
io.engine.use(Tag, name="outer")
io.engine.use(Tag, name="inner")
io.engine.use(Gate)
io.engine.use(SessionMiddleware, secret_key=SECRET, session_cookie="chat")

in_application = Server()
"""Below an application whose session middleware is in front of everything."""

application = FastAPI()
application.add_middleware(SessionMiddleware, secret_key=SECRET, session_cookie="chat")
application.mount("/socket.io", in_application)


@application.post("/login")
async def login(request: Request, user: str) -> None:
    """Set a value of the session."""
    request.session["user"] = user


def only_members(socket: Socket) -> None:
    if "user" not in socket.request.session:
        raise ConnectionRefused("not logged in")


async def whoami(socket: Socket) -> dict[str, Any]:
    return {
        "request": socket.request.session,
        "handshake": socket.handshake.connection.session,
        "cookies": sorted(socket.request.cookies),
        "scope": socket.request.scope["type"],
        "tags": socket.request.scope.get("tags"),
    }


for server in (io, in_application):
    server.on("whoami")(whoami)
    server.of("/members").use(only_members)
    server.of("/members").on("whoami")(whoami)


# -- namespaces ----------------------------------------------------------------------------------

reached: Counter[str] = Counter()
"""How often something was reached with the key that a client gave."""


def reach(place: str, socket: Socket) -> None:
    reached[f"{place} {socket.handshake.auth.get('key')}"] += 1


@io.on("reached")
async def how_often_reached(_socket: Socket, place: str, key: str) -> int:
    return reached[f"{place} {key}"]


@io.on("until reached")
async def until_reached(_socket: Socket, place: str, key: str) -> None:
    await until(lambda: reached[f"{place} {key}"])


@io.on("let in")
async def let_in(_socket: Socket, key: str) -> None:
    reached[f"open {key}"] += 1


chain = io.of("/chain")


@chain.use
async def first(socket: Socket) -> None:
    await anyio.lowlevel.checkpoint()
    socket.data["passed"] = ["first"]


@chain.use
def second(socket: Socket) -> None:
    socket.data["passed"].append("second")


@chain.use
async def refuse(socket: Socket) -> None:
    auth = socket.handshake.auth
    if "refuse" in auth:
        raise ConnectionRefused(auth["refuse"], data=auth.get("data"))
    socket.data["passed"].append("third")


@chain.use
async def last(socket: Socket) -> None:
    reach("last", socket)


@chain.on("connection")
async def chain_connected(socket: Socket) -> None:
    reach("connection", socket)


@chain.on("passed")
async def passed(socket: Socket) -> Any:
    return socket.data["passed"]


@io.of("/fails").use
async def fails(_socket: Socket) -> None:
    raise ValueError("a secret of the server")


@io.of("/unspeakable").use
async def unspeakable(_socket: Socket) -> None:
    raise ConnectionRefused("no", data={"a set has no JSON form"})


slow = io.of("/slow")
waiting: dict[str, Socket] = {}
"""By key, who waits for the middleware."""


@io.on("until closed")
async def until_closed(_socket: Socket, key: str) -> None:
    await until(lambda: waiting[key].conn.ready_state == "closed")


@slow.use
async def wait(socket: Socket) -> None:
    waiting[socket.handshake.auth["key"]] = socket
    reach("waiting", socket)
    await until(lambda: reached[f"open {socket.handshake.auth['key']}"], timeout=15)
    reach("waited", socket)


@slow.on("connection")
async def slow_connected(socket: Socket) -> None:
    reach("connection", socket)


# -- events --------------------------------------------------------------------------------------

events = io.of("/events")


@events.on("connection")
async def watch(socket: Socket) -> None:
    @socket.use
    async def note(event: str, args: list[Any]) -> None:
        socket.data.setdefault("noted", []).append([event, *args])
        for _ in range(20 if args == ["slow"] else 0):
            await anyio.lowlevel.checkpoint()

    @socket.use
    def change(event: str, args: list[Any]) -> None:
        if event == "change":
            args[:] = [*reversed(args), "added"]

    @socket.use
    async def check(event: str) -> None:
        if event == "forbidden":
            raise PermissionError(event)

    @socket.use
    async def behind(event: str) -> None:
        socket.data.setdefault("passed", []).append(event)

    @socket.on_error
    def refused(error: Exception) -> None:
        socket.emit("refused", type(error).__name__, str(error))
        if socket.handshake.auth.get("strict"):
            socket.disconnect()


@events.on("change")
async def changed(_socket: Socket, *args: Any) -> Any:
    return args


@events.on("plain")
async def plain(socket: Socket, *args: Any) -> None:
    await socket.emit("plain", *args)


@events.on("forbidden")
async def forbidden(socket: Socket) -> str:
    socket.data["passed"].append("the handler")
    return "handled"


@events.on("seen")
async def seen(socket: Socket) -> tuple[Any, Any]:
    return socket.data["noted"], socket.data["passed"]
