"""The examples do what they say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from examples import fastapi_mount, fastapi_wrap, standalone, starlette_mount
from socketio_asgi import ConnectionRefused
from socketio_asgi.testing import TestServer, connect
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


async def test_standalone() -> None:
    async with connect(standalone.io) as first:
        async with connect(standalone.io) as second:
            await first.received("joined")
            assert await second.emit_with_ack("chat message", "hello") == "delivered"
            assert await first.received("chat message") == "hello"
        await first.received("left")


async def test_fastapi_mount() -> None:
    app = fastapi_mount.app
    with pytest.raises(ConnectionRefused, match="log in first"):
        async with connect(app):
            pass
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        await http.post("http://testserver/login/alice")
        async with connect(app, cookies=http.cookies) as client:
            assert await client.emit_with_ack("who am i") == "you are alice"


async def test_fastapi_wrap() -> None:
    app = fastapi_wrap.app
    async with (
        connect(app) as client,
        httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http,
    ):
        assert (await http.post("http://testserver/announce/lunch")).json() == 1
        assert await client.received("announcement") == "lunch"


async def test_starlette_mount() -> None:
    async with TestServer(starlette_mount.app) as server:
        for number in (1, 2):
            async with server.connect(path="/live") as client:
                assert await client.received("visits") == number
