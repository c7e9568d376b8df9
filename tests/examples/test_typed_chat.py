"""The typed chat: its client is compiled against the contract of its server, and talks to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from examples.typed_chat import server
from tests.support.node import start_node
from tests.support.typescript import SECONDS, compile_strictly

from .conftest import Built
from .support import ExampleProcess

FOLDER = Path(server.__file__).parent


def contract() -> str:
    return server.io.contract(title="Chat", version="1.0.0").typescript()


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A folder with the client in TypeScript."""
    folder = tmp_path / "client"
    folder.mkdir()
    for file in FOLDER.glob("*.ts"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def typed_chat(built: Built) -> Path:
    return built("typed_chat")


def test_the_contract_beside_the_client_is_that_of_the_server() -> None:
    written = (FOLDER / "contract.ts").read_text("utf-8")
    assert written == contract(), "npm run contract"


@pytest.mark.timeout(60, func_only=True)  # fixtures may install packages
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_client(typed_chat: Path, anyio_backend: str) -> None:
    async with (
        ExampleProcess("typed_chat", folder=typed_chat) as server,
        start_node(typed_chat / "dist" / "main.js", server.url) as script,
    ):
        result = await script.finish()
    people = [{"name": "Ann", "role": "guest"}, {"name": "Ben", "role": "guest"}]
    assert result == {
        "ok": True,
        "ann": {"name": "lobby", "people": people[:1]},
        "ben": {"name": "lobby", "people": people},
        "eve": "The room is full. (2 of 2)",
        "heard": 2,
        "cleared": "cleared",
    }
    assert {"entered": "Ben"} in script.lines
    assert script.lines.count({"said": "Hello", "by": "Ben"}) == 2
    assert script.lines.count({"question": "Clear lobby?"}) == 1


@pytest.mark.timeout(SECONDS + 10)
def test_another_contract_breaks_the_client(client: Path, node_modules: Path) -> None:
    changed = contract().replace('"room_full"', '"no_place"').replace("people:", "members:")
    (client / "contract.ts").write_text(changed, "utf-8")
    problems = compile_strictly(client, node_modules)
    assert "Type '\"room_full\"' is not comparable to type" in problems
    assert "client.ts" in problems
