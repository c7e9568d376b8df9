"""Starlette: dependencies without FastAPI, and what its middlewares and its test client give."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    SimpleUser,
)
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from socketio_asgi import ConnectionRefused, Depends, Server, Socket, SocketIOMiddleware
from socketio_asgi.integrations.starlette import SocketIOMount, get_server, mount
from tests.support.peer import TRANSPORTS, join_peer, open_peer
from tests.support.serving import Served

with warnings.catch_warnings():  # about httpx, which a later release of it is to replace
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

Serving = Callable[..., Awaitable[Served]]
Build = Callable[..., Any]

both = pytest.mark.parametrize("transport", TRANSPORTS)


def mounted(io: Server, **options: Any) -> Any:
    app = Starlette(**options)
    mount(app, "/socket.io", io)
    return app


def routed(io: Server, **options: Any) -> Any:
    routes = [SocketIOMount("/socket.io", io), *options.pop("routes", ())]
    return Starlette(routes=routes, **options)


def nested(io: Server, **options: Any) -> Any:
    inner = Starlette(routes=[Mount("/socket.io", io)])
    return Starlette(routes=[*options.pop("routes", ()), Mount("/", inner)], **options)


def behind(io: Server, **options: Any) -> Any:
    middlewares = [*options.pop("middleware", ()), Middleware(SocketIOMiddleware, server=io)]
    return Starlette(middleware=middlewares, **options)


each_way = pytest.mark.parametrize("build", [mounted, routed, nested, behind])


class Tokens(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.headers.get("x-user")
        if name == "mallory":
            raise AuthenticationError("not you")
        return None if name is None else (AuthCredentials(["authenticated"]), SimpleUser(name))


def user_of(connection: HTTPConnection) -> SimpleUser:
    user: SimpleUser = connection.user
    return user


@each_way
@both
async def test_middlewares_and_state(serving: Serving, build: Build, transport: str) -> None:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"database": "connected"}

    io = Server()

    @io.use
    async def only_users(socket: Socket) -> None:
        if not socket.request.user.is_authenticated:
            raise ConnectionRefused("log in first")

    @io.on("who")
    async def who(request: Request, user: Annotated[SimpleUser, Depends(user_of)]) -> list[str]:
        assert request.user is user
        return [user.display_name, request.state.database, request.session["visits"]]

    async def visit(request: Request) -> Response:
        request.session["visits"] = "one"
        return PlainTextResponse("hello")

    app = build(
        io,
        lifespan=lifespan,
        middleware=[
            Middleware(SessionMiddleware, secret_key="secret"),
            Middleware(AuthenticationMiddleware, backend=Tokens()),
        ],
        routes=[Route("/visit", visit)],
    )
    served = await serving(app)
    async with httpx.AsyncClient(base_url=served.url) as http:
        session = (await http.get("/visit")).cookies["session"]
    headers = {"X-User": "alice", "Cookie": f"session={session}"}
    async with join_peer(served.url, transport, headers=headers) as peer:
        assert await peer.request("who") == [["alice", "connected", "one"]]
    async with open_peer(served.url, transport) as peer:
        assert await peer.refused() == {"message": "log in first"}


async def test_overrides(serving: Serving) -> None:
    io = Server()

    @io.on("who")
    def who(user: Annotated[SimpleUser, Depends(user_of)]) -> str:
        return user.display_name

    served = await serving(mounted(io))
    io.dependency_overrides[user_of] = lambda: SimpleUser("tester")
    async with join_peer(served.url) as peer:
        assert await peer.request("who") == ["tester"]


@each_way
async def test_the_server_in_routes(serving: Serving, build: Build) -> None:
    io = Server()

    async def announce(request: Request) -> Response:
        await get_server(request).emit("news")
        return Response()

    served = await serving(build(io, routes=[Route("/announce", announce)]))
    async with join_peer(served.url) as peer, httpx.AsyncClient(base_url=served.url) as http:
        assert (await http.get("/announce")).status_code == 200
        assert await peer.expect("news") == []


@pytest.mark.parametrize("build", [mounted, behind])
def test_with_the_test_client(build: Build) -> None:
    io = Server()

    @io.on("shout")
    def shout(text: str, user: Annotated[SimpleUser, Depends(user_of)]) -> str:
        return f"{user.display_name}: {text.upper()}"

    app = build(io, middleware=[Middleware(AuthenticationMiddleware, backend=Tokens())])
    url = "/socket.io/?EIO=4&transport=websocket"
    with (
        TestClient(app) as client,
        client.websocket_connect(url, headers={"X-User": "alice"}) as websocket,
    ):
        assert websocket.receive_text().startswith("0{")
        websocket.send_text("40")
        assert websocket.receive_text().startswith("40{")
        websocket.send_text('420["shout","hello"]')
        assert json.loads(websocket.receive_text().removeprefix("430")) == ["alice: HELLO"]
