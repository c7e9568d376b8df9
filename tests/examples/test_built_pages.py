"""The pages that are made with React and Vue: built, in Chromium, with a server that is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.support.node import start_node

from .conftest import Built
from .support import ExampleProcess, check_contract

SECONDS = 60
"""For one scenario: Chromium, two or three pages, and the second start of the server."""

pytestmark = [
    # Without fixtures, which may install packages and build pages, within limits of their own.
    pytest.mark.timeout(2 * SECONDS, func_only=True),
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


@pytest.fixture
def react_chat(mode: str, built: Built) -> Path:
    return built("react_chat", development=mode == "development")


@pytest.fixture
def vue_poll(built: Built) -> Path:
    return built("vue_poll")


async def play(example: str, folder: Path, chromium: str) -> dict[str, Any]:
    """Run the script of an example, and kill and start its server meanwhile."""
    env = {"HARNESS_CHROMIUM": chromium}
    async with (
        ExampleProcess(example, folder=folder) as server,
        start_node(f"examples/{example}.mjs", server.url, env=env, timeout=SECONDS) as script,
    ):
        await script.wait_for("ready", SECONDS)
        await to_thread.run_sync(server.kill)
        await script.send("killed")
        await script.wait_for("offline", SECONDS)
        await to_thread.run_sync(server.start)
        await script.send("started")
        return await script.finish(SECONDS)


@pytest.mark.parametrize("mode", ["production", "development"])
async def test_react(mode: str, react_chat: Path, chromium: str, anyio_backend: str) -> None:
    """During development, StrictMode runs each effect twice."""
    result = await play("react_chat", react_chat, chromium)
    assert [sorted(texts) for texts in result["before"]] == [["good morning", "hello"]] * 2
    assert result["after"] == [["is anybody there?", "again"]] * 2
    assert result["width"] == 360


async def test_vue(vue_poll: Path, chromium: str, anyio_backend: str) -> None:
    result = await play("vue_poll", vue_poll, chromium)
    mine = {"coffee": [1, True], "tea": [1, False], "water": [0, False]}
    other = {"coffee": [1, False], "tea": [1, True], "water": [0, False]}
    assert result["before"] == [mine, mine, other]
    nothing = {"coffee": [0, False], "tea": [0, False], "water": [1, False]}
    assert result["after"] == [nothing, nothing, {**nothing, "water": [1, True]}]
    assert result["width"] == 360


@pytest.mark.parametrize("example", ["react_chat", "vue_poll"])
def test_the_contract(example: str, anyio_backend: str) -> None:
    check_contract(example)
