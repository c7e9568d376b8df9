"""The connection layer alone: engine.io-client 6.6, and version 3 of it with ``allow_eio3``."""

from __future__ import annotations

import pytest

from tests.support.node import run_node
from tests.support.processes import ServerProcess

from .support import run_cases

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.mark.parametrize("revision", [4, 3])
async def test_scenarios(revision: int, shared_server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("engine/echo.mjs", shared_server.url, {"revision": revision})


@pytest.mark.parametrize(("revision", "rounds"), [(4, 4), (3, 1)])
async def test_upgrades_under_load(
    revision: int, rounds: int, shared_server: ServerProcess, anyio_backend: str
) -> None:
    options = {"revision": revision, "rounds": rounds, "atOnce": 25}
    result = await run_node("engine/upgrade_load.mjs", shared_server.url, options, timeout=45)
    assert result["connections"] == 25 * rounds
    # The switch happened in the middle of the messages.
    assert result["before"] > 0
    assert result["after"] > 0
