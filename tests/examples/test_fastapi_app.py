"""The chat in FastAPI, with the official client."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.support.node import run_node
from tests.support.peer import TRANSPORTS
from tests.support.requirements import require_module

SCRIPT = Path(__file__).with_name("fastapi_app.mjs")


pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.parametrize("transport", TRANSPORTS),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for name in ("aiosqlite", "jwt", "multipart", "sqlalchemy"):
        require_module(name)
    return {"CHAT_DATABASE": f"sqlite+aiosqlite:///{tmp_path / 'chat.sqlite'}"}


async def test_the_chat(
    start_server: StartServer,
    node_modules: Path,
    environment: dict[str, str],
    transport: str,
    anyio_backend: str,
) -> None:
    environment["CHAT_ROOM_SIZE"] = "2"
    server = start_server("uvicorn-fast", "examples.fastapi_app:app", env=environment)
    await run_node(SCRIPT, server.url, {"run": "chat", "transport": transport})


async def test_expiry(
    start_server: StartServer,
    node_modules: Path,
    environment: dict[str, str],
    transport: str,
    anyio_backend: str,
) -> None:
    environment["CHAT_TOKEN_SECONDS"] = "4"  # time to connect on a slow machine
    server = start_server("uvicorn-fast", "examples.fastapi_app:app", env=environment)
    await run_node(SCRIPT, server.url, {"run": "expiry", "transport": transport})
