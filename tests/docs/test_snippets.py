"""The code in the documentation runs, and the quick start does what it says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from socketio_asgi import Server, SocketIOMiddleware
from tests.cli.support import RunProcess
from tests.support.node import run_browser
from tests.support.peer import join_peer
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command

from .snippets import PAGES, ROOT, blocks_of, run_blocks

README = ROOT / "README.md"
STARTED = ROOT / "docs" / "getting-started.md"
HOME = ROOT / "docs" / "index.md"

StartServer = Callable[..., ServerProcess]
StartCommand = Callable[..., RunProcess]
asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture
def start_command() -> Iterator[StartCommand]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(RunProcess(*arguments))


def page_id(page: Path) -> str:
    return page.name


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_blocks_run(page: Path) -> None:
    run_blocks(page)


@pytest.mark.parametrize("page", [*(ROOT / "docs").rglob("*.md")], ids=page_id)
def test_pages_open_with_code(page: Path) -> None:
    _, _, rest = page.read_text("utf-8").partition("\n")
    if page == HOME:
        sentence, _, rest = rest.lstrip().partition("\n\n")  # what this is
        assert sentence.endswith(".")
    assert rest.lstrip().startswith(("```python", "```py ", "```console"))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_javascript_blocks_are_valid(page: Path, tmp_path: Path) -> None:
    blocks = blocks_of(page, "js")
    if not blocks:
        return
    node = require_command("node")
    for number, block in enumerate(blocks):
        script = tmp_path / f"{page.stem}-{number}.mjs"
        script.write_text(block.code)
        done = subprocess.run(
            [node, "--check", script], capture_output=True, timeout=30, text=True, check=False
        )
        assert done.returncode == 0, f"{page.name}:{block.line}: {done.stderr}"


@pytest.mark.parametrize("page", [README, STARTED], ids=page_id)
def test_both_quick_starts_are_the_same_page(page: Path) -> None:
    assert [block.code for block in blocks_of(page, "html")] == [
        blocks_of(README, "html")[0].code,
    ]
    assert blocks_of(page, "python")[0].code == blocks_of(README, "python")[0].code


def write_quick_start(folder: Path, *, python: int = 0) -> None:
    (folder / "main.py").write_text(blocks_of(README, "python")[python].code)
    (folder / "index.html").write_text(blocks_of(README, "html")[0].code)


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url)


@asyncio_only
async def test_quick_start(start_command: StartCommand, tmp_path: Path) -> None:
    write_quick_start(tmp_path)
    server = start_command(tmp_path, "main:app", "--reload", "--reload-dir", str(tmp_path))
    assert "<title>Chat</title>" in (await get(server.url)).text
    async with join_peer(server.url) as first, join_peer(server.url) as second:
        assert await first.request("chat message", "hello") == ["delivered"]
        assert await second.expect("chat message") == ["hello"]
    async with join_peer(server.url, "polling"):
        pass


@asyncio_only
async def test_quick_start_in_a_browser(
    start_server: StartServer, tmp_path: Path, chromium: str, node_modules: Path
) -> None:
    write_quick_start(tmp_path)
    # The CDN hands out the files of the npm package, so the test takes the one that is installed.
    client = node_modules / "socket.io-client" / "dist" / "socket.io.min.js"
    page = tmp_path / "index.html"
    tag = '<script src="https://cdn.socket.io/4.8.3/socket.io.min.js"></script>'
    assert page.read_text().count(tag) == 1
    page.write_text(page.read_text().replace(tag, f"<script>{client.read_text()}</script>"))
    server = start_server("uvicorn-fast", "main:app", app_dir=tmp_path)
    scenario = Path(__file__).with_name("quick_start.js")
    result = await run_browser(scenario, server.url, page=server.url)
    assert result["own"] == ["hello (delivered)", "answer"]
    assert result["other"] == "hello"


@asyncio_only
async def test_stand_alone_server(start_command: StartCommand, tmp_path: Path) -> None:
    write_quick_start(tmp_path, python=1)
    server = start_command(tmp_path, "main:io")
    async with join_peer(server.url) as peer:
        assert await peer.request("echo", 1, {"a": [None]}) == [1, {"a": [None]}]


@asyncio_only
async def test_wrapped_application(start_command: StartCommand, tmp_path: Path) -> None:
    write_quick_start(tmp_path, python=2)
    server = start_command(tmp_path, "main:app")
    assert (await get(server.url + "/other")).status_code == 404
    async with join_peer(server.url):
        pass


async def test_example_of_a_test(serving: Callable[..., Any]) -> None:
    await run_blocks(ROOT / "CONTRIBUTING.md")["test_echo"](serving)


@pytest.mark.parametrize("page", [README, STARTED, HOME], ids=page_id)
def test_the_command_is_ours(page: Path) -> None:
    commands = re.findall(r"^\$ (\S+ (?:run )?main:\w+)", page.read_text("utf-8"), re.MULTILINE)
    assert {command.partition(" main:")[0] for command in commands} == {"socketio-asgi run"}


def test_readme_defines_what_its_commands_name() -> None:
    defined = run_blocks(README)
    assert isinstance(defined["io"], Server)
    assert isinstance(defined["app"], SocketIOMiddleware)
