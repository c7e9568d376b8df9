"""What a socket knows of its client: Handshake, and the connection below."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount

from socketio_asgi import Server, Socket
from tests.support.clients import connect_websocket
from tests.support.peer import PollingWire
from tests.support.waiting import until

from .conftest import Join
from .support import Connect

ORIGIN = "https://app.example"


async def test_what_the_request_said(connect: Connect, transport: str) -> None:
    io = Server(cors=ORIGIN)
    before = time.time()
    peer = await connect(
        io, transport, query={"room": "a b", "EIO": "4"}, headers={"Origin": ORIGIN, "X-Test": "1"}
    )
    await peer.join(auth={"token": "t"})
    (socket,) = io.sockets.sockets.values()
    handshake = socket.handshake
    assert handshake.auth == {"token": "t"}
    assert handshake.query["room"] == "a b"
    assert (handshake.query["EIO"], handshake.query["transport"]) == ("4", transport)
    assert handshake.headers["x-test"] == handshake.headers["X-Test"]
    assert handshake.address == "127.0.0.1"
    assert handshake.url.startswith("/socket.io/?")
    assert "room=a+b" in handshake.url
    assert (handshake.secure, handshake.xdomain) == (False, True)
    assert before - 1 <= handshake.issued <= time.time() + 1
    assert datetime.fromisoformat(handshake.time).timestamp() == pytest.approx(
        handshake.issued, abs=1
    )
    assert handshake.connection.url.path == "/socket.io/"


async def test_equal_requests_are_not_mixed_up(connect: Connect, transport: str) -> None:
    io = Server()
    for name in ("Ann", "Bob"):
        peer = await connect(io, transport, query={"name": name}, headers={"X-Name": name})
        await peer.join()
    first, second = (socket.handshake for socket in io.sockets.sockets.values())
    assert (first.query["name"], first.headers["x-name"]) == ("Ann", "Ann")
    assert (second.query["name"], second.headers["x-name"]) == ("Bob", "Bob")
    assert (first.headers["host"], first.address) == (second.headers["host"], second.address)
    assert first.connection.url.query != second.connection.url.query


async def test_every_namespace_has_its_own_auth(io: Server, join: Join) -> None:
    io.of("/admin")
    peer = await join(io, auth={"for": "main"})
    await peer.join("/admin", {"for": "admin"})
    (main,) = io.sockets.sockets.values()
    (admin,) = io.of("/admin").sockets.values()
    assert (main.handshake.auth, admin.handshake.auth) == ({"for": "main"}, {"for": "admin"})
    assert main.handshake.headers == admin.handshake.headers
    assert main.handshake.xdomain is False


async def test_what_outer_middlewares_have_set(connect: Connect, transport: str) -> None:
    io = Server()

    def set_user(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            scope["user"] = "Ann"
            await app(scope, receive, send)

        return wrapped

    app = Starlette(
        routes=[Mount("/socket.io", io)],
        lifespan=io.lifespan,
        middleware=[Middleware(set_user), Middleware(SessionMiddleware, secret_key="key")],
    )
    peer = await connect(app, transport)
    await peer.join()
    (socket,) = io.sockets.sockets.values()
    assert socket.handshake.connection.user == "Ann"
    assert socket.handshake.connection.session == {}


async def test_the_connection_below(io: Server, join: Join, transport: str) -> None:
    io.of("/admin")
    peer = await join(io, transport)
    (socket,) = io.sockets.sockets.values()
    await peer.join("/admin")
    (admin,) = io.of("/admin").sockets.values()
    assert socket.conn is admin.conn
    assert socket.conn.id == peer.sid
    assert socket.conn.protocol == 4
    assert socket.conn.ready_state == "open"
    assert socket.conn.transport.name == transport
    await peer.wire.send("1")
    await until(lambda: socket.conn.ready_state == "closed")


async def test_the_connection_after_an_upgrade(io: Server, join: Join) -> None:
    seen: list[str] = []

    @io.on("transport")
    async def transport(socket: Socket) -> None:
        seen.append(socket.conn.transport.name)

    peer = await join(io, "polling")
    assert isinstance(peer.wire, PollingWire)
    client = peer.wire.client
    async with connect_websocket(client.websocket_url()) as websocket:
        await websocket.send("2probe")
        assert await websocket.receive() == "3probe"
        await websocket.send("5")
        await websocket.send('42["transport"]')
        await until(lambda: seen)
    assert seen == ["websocket"]
    # The handshake stays that of the request that opened the connection.
    await until(lambda: not io.sockets.sockets)
