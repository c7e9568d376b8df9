"""The examples do what they say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from examples import fastapi_mount, fastapi_wrap, standalone, starlette_mount
from tests.support.peer import join_peer, open_peer
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


async def test_standalone(serving: Serving) -> None:
    served = await serving(standalone.io)
    async with join_peer(served.url) as first, join_peer(served.url) as second:
        await first.expect("joined")
        await second.emit("chat message", "hello", ack=7)
        assert await first.expect("chat message") == ["hello"]
        assert await second.acknowledgement(ack=7) == ["delivered"]
        await second.close()
        await first.expect("left")


async def test_fastapi_mount(serving: Serving) -> None:
    served = await serving(fastapi_mount.app)
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {"message": "log in first"}
    async with httpx.AsyncClient(base_url=served.url) as http:
        cookie = (await http.post("/login/alice")).cookies["session"]
    headers = {"Cookie": f"session={cookie}"}
    async with join_peer(served.url, headers=headers) as peer:
        assert await peer.request("who am i") == ["you are alice"]


async def test_fastapi_wrap(serving: Serving) -> None:
    served = await serving(fastapi_wrap.app)
    async with join_peer(served.url) as peer, httpx.AsyncClient() as http:
        assert (await http.post(served.url + "/announce/lunch")).json() == 1
        assert await peer.expect("announcement") == ["lunch"]


async def test_starlette_mount(serving: Serving) -> None:
    served = await serving(starlette_mount.app)
    for number in (1, 2):
        async with join_peer(served.url, path="/live") as peer:
            assert await peer.expect("visits") == [number]
