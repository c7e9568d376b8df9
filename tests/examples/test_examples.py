"""The examples do what they say."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx

from examples import fastapi_mount, fastapi_wrap, standalone, starlette_mount
from tests.asgi.clients import connect_error
from tests.support.clients import connect_engine
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


async def test_standalone(serving: Serving) -> None:
    served = await serving(standalone.io)
    async with connect_engine(served.url) as (first, _), connect_engine(served.url) as (second, _):
        await first.send("40")
        await first.receive()
        await second.send("40")
        await second.receive()
        assert json.loads(str(await first.receive())[2:])[0] == "joined"
        await second.send('421["chat message","hello"]')
        assert await first.receive() == '42["chat message","hello"]'
        assert await second.receive() == '431["delivered"]'
        await second.close()
        assert json.loads(str(await first.receive())[2:])[0] == "left"


async def test_fastapi_mount(serving: Serving) -> None:
    served = await serving(fastapi_mount.app)
    assert (await connect_error(served.url, "/socket.io/")) == {"message": "log in first"}
    async with httpx.AsyncClient(base_url=served.url) as http:
        cookie = (await http.post("/login/alice")).cookies["session"]
    headers = {"Cookie": f"session={cookie}"}
    async with connect_engine(served.url, headers=headers) as (ws, _):
        await ws.send("40")
        await ws.receive()
        await ws.send('421["who am i"]')
        assert await ws.receive() == '431["you are alice"]'


async def test_fastapi_wrap(serving: Serving) -> None:
    served = await serving(fastapi_wrap.app)
    async with connect_engine(served.url) as (ws, _), httpx.AsyncClient() as http:
        await ws.send("40")
        await ws.receive()
        assert (await http.post(served.url + "/announce/lunch")).json() == 1
        assert await ws.receive() == '42["announcement","lunch"]'


async def test_starlette_mount(serving: Serving) -> None:
    served = await serving(starlette_mount.app)
    for number in (1, 2):
        async with connect_engine(served.url, path="/live") as (ws, _):
            await ws.send("40")
            await ws.receive()
            assert await ws.receive() == f'42["visits",{number}]'
