"""``make demo`` in a checkout, whose environment is this one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.processes import ROOT
from tests.support.requirements import require_command

# The variables of the Makefile, which a shell would not have.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VENV", "PYTHON", "PYTEST_ARGS", "DEMO_ARGS")
CLIENT = "tests/interop/node_modules/socket.io-client/dist"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the demo needs of a checkout, with an environment that needs no installation."""
    require_command("make")
    folder = tmp_path / "checkout"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("socketio_asgi", "integrations"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)
    for name in ("bin/python", ".stamp-run"):  # newer than pyproject.toml, so nothing is installed
        (folder / ".venv" / name).touch()
    command = folder / ".venv/bin/socketio-asgi"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m socketio_asgi "$@"\n', "utf-8")
    command.chmod(0o755)
    return folder


def environment(**more: str) -> dict[str, str]:
    """That of a shell, without what the ``make`` that runs the tests has been told."""
    own = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return {**own, **more}


@contextmanager
def make_demo(checkout: Path) -> Iterator[list[str]]:
    """Run the target, and yield the lines that the demo begins with."""
    env = environment(PYTHONPATH=str(checkout), PYTHONUNBUFFERED="1")
    command = ["make", "--silent", "demo", "DEMO_ARGS=--port 0"]
    with subprocess.Popen(
        command, cwd=checkout, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield [process.stdout.readline(), process.stdout.readline()]
        finally:
            os.killpg(process.pid, signal.SIGINT)  # of make too, as a terminal does


def files_of(checkout: Path) -> set[Path]:
    """All files of the checkout, except those of its environment."""
    found = {path.relative_to(checkout) for path in checkout.rglob("*")}
    return {path for path in found if path.parts[0] != ".venv"}


def test_it_leaves_nothing_behind(checkout: Path, node_modules: Path) -> None:
    client_dir = node_modules / "socket.io-client" / "dist"
    folder = checkout / CLIENT
    folder.parent.mkdir(parents=True)
    folder.symlink_to(client_dir)
    before = files_of(checkout)
    with make_demo(checkout) as (where, client):
        url = where.split()[2]
        assert httpx.get(url).status_code == 200
        script = httpx.get(f"{url}/socket.io/socket.io.min.js")
    assert client == f"JavaScript client from {client_dir}\n"
    assert script.content == (client_dir / "socket.io.min.js").read_bytes()
    assert files_of(checkout) == before
    assert list((checkout / ".venv/pycache").rglob("demo.*.pyc"))


@pytest.mark.parametrize("installed", [True, False])
def test_the_client_of_the_tests_is_passed_on(checkout: Path, installed: bool) -> None:
    if installed:
        (checkout / CLIENT).mkdir(parents=True)
        (checkout / CLIENT / "socket.io.min.js").touch()
    command = ["make", "--dry-run", "demo"]
    done = subprocess.run(
        command, cwd=checkout, env=environment(), check=True, capture_output=True, text=True
    )
    assert (f"demo --client-dir {CLIENT}" in done.stdout) is installed
    assert ("--client-dir" in done.stdout) is installed
