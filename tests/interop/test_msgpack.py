"""The official client's MessagePack bundle in Chromium; for Node see ``v4/msgpack.mjs``."""

from __future__ import annotations

import pytest

from tests.support.node import run_browser
from tests.support.processes import ServerProcess

from .support import judge

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_the_bundle_in_chromium(
    shared_server: ServerProcess, chromium: str, anyio_backend: str
) -> None:
    page = shared_server.url + "/"
    result = await run_browser("msgpack/page.js", shared_server.url, page=page, timeout=40)
    judge(result)
    assert len(result["cases"]) == 3
