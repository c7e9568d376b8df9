"""The token for requests and connections: in all ways that clients send it, and on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.node import run_browser, run_node
from tests.support.requirements import require_module

from .support import ExampleProcess

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SHORT = {"JWT_SECONDS": "4"}  # time to connect on a slow machine


@pytest.fixture(autouse=True)
def needed() -> None:
    for name in ("fastapi", "jwt"):
        require_module(name)


async def test_tokens(node_modules: Path, anyio_backend: str) -> None:
    async with ExampleProcess("jwt_auth") as server:
        result = await run_node("examples/jwt_auth.mjs", server.url)
    assert "Traceback" not in server.output
    assert result["wrong"] == 401
    assert result["self"] == [[200, {"id": 1, "username": "john"}], 401]
    assert result["refused"] == ["unauthorized"] * 4
    assert result["names"] == ["john"] * 3


async def test_expiry(node_modules: Path, anyio_backend: str) -> None:
    async with ExampleProcess("jwt_auth", env=SHORT) as server:
        result = await run_node("examples/jwt_auth.mjs", server.url, {"expires": True})
    assert result["reason"] == "io server disconnect"
    assert result["after"] == [401, "unauthorized"]


@pytest.mark.parametrize("expires", [False, True])
async def test_the_page(chromium: str, expires: bool, anyio_backend: str) -> None:
    async with ExampleProcess("jwt_auth", env=SHORT if expires else {}) as server:
        script, options = "examples/jwt_auth.js", {"expires": expires}
        result = await run_browser(script, server.url, options, page=server.url + "/")
    assert result["wrong"] == "The name or the password is wrong."
    if expires:
        assert result["why"] == "The token has expired."
    else:
        assert result["token"] is None
