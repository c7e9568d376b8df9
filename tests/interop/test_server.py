"""The server of the scenarios is what its name says."""

from __future__ import annotations

import pytest

from tests.support.peer import join_peer
from tests.support.processes import ServerProcess


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_who_carries_websockets(shared_server: ServerProcess, anyio_backend: str) -> None:
    async with join_peer(shared_server.url) as peer:
        assert await peer.request("taken over") == [shared_server.name == "uvicorn-fast"]
