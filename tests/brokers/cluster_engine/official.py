"""Official servers with the official cluster engine, each in a Node process of its own.

The package is not in every registry; see :mod:`tests.brokers.official_package`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

import pytest

from tests.brokers.official_package import BROKERS, ENVIRONMENT, bundle, installed_package
from tests.support.requirements import require_command

PACKAGE = "packages/socket.io-cluster-engine"


def build_engine(folder: Path) -> Path:
    """The official engine as one file, which finds its packages in ``tests/brokers``."""
    installed = installed_package("@socket.io/cluster-engine")
    if installed is not None:
        return installed
    repository = os.environ.get("SOCKETIO_REPOSITORY")
    source = Path(repository or "") / PACKAGE / "lib/redis.ts"
    if repository is None or not source.is_file():
        pytest.skip(
            "needs the official cluster engine: set SOCKETIO_REPOSITORY to a checkout of"
            " https://github.com/socketio/socket.io"
        )
    return bundle(source, folder, "engine.cjs")


class OfficialServer:
    """One official server."""

    def __init__(self, engine: Path, url: str, prefix: str) -> None:
        self._process = subprocess.Popen(
            [require_command("node"), "engine.mjs", str(engine), url, prefix],
            cwd=BROKERS / "interop",
            env=ENVIRONMENT,
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
