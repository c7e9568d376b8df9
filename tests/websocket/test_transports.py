"""WebSockets over TLS and over a Unix socket."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import make_certificate
from tests.support.frames import BINARY, PING, PONG, close, frame, text
from tests.support.ports import HOST
from tests.support.rawwebsocket import RawWebSocket

from .conftest import ServeEcho, Serving
from .support import EchoApp, Setting, connect_tls, connect_unix, websocket_only

certificate = pytest.fixture(scope="module")(make_certificate)


async def use(peer: RawWebSocket) -> None:
    """A handshake, messages small and large, a ping, and a close."""
    await peer.request("/path?query")
    assert await peer.read_head() == 101
    for size in (0, 5, 200, 100_000, 900_000):
        data = bytes(size)
        await peer.send(frame(BINARY, data))
        assert await peer.read() == (BINARY, data)
    await peer.send(frame(PING, b"p"), text("häß"))
    assert await peer.read() == (PONG, b"p")
    assert await peer.read_text() == "häß"
    await peer.send(close(4000))
    assert (await peer.read_close())[0] == 4000


async def test_tls(echo: ServeEcho, setting: Setting, certificate: Path) -> None:
    app, served = await echo(ssl_certfile=str(certificate))
    async with connect_tls(served, ssl.create_default_context(cafile=certificate)) as peer:
        await use(peer)
    if not setting.attached:
        assert app.calls[0].scope["scheme"] == "wss"
        assert app.calls[0].scope["client"][0] == HOST


async def test_a_flood_over_tls(echo: ServeEcho, certificate: Path) -> None:
    _, served = await echo(ssl_certfile=str(certificate))
    async with connect_tls(served, ssl.create_default_context(cafile=certificate)) as peer:
        await peer.request()
        assert await peer.read_head() == 101
        for _ in range(20):
            await peer.send(*(text(str(number)) for number in range(500)))
            for number in range(500):
                assert await peer.read_text() == str(number)


@asynccontextmanager
async def unix_peer(
    serving: Serving, path: Path, app: Any, ws: str, http: str
) -> AsyncIterator[RawWebSocket]:
    """A client of a server on a Unix socket."""
    await serving(app, ws=ws, http=http, uds=str(path))
    async with connect_unix(str(path)) as peer:
        yield peer


async def test_a_unix_socket(serving: Serving, setting: Setting, http: str, tmp_path: Path) -> None:
    app = EchoApp(attached=setting.attached)
    async with unix_peer(serving, tmp_path / "s", app, setting.ws, http) as peer:
        await use(peer)


async def test_the_scope_of_a_unix_socket(
    serving: Serving, ws: str, http: str, tmp_path: Path
) -> None:
    scopes: list[Any] = []

    async def script(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    path = tmp_path / "s"
    async with unix_peer(serving, path, websocket_only(script), ws, http) as peer:
        await peer.request()
        assert await peer.read_head() == 101
    assert scopes[0]["client"] is None
    assert scopes[0]["server"] == (str(path), None)
    assert scopes[0]["scheme"] == "ws"
