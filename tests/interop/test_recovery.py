"""Connection state recovery of the official client, in Node and in Chromium."""

from __future__ import annotations

import pytest

from tests.support.node import run_browser
from tests.support.processes import ServerProcess

from .support import judge, run_cases

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_in_node(shared_server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("recovery/client.mjs", shared_server.url, {"name": "node"})


async def test_in_chromium(shared_server: ServerProcess, chromium: str, anyio_backend: str) -> None:
    page = shared_server.url + "/"
    options = {"name": "chromium"}
    result = await run_browser(
        "recovery/scenario.js", shared_server.url, options, page=page, timeout=50
    )
    judge(result)
    assert len(result["cases"]) == 6
