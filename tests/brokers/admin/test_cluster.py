"""One cluster over Redis with an official server and one of ours: pages at both see all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.adapters import RedisAdapter
from socketio_asgi.admin import RedisSessionStore, instrument
from tests.brokers.redis.servers import RedisProcess
from tests.support.node import run_node
from tests.support.serving import serve

from .support import AUTH, FOLDER, RIGHT, make_server, official

# Browsers and processes take long on a busy machine.
pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.timeout(240),
]


@pytest.fixture
async def urls(
    own_redis: RedisProcess, official_adapters: Path, anyio_backend: str
) -> AsyncIterator[list[str]]:
    """The URLs of our server and of the official one."""
    io = make_server(adapter=RedisAdapter(own_redis.url))
    instrument(io, auth=AUTH, server_id="ours", store=RedisSessionStore(own_redis.url))
    async with (
        official(redis=own_redis.url, key="socket.io", store=True) as theirs,
        serve(io) as served,
    ):
        await io.cluster.ready(20)
        yield [served.url, theirs]


async def run(name: str, urls: list[str]) -> dict[str, Any]:
    options = {"run": name, "urls": urls, "auth": RIGHT, "servers": ["ours", "official"]}
    return await run_node(FOLDER / "page.mjs", options=options, timeout=120)


async def test_pages_at_both_see_and_do_the_same(urls: list[str], anyio_backend: str) -> None:
    results = (await run("around", urls))["results"]
    seen = [[12, "websocket", "/"]] * 2
    assert results == [{"servers": ["ours", "official"], "seen": seen}] * 2


async def test_sessions_are_shared(
    urls: list[str], own_redis: RedisProcess, anyio_backend: str
) -> None:
    result = await run("sessions", urls)
    assert result["messages"] == ["invalid credentials"] * 2
    keys = own_redis.run("KEYS", "socket.io-admin#*")
    assert len(keys) == 2
    assert all(86_000 < own_redis.run("TTL", key) <= 86_400 for key in keys)
