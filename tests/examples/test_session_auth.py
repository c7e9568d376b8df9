"""The session that requests and events share, in Chromium: two tabs, logging out, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.node import run_browser
from tests.support.requirements import require_module

from .support import ExampleProcess

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

REFUSED = ["unauthorized", "unauthorized", 401]


async def run(env: Mapping[str, str], **options: Any) -> dict[str, Any]:
    for name in ("fastapi", "itsdangerous", "python_multipart"):
        require_module(name)
    async with ExampleProcess("session_auth", env=env) as server:
        script, page = "examples/session_auth.js", server.url + "/login"
        result = await run_browser(script, server.url, options, page=page)
    assert "Traceback" not in server.output
    assert (result["before"], result["after"]) == (REFUSED, REFUSED)
    return result


async def test_two_tabs(chromium: str, anyio_backend: str) -> None:
    result = await run({})
    assert result["websocket"] == "john"
    assert result["count"] == "2"


async def test_the_end_of_a_session(chromium: str, anyio_backend: str) -> None:
    result = await run({"SESSION_SECONDS": "4"}, expires=True)
    assert result["ended"] in {"io server disconnect", "transport close"}
