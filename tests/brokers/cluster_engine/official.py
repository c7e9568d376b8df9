"""Official servers with the official cluster engine, each in a Node process of its own.

The package is not in every registry. Where it is not installed in ``tests/brokers``, it is built
from a checkout of https://github.com/socketio/socket.io, in the folder ``SOCKETIO_REPOSITORY``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

import pytest

from tests.support.requirements import require_command

BROKERS = Path(__file__).resolve().parents[1]
PACKAGE = "packages/socket.io-cluster-engine"
INSTALL_SECONDS = 120


def build_engine(folder: Path) -> Path:
    """The official engine as one file, which finds its packages in ``tests/brokers``."""
    installed = BROKERS / "node_modules/@socket.io/cluster-engine/dist/index.js"
    if installed.is_file():
        return installed
    repository = os.environ.get("SOCKETIO_REPOSITORY")
    source = Path(repository or "") / PACKAGE / "lib/redis.ts"
    if repository is None or not source.is_file():
        pytest.skip(
            "needs the official cluster engine: set SOCKETIO_REPOSITORY to a checkout of"
            " https://github.com/socketio/socket.io"
        )
    target = folder / "engine.cjs"
    options = ["--bundle", "--platform=node", "--packages=external", f"--outfile={target}"]
    subprocess.run([_esbuild(folder), str(source), *options], check=True, capture_output=True)
    return target


def _esbuild(folder: Path) -> str:
    found = shutil.which("esbuild")
    if found is not None:
        return found
    npm = [require_command("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(
        [*npm, "--prefix", str(folder), "esbuild"],
        check=True,
        capture_output=True,
        timeout=INSTALL_SECONDS,
    )
    return str(folder / "node_modules/.bin/esbuild")


class OfficialServer:
    """One official server."""

    def __init__(self, engine: Path, url: str, prefix: str) -> None:
        self._process = subprocess.Popen(
            [require_command("node"), "engine.mjs", str(engine), url, prefix],
            cwd=BROKERS / "interop",
            env={**os.environ, "NODE_PATH": str(BROKERS / "node_modules")},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid
        self.killed = False

    @property
    def running(self) -> bool:
        """Whether it has not crashed."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash would."""
        self.killed = True
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
