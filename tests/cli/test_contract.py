"""``socketio-asgi contract``: the types of an application's events, written and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .support import run, run_many

CODE = """
from dataclasses import dataclass

from starlette.applications import Starlette

from socketio_asgi import Event, Server, Socket, SocketIOMiddleware

@dataclass
class Item:
    title: str
    stars: int

io = Server()
news = Event("news", Item)
io.emits(news)

@io.on("rate")
async def rate(socket: Socket, item: Item) -> bool:
    return True

app = SocketIOMiddleware(Starlette(), io)

def create():
    return io
"""


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    (tmp_path / "typed.py").write_text(CODE)
    return tmp_path


def test_typescript(typed: Path) -> None:
    done = run("contract", "typed:io", folder=typed)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("ClientToServerEvents", "ServerToClientEvents", "rate", "news", "stars"):
        assert word in done.stdout
    made = run("contract", "typed:create", "--factory", folder=typed)
    assert made.stdout == done.stdout


def test_asyncapi(typed: Path) -> None:
    options = ("--format", "asyncapi", "--title", "Shop", "--version", "2.0.0")
    done = run("contract", "typed:io", *options, folder=typed)
    document = json.loads(done.stdout)
    assert document["info"] == {**document["info"], "title": "Shop", "version": "2.0.0"}


def test_a_file_is_compared(typed: Path) -> None:
    written = run("contract", "typed:io", "--output", "contract.ts", folder=typed)
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    same = run("contract", "typed:io", "--check", "contract.ts", folder=typed)
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    (typed / "typed.py").write_text(CODE.replace("stars: int", "points: int"))
    other = run("contract", "typed:io", "--check", "contract.ts", folder=typed)
    assert other.returncode == 1
    assert other.stderr == "socketio-asgi: contract.ts is out of date\n"
    changed = {line[0]: line for line in other.stdout.splitlines() if line[1:2] == " "}
    assert "stars" in changed["-"]
    assert "points" in changed["+"]


def test_mistakes(typed: Path) -> None:
    mistakes = {
        "typed:app": "typed:app is no Server, which knows its events; typed has typed:io",
        "typed:ioo": "typed has no ioo; did you mean typed:io?",
        "nowhere:io": "there is no module nowhere",
        "typed:io --output nowhere/contract.ts": "--output: nowhere/contract.ts cannot be written",
        "typed:io --check typed.py": "typed.py is out of date",
    }
    done = run_many([["contract", *line.split()] for line in mistakes], typed)
    for result, message in zip(done, mistakes.values(), strict=True):
        assert result.returncode == 1
        assert result.stderr.startswith(f"socketio-asgi: {message}")
    (both,) = run_many([["contract", "typed:io", "--output=a", "--check=typed.py"]], typed)
    assert both.returncode == 2
    assert "--output and --check exclude each other" in both.stderr
