"""The chats of the examples, driven by the official client: one for each framework."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import run_node
from tests.support.requirements import require_module

CHATS = {"starlette": "itsdangerous", "litestar": "litestar", "quart": "quart"}
"""The examples by the beginning of their names, each with the package that it needs."""


@pytest.mark.parametrize("framework", list(CHATS))
async def test_chat(serving: Any, node_modules: Path, framework: str) -> None:
    require_module(CHATS[framework])
    served = await serving(import_module(f"examples.{framework}_chat").app)
    result = await run_node("examples/chat.mjs", served.url)
    assert (result["refused"], result["forbidden"]) == ("log in first", 403)
    assert result["greeting"] == "hello ann"
    assert result["early"]["error"]["code"] == "not_joined"
    assert (result["alone"], result["both"]) == (["ann"], ["ann", "bob"])
    assert result["joined"] == ["tea", "bob"]
    assert result["delivered"] == "delivered"
    assert result["said"] == ["ann", {"room": "tea", "text": "hello"}]
    assert [answer["error"]["code"] for answer in result["invalid"]] == ["validation"] * 8
    assert result["announced"] == {"clients": 2}
    assert result["heard"] == [["closing"], ["closing"]]
