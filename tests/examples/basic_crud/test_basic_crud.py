"""The CRUD example: its page in Chromium, and beside the official server from a checkout.

``SOCKETIO_REPOSITORY`` is a checkout of https://github.com/socketio/socket.io.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.conftest import StartServer
from tests.examples.support import ExampleProcess
from tests.support.node import INTEROP, install_node_modules, run_browser, run_node
from tests.support.ports import HOST
from tests.support.requirements import require_command, require_module

FOLDER = Path(__file__).parent
TESTS = "examples/basic-crud-application/server/test/todo-management/todo.tests.ts"
SECONDS = 60

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture(scope="session")
def checkout() -> Path:
    folder = Path(os.environ.get("SOCKETIO_REPOSITORY", ""))
    if not (folder / TESTS).is_file():
        pytest.skip(
            "needs the official example: set SOCKETIO_REPOSITORY to a checkout of"
            " https://github.com/socketio/socket.io"
        )
    return folder


@pytest.fixture(scope="session")
def official(checkout: Path, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official server and its tests, built."""
    folder = tmp_path_factory.mktemp("crud")
    command = [require_command("node"), str(FOLDER / "build.mjs"), str(checkout), str(folder)]
    subprocess.run(command, check=True, timeout=SECONDS)
    return folder


@pytest.fixture(scope="session")
def packages() -> dict[str, str]:
    """The environment in which what was built finds its packages."""
    folders = [install_node_modules(FOLDER), INTEROP / "node_modules"]
    return {**os.environ, "NODE_PATH": os.pathsep.join(map(str, folders))}


@contextmanager
def official_server(folder: Path, packages: dict[str, str]) -> Iterator[str]:
    """Run the official server; yields its address."""
    command = [require_command("node"), str(FOLDER / "official.cjs"), str(folder)]
    with subprocess.Popen(command, env=packages, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://{HOST}:{int(process.stdout.readline())}"
        process.kill()


async def test_the_page(chromium: str, anyio_backend: str) -> None:
    require_module("pydantic")
    async with ExampleProcess("basic_crud") as server:
        script = "examples/basic_crud.js"
        result = await run_browser(script, server.url, page=server.url + "/")
    assert result["kept"] is True
    assert result["refused"] == '"title" is not allowed to be empty'
    assert result["left"] == "0 left"


async def test_answers_of_the_official_server(
    official: Path, packages: dict[str, str], anyio_backend: str
) -> None:
    script = "examples/basic_crud.mjs"
    async with ExampleProcess("basic_crud") as server:
        ours = await run_node(script, server.url)
    with official_server(official, packages) as url:
        theirs = await run_node(script, url)
    assert ours["answers"] == theirs["answers"]
    assert ours["told"] == theirs["told"]
    assert len(ours["answers"]) > 70


async def test_the_official_tests(
    start_server: StartServer,
    checkout: Path,
    official: Path,
    packages: dict[str, str],
    anyio_backend: str,
) -> None:
    server = start_server("uvicorn", "tests.examples.basic_crud.served:app")
    mocha = install_node_modules(FOLDER) / "mocha/bin/mocha.js"
    file = official / "ours/test/todo-management/todo.tests.js"
    command = [require_command("node"), str(mocha), "--exit", "--timeout", "10000", str(file)]
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            command, env={**packages, "OURS": server.url}, check=False, stderr=subprocess.STDOUT
        )
    output = done.stdout.decode()
    count = len(re.findall(r"^ +it\(", (checkout / TESTS).read_text("utf-8"), re.MULTILINE))
    assert f"{count} passing" in output, output
    assert "failing" not in output, output
