"""The meaning of ``--limit-concurrency`` on both paths."""

from __future__ import annotations

from contextlib import AsyncExitStack

import httpx
import pytest

from tests.conftest import StartServer
from tests.support.clients import WebSocketRejected
from tests.support.peer import join_peer
from tests.support.processes import BOTH_PATHS
from tests.support.waiting import until

APP = "tests.asgi_servers.apps:mounted"


@pytest.mark.parametrize("name", BOTH_PATHS)
async def test_the_count_of_connections(start_server: StartServer, name: str) -> None:
    """A request is refused when it comes by the fourth connection, its own counted."""
    server = start_server(name, APP, options=["--limit-concurrency", "4"])

    async def status() -> int:
        async with httpx.AsyncClient() as http:
            return (await http.get(server.url)).status_code

    async with AsyncExitStack() as stack:
        for _ in range(3):
            assert await status() == 200
            await stack.enter_async_context(join_peer(server.url))
        assert await status() == 503
        with pytest.raises(AssertionError, match="503"):
            await stack.enter_async_context(join_peer(server.url, "polling"))
        if name == "uvicorn":  # its own classes refuse no WebSocket
            await stack.enter_async_context(join_peer(server.url))
        else:
            with pytest.raises(WebSocketRejected) as refusal:
                await stack.enter_async_context(join_peer(server.url))
            assert refusal.value.status == 503

    async def served_again() -> bool:
        return await status() == 200

    await until(served_again)
