"""The project with Django, below three servers, in Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import run_browser
from tests.support.ports import HOST
from tests.support.processes import ROOT, ServerProcess
from tests.support.requirements import require_module
from tests.support.shared import once_per_run

PROJECT = ROOT / "examples" / "django_chat"
MANAGE = str(PROJECT / "manage.py")
DATABASE = "chat.sqlite"

QUICK = """
from chat.settings import *

# The default one takes a second of the processor, as it should.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""

ADD_ANN = """
from django.contrib.auth.models import User
User.objects.create_user("ann", password="secret")
"""


class RunserverProcess(ServerProcess):
    """``manage.py runserver``."""

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        return [sys.executable, MANAGE, name, f"{HOST}:{self.port}", "--noreload", *options]

    def _require(self) -> None:
        """Django and daphne were found before."""


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows ``ann``, for copies of it."""
    for name in ("django", "daphne"):
        require_module(name)
    return once_per_run(tmp_path_factory, "django_chat", make_database) / DATABASE


def make_database(folder: Path) -> None:
    env = {**os.environ, **environment(folder)}
    for arguments in (["migrate", "--run-syncdb"], ["shell", "-v", "0", "-c", ADD_ANN]):
        command = [sys.executable, MANAGE, *arguments]
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def environment(folder: Path) -> dict[str, str]:
    """The environment of the project, with its database and settings for tests in a folder."""
    (folder / "quick.py").write_text(QUICK, "utf-8")
    return {
        "CHAT_DATABASE": str(folder / DATABASE),
        "DJANGO_SETTINGS_MODULE": "quick",
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT), str(ROOT)]),
    }


@pytest.fixture
def env(tmp_path: Path, database: Path) -> dict[str, str]:
    shutil.copy(database, tmp_path)
    return environment(tmp_path)


@contextmanager
def started(name: str, env: dict[str, str]) -> Iterator[ServerProcess]:
    if name == "runserver":
        with RunserverProcess(name, "", env=env) as server:
            yield server
    else:
        with ServerProcess(name, "chat.asgi:application", env=env, app_dir=PROJECT) as server:
            yield server


@pytest.mark.timeout(90, func_only=True)  # a fixture makes a database
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    "name",
    [
        "runserver",
        pytest.param("daphne", marks=pytest.mark.variant),  # runserver is daphne as well
        "uvicorn-fast",
    ],
)
async def test_in_a_browser(
    name: str, env: dict[str, str], chromium: str, anyio_backend: str
) -> None:
    with started(name, env) as server:
        result: dict[str, Any] = await run_browser(
            "examples/django_chat.js", server.url, page=server.url + "/", timeout=50
        )
        assert "Traceback" not in server.output
    line = {"id": 1, "room": "tea", "author": "ann", "text": "hello"}
    assert result["refused"] == "log in first"
    assert (result["wrong"], result["login"]) == (403, "hello ann")
    assert result["early"]["error"]["code"] == "not_joined"
    assert (result["history"], result["later"]) == ([], [line])
    assert (result["saved"], result["said"], result["page"]) == (1, line, "ann: hello")
    codes = [answer["error"]["code"] for answer in result["invalid"]]
    assert codes == ["validation", "validation", "length"]
    assert (result["announced"], result["heard"]) == ({"clients": 3}, ["closing"] * 2)
    assert result["gone"] == ["io server disconnect"] * 2
    assert result["history_of_the_lobby"] == ["you: in the lobby"]
    assert result["reloaded"] == ["ann: in the lobby"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_runserver_of_django_alone(env: dict[str, str], anyio_backend: str) -> None:
    with RunserverProcess("runserver", "", env=env, options=["--noasgi"]) as server:
        assert "socketio.W001" in server.output
