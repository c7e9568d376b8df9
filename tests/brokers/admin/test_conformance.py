"""The same client and the same page, at an official server and at ours: they are told the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.admin import instrument
from tests.support.node import run_node
from tests.support.serving import serve

from .support import AUTH, FOLDER, RIGHT, make_server, official

# Browsers and processes take long on a busy machine.
pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.timeout(240),
]


async def record(url: str) -> dict[str, Any]:
    return await run_node(FOLDER / "record.mjs", url, {"auth": RIGHT}, timeout=120)


async def test_a_page_is_told_the_same(official_adapters: Path, anyio_backend: str) -> None:
    async with official() as url:
        theirs = await record(url)
    io = make_server()
    instrument(io, auth=AUTH)
    async with serve(io) as served:
        ours = await record(served.url)
    assert ours["found"].keys() == theirs["found"].keys()
    for event, expected in theirs["found"].items():
        assert ours["found"][event] == expected, event
    assert ours["kinds"] == theirs["kinds"]
