"""HTTP over TLS and over a Unix socket."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import anyio

from tests.support.echo import Receive, Scope, Send
from tests.support.frames import text
from tests.support.ports import HOST
from tests.support.rawwebsocket import RawWebSocket
from tests.websocket.support import OURS as OUR_WEBSOCKETS
from tests.websocket.support import connect_tls, connect_unix

from .conftest import PLAIN
from .support import HTTPClass, ServeHTTP, Serving, body, length, read_body, request, start


class Noting:
    """Answers with the body of the request, and notes the scope; as a WebSocket it echoes."""

    def __init__(self) -> None:
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({**(await receive()), "type": "websocket.send"})
        elif scope["type"] == "http":
            self.scope = scope
            data = await read_body(receive)
            await send(start(200, length(data)))
            await send(body(data[: len(data) // 2], more=True))
            await send(body(data[len(data) // 2 :]))


async def use(peer: RawWebSocket) -> None:
    """Requests with answers small and large, several at once, and an upgrade."""
    for size in (0, 5, 60_000, 70_000, 3_000_000):
        data = bytes(size)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.send, request("POST", data=data))
            assert await peer.read_head() == 200
            assert await peer.read_exactly(size) == data
    await peer.send(*(request("POST", data=b"%d" % number) for number in range(5)))
    for number in range(5):
        assert await peer.read_head() == 200
        assert await peer.read_exactly(1) == b"%d" % number
    await peer.request()
    assert await peer.read_head() == 101
    await peer.send(text("hello"))
    assert await peer.read_text() == "hello"


async def test_tls(serving: Serving, http: HTTPClass, certificate: Path) -> None:
    app = Noting()
    options = PLAIN | {"ws": OUR_WEBSOCKETS, "ssl_certfile": str(certificate)}
    served = await serving(app, http=http, **options)
    async with connect_tls(served, ssl.create_default_context(cafile=certificate)) as peer:
        await use(peer)
    assert app.scope["scheme"] == "https"
    assert app.scope["client"][0] == HOST


async def test_the_end_of_a_connection_over_tls(serve_http: ServeHTTP, certificate: Path) -> None:
    served = await serve_http(Noting(), ssl_certfile=str(certificate))
    async with connect_tls(served, ssl.create_default_context(cafile=certificate)) as peer:
        await peer.send(request("POST", headers=["Connection: close"], data=b"x" * 100_000))
        assert await peer.read_response() == b"x" * 100_000


async def test_a_unix_socket(serving: Serving, http: HTTPClass, tmp_path: Path) -> None:
    app = Noting()
    options: dict[str, Any] = PLAIN | {"ws": OUR_WEBSOCKETS, "uds": str(tmp_path / "s")}
    await serving(app, http=http, **options)
    async with connect_unix(str(tmp_path / "s")) as peer:
        await use(peer)
    assert app.scope["scheme"] == "http"
    assert app.scope["client"] is None
    assert app.scope["server"] == (str(tmp_path / "s"), None)
