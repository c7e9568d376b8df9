"""The server of the scenarios is what its name says."""

from __future__ import annotations

import pytest

from tests.asgi_servers.clients import ask, connect_socket
from tests.support.processes import ServerProcess


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_who_carries_websockets(shared_server: ServerProcess, anyio_backend: str) -> None:
    async with connect_socket(shared_server.url) as ws:
        assert await ask(ws, "taken over") == [shared_server.name == "uvicorn-fast"]
