"""The whiteboard in Chromium: what is drawn on one page appears on another."""

from __future__ import annotations

import pytest

from tests.support.node import run_browser

from .support import ExampleProcess


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_whiteboard(chromium: str, anyio_backend: str) -> None:
    async with ExampleProcess("whiteboard") as server:
        result = await run_browser("examples/whiteboard.js", server.url, page=server.url + "/")
    assert result["heard"] == {"x0": 0.25, "y0": 0.5, "x1": 0.75, "y1": 0.5, "color": "red"}
    assert result["before"] == [[0, 0, 0, 0]] * 2
    drawn, seen = result["after"]
    assert drawn == seen
    assert (drawn[0] > 200, drawn[3]) == (True, 255)
    assert result["resized"] == seen
    assert [answer["error"]["code"] for answer in result["invalid"]] == ["validation"] * 3
    assert result["quiet"] == ["drawing"]
