"""A NATS server in a process of its own.

>>> with NatsServer(tmp_path) as nats:
...     NatsAdapter(nats.url)
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_command

READY_SECONDS = 10.0


class NatsServer:
    """A server with JetStream on a free port of loopback.

    Args:
        folder: Where it keeps its files.
        options: More options of its command line.
        config: The text of its configuration file.
        jetstream: Whether JetStream is enabled.

    Attributes:
        port: The port, the same after a restart.
    """

    def __init__(
        self, folder: Path, *options: str, config: str = "", jetstream: bool = True
    ) -> None:
        self._command = require_command("nats-server")
        self._folder = folder
        self._options = list(options)
        self._jetstream = jetstream
        if config:
            file = folder / "nats.conf"
            file.write_text(config)
            self._options += ["-c", str(file)]
        self._port = PortReservation()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self._port.port

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        jetstream = ["-js", "-sd", str(self._folder / "store")] if self._jetstream else []
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._command, "-a", HOST, "-p", str(self.port), *jetstream, *self._options],
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1) as it:
                if it.recv(4) == b"INFO":
                    return
            time.sleep(0.01)
        raise AssertionError((self._folder / "nats.log").read_text())

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        """Let it stand still, with all its connections."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._port.close()
