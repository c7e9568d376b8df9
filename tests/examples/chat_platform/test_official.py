"""The tests of the official sample's server, in JavaScript, pass on this one.

They are in the folder ``server/test`` of https://github.com/socketio/socket.io-chat-platform;
``CHAT_PLATFORM_REPOSITORY`` names a checkout. ``src/index.js``, which starts its server, is
replaced by ``official_startup.mjs``; everything else is as it is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from tests.brokers.postgres.servers import execute
from tests.support.node import install_node_modules
from tests.support.requirements import require_command

from .chat import visiting
from .conftest import StartChat
from .test_migrations import ADD_ANN, ADD_MESSAGE, check_taken_over

HERE = Path(__file__).parent
SECONDS = 240
TESTS = 38


@pytest.fixture
def checkout() -> Path:
    folder = Path(os.environ.get("CHAT_PLATFORM_REPOSITORY", ""))
    if not (folder / "server/test/util.js").is_file():
        pytest.skip(
            "needs the official sample: set CHAT_PLATFORM_REPOSITORY to a checkout of"
            " https://github.com/socketio/socket.io-chat-platform"
        )
    return folder / "server"


@pytest.mark.timeout(SECONDS + 60)
async def test_the_tests_of_the_official_sample(
    checkout: Path, postgres_url: str, start_chat: StartChat, tmp_path: Path
) -> None:
    packages = await anyio.to_thread.run_sync(install_node_modules, HERE)
    folder = tmp_path / "server"
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(HERE / "official_startup.mjs", folder / "src/index.js")
    (folder / "node_modules").symlink_to(packages)
    server = start_chat(postgres_url)

    def run() -> subprocess.CompletedProcess[str]:
        # Its tests have two seconds each, in which argon2 runs three times; not on a busy machine.
        options = ["--exit", "--recursive", "--reporter", "json", "--timeout", "30000"]
        return subprocess.run(
            [require_command("node"), str(packages / "mocha/bin/mocha.js"), *options],
            cwd=folder,
            env={**os.environ, "CI": "1", "CHAT_URL": server.url, "CHAT_DATABASE": postgres_url},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    done = await anyio.to_thread.run_sync(run)
    result = json.loads(done.stdout)
    failures = [(each["fullTitle"], each["err"].get("message")) for each in result["failures"]]
    assert failures == []
    assert (result["stats"]["passes"], result["stats"]["pending"]) == (TESTS, 0)
    assert "Traceback" not in server.output


@pytest.mark.timeout(60)
async def test_a_database_of_the_official_sample(
    checkout: Path, postgres_url: str, start_chat: StartChat
) -> None:
    tables = (checkout / "sql/0001-init.sql").read_text("utf-8")
    without_comments = "\n".join(line for line in tables.split("\n") if not line.startswith("--"))
    for statement in [*without_comments.split(";"), ADD_ANN, ADD_MESSAGE]:
        if statement.strip():
            await execute(postgres_url, statement)
    server = start_chat(postgres_url)
    async with visiting(server) as visit:
        await check_taken_over(visit)
