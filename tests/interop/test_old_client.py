"""The 2.x client (socket.io-client 2.5) in Node, which a server with ``allow_eio3`` takes."""

from __future__ import annotations

import pytest

from tests.support.processes import ServerProcess

from .support import run_cases

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_scenarios(shared_server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("v2/scenarios.mjs", shared_server.url)
