"""The same application on three servers, each in a process of its own, for clients of ours."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.node import INTEROP
from tests.support.ports import PortReservation
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command

HERE = Path(__file__).parent
PEERS = ("ours", "node", "python-socketio")
START_SECONDS = 30.0
STOP_SECONDS = 10.0


@contextmanager
def peer(name: str) -> Iterator[str]:
    """The address of a server, while the block lasts."""
    if name == "node":
        with node_server() as url:
            yield url
    else:
        app = "application:io" if name == "ours" else "peers.python_socketio_app:app"
        with ServerProcess("uvicorn", f"tests.client.{app}") as server:
            yield server.url


@contextmanager
def node_server(port: int | None = None) -> Iterator[str]:
    """The official server, on a port that may be given."""
    node = require_command("node")
    with PortReservation() as reservation, tempfile.TemporaryFile() as log:
        number = reservation.port if port is None else port
        process = subprocess.Popen(
            [node, str(HERE / "node.mjs"), str(number)],
            cwd=INTEROP,
            env={**os.environ, "NODE_PATH": str(INTEROP / "node_modules")},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_listening(process, number)
            yield f"http://127.0.0.1:{number}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"the server did not start: {process.poll()}")
