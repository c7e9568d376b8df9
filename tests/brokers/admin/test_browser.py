"""The official pages, in Chromium, in front of our server; it serves them itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import SocketIOMiddleware
from socketio_asgi.adapters import RedisAdapter
from socketio_asgi.admin import AdminPages, instrument
from socketio_asgi.admin.login_limits import ATTEMPTS
from tests.brokers.redis.servers import RedisProcess
from tests.support.node import run_node
from tests.support.serving import serve

from .support import AUTH, FOLDER, PAGES, RIGHT, make_server, official

# Browsers and processes take long on a busy machine.
pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.timeout(240),
]


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[str]:
    io = make_server()
    instrument(io, auth=AUTH, server_id="ours", **options)
    async with serve(SocketIOMiddleware(AdminPages(PAGES), io)) as address:
        yield address.url


async def look(scenario: str, url: str, chromium: str, **options: Any) -> dict[str, Any]:
    settings = {"run": scenario, "auth": RIGHT, **options}
    env = {"HARNESS_CHROMIUM": chromium}
    result = await run_node(FOLDER / "ui.mjs", url, settings, env=env, timeout=120)
    assert result.pop("problems") == []
    return result


async def test_a_cluster_of_both(
    own_redis: RedisProcess, official_adapters: Path, chromium: str, anyio_backend: str
) -> None:
    io = make_server(adapter=RedisAdapter(own_redis.url))
    instrument(io, auth=AUTH, server_id="ours")
    async with (
        official(redis=own_redis.url, key="socket.io") as theirs,
        serve(SocketIOMiddleware(AdminPages(PAGES), io)) as address,
    ):
        await io.cluster.ready(20)
        urls, servers = [address.url, theirs], ["ours", "official"]
        await look("cluster", address.url, chromium, urls=urls, servers=servers)


async def test_development_mode(official_adapters: Path, chromium: str, anyio_backend: str) -> None:
    async with served() as url:
        await look("development", url, chromium)


async def test_production_mode(official_adapters: Path, chromium: str, anyio_backend: str) -> None:
    async with served(mode="production") as url:
        menu = (await look("production", url, chromium))["menu"]
    assert "Servers" in menu
    assert "Sockets" not in menu


async def test_readonly(official_adapters: Path, chromium: str, anyio_backend: str) -> None:
    async with served(readonly=True) as url:
        assert (await look("readonly", url, chromium))["buttons"] == 0


async def test_passwords(official_adapters: Path, chromium: str, anyio_backend: str) -> None:
    async with served() as url:
        await look("passwords", url, chromium, attempts=ATTEMPTS)


async def test_a_session(official_adapters: Path, chromium: str, anyio_backend: str) -> None:
    async with served(mode="production") as url:
        await look("session", url, chromium)
