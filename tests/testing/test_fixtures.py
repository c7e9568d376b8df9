"""The fixtures, in runs of pytest of their own: each way to run async tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import require_module

CONFTEST = """
pytest_plugins = ["socketio_asgi.testing.fixtures"]
"""

STRICT_CONFTEST = """
import pytest_asyncio
from socketio_asgi.testing import Connector

pytest_plugins = ["socketio_asgi.testing.fixtures"]

@pytest_asyncio.fixture
async def socketio_connect():
    async with Connector() as connect:
        yield connect
"""

TESTS = """
import pytest
from socketio_asgi import Server
from socketio_asgi.testing import Connector

def make():
    io = Server()

    @io.on("say")
    async def say(socket, text):
        await socket.broadcast.emit("said", text)

    @io.on("broken")
    async def broken(socket):
        raise ZeroDivisionError

    return io

{mark}
async def test_chat(socketio_connect, socketio_clock):
    io = make()
    ann = await socketio_connect(io, clock=socketio_clock)
    bob = await socketio_connect(io, transports=["polling", "websocket"])
    await ann.emit("say", "hello")
    assert await bob.received("said") == "hello"
    await socketio_clock.advance(100)
    assert ann.connected and bob.connected

{mark}
async def test_twice(socketio_connect):
    assert (await socketio_connect(make())).connected

{mark}
async def test_broken(socketio_connect):
    client = await socketio_connect(make())
    await client.emit("broken")
"""

STRICT = "pytest-asyncio, strict"

WAYS = {
    "anyio": ("anyio", "", "@pytest.mark.anyio", "6 passed, 2 errors"),
    "anyio, auto": ("anyio", "anyio_mode = auto", "", "6 passed, 2 errors"),
    "pytest-asyncio, auto": ("pytest_asyncio", "asyncio_mode = auto", "", "3 passed, 1 error"),
    STRICT: ("pytest_asyncio", "", "@pytest.mark.asyncio", "3 passed, 1 error"),
    "pytest-trio": ("pytest_trio", "", "@pytest.mark.trio", "1 failed, 2 passed"),
    "pytest-trio, auto": ("pytest_trio", "trio_mode = true", "", "1 failed, 2 passed"),
}
"""By name: the module, lines of pytest.ini, the mark of tests, and the outcome: an error in a
fixture of pytest-trio is one of the test."""


@pytest.mark.parametrize("way", WAYS)
def test_the_fixtures(way: str, tmp_path: Path) -> None:
    module, options, mark, outcome = WAYS[way]
    require_module(module)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{options}\n")
    (tmp_path / "conftest.py").write_text(STRICT_CONFTEST if way == STRICT else CONFTEST)
    (tmp_path / "test_chat.py").write_text(TESTS.replace("{mark}", mark))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
    assert re.search(r"^(ERROR|FAILED) test_chat.py::test_broken", done.stdout, re.MULTILINE)
    assert "ZeroDivisionError" in done.stdout
