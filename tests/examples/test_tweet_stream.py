"""The stream of texts in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import ExampleProcess, run_pages


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_page_that_comes_later(
    node_modules: Path, chromium: str, anyio_backend: str
) -> None:
    async with ExampleProcess("tweet_stream") as server:
        result = await run_pages("tweet_stream", server.url, chromium)
    assert set(result["second"]) <= set(result["first"])
    assert len(result["second"]) == len(set(result["second"])) >= 2
    assert result["width"] == 360
    assert result["background"] == "rgb(22, 22, 24)"
