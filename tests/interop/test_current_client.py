"""The current client (socket.io-client 4.8) in Node, with each transport."""

from __future__ import annotations

import pytest

from tests.support.processes import ServerProcess

from .support import run_cases

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


GROUPS = ["connect", "events", "rooms", "disconnects", "sizes", "recovery", "msgpack"]


@pytest.mark.parametrize("group", GROUPS)
async def test_scenarios(group: str, shared_server: ServerProcess, anyio_backend: str) -> None:
    await run_cases(f"v4/{group}.mjs", shared_server.url)
