"""The command as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.ports import HOST
from tests.support.processes import ServerProcess

TIMEOUT = 30.0  # seconds for a command that ends by itself
MAIN = "from socketio_asgi.cli import main; sys.exit(main())"
COMMAND = Path(sys.executable).with_name("socketio-asgi")


def run(
    *arguments: str,
    python: str = MAIN,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {python}", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=folder,
        env={**os.environ, **(env or {})},
        input=stdin,
    )


MANY = """
import contextlib, io, json
from socketio_asgi.cli import main

def one(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    return status, out.getvalue(), err.getvalue()

print(json.dumps([one(words) for words in json.load(sys.stdin)]))
"""


class Done(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def run_many(commands: Sequence[Sequence[str]], folder: Path) -> list[Done]:
    """Run commands that fail early, one after another in one process."""
    done = run(python=MANY, folder=folder, stdin=json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [Done(*result) for result in json.loads(done.stdout)]


class RunProcess(ServerProcess):
    """``socketio-asgi run NAME`` in a folder; the options are further ones."""

    def __init__(self, folder: Path, app: str, *options: str, **more: str) -> None:
        self._folder = folder
        super().__init__("socketio-asgi run", app, options=options, env=more)

    def _answers(self) -> bool:
        if any(option in self._command for option in ("--uds", "--fd", "--ssl-certfile")):
            return "Application startup complete" in self.output
        return super()._answers()

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        command = [sys.executable, "-m", "socketio_asgi", "run", app]
        if "--uds" not in options and "--fd" not in options:
            command += ["--host", HOST, "--port", str(self.port)]
        return [*command, "--app-dir", str(self._folder), *options]
