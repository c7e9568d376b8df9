"""The current client in Chromium: same origin, other origins, cookies, two tabs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.node import run_browser
from tests.support.processes import ServerProcess

from .support import TRANSPORTS, judge

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

ATTEMPTS: dict[str, dict[str, Any]] = {
    "default": {"path": "/nested/chat"},
    "open": {"path": "/open"},
    "open, with a header": {"path": "/open", "settings": {"extraHeaders": {"X-Token": "abc"}}},
    "open, with credentials": {"path": "/open", "settings": {"withCredentials": True}},
    "credentials": {"path": "/credentials", "settings": {"withCredentials": True}},
}


def with_cookie(server: ServerProcess, **options: Any) -> dict[str, Any]:
    """Options of a page whose browser has a cookie for the server."""
    return {"$cookies": [{"name": "user", "value": "ann", "url": server.url}], **options}


async def test_a_page_of_the_server(
    shared_server: ServerProcess, chromium: str, anyio_backend: str
) -> None:
    page = shared_server.url + "/"
    options = with_cookie(shared_server)
    result = await run_browser("pages/same_origin.js", page, options, page=page, timeout=50)
    judge(result)
    assert result["compressed"] > 0


async def test_a_page_of_another_origin(
    shared_server: ServerProcess, chromium: str, anyio_backend: str
) -> None:
    options = with_cookie(shared_server, attempts=ATTEMPTS)
    answer = await run_browser("pages/other_origin.js", shared_server.url, options, timeout=50)
    results = answer["results"]

    # By default nobody may, by any transport.
    assert results["default"] == {
        "polling": {"error": "xhr poll error"},
        "websocket": {"error": "websocket error"},
        "upgrade": {"error": "xhr poll error"},
    }
    for transport in TRANSPORTS:
        assert results["open"][transport]["headers"]["origin"] == answer["origin"]
    assert "cookie" not in results["open"]["polling"]["headers"]
    assert results["open"]["upgrade"]["transport"] == "websocket"
    # A header of its own makes the browser ask before (a preflight request).
    assert results["open, with a header"]["polling"]["headers"]["x-token"] == "abc"
    # Browsers take "*" only without cookies.
    assert results["open, with credentials"]["polling"] == {"error": "xhr poll error"}
    for transport in TRANSPORTS:
        assert "user=ann" in results["credentials"][transport]["headers"]["cookie"]
