"""The small Pub/Sub in a process of its own.

>>> with PubSubProcess() as pubsub:
...     GcpPubSubAdapter(PROJECT, emulator_host=pubsub.host)
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from typing import Self

from tests.support.ports import HOST, PortReservation
from tests.support.processes import ROOT
from tests.support.requirements import require_module

PROJECT = "test-project"
READY_SECONDS = 20.0


class PubSubProcess:
    """A Pub/Sub on a free port of loopback; it forgets everything when it ends.

    Args:
        disorder: The seed by which it doubles and mixes messages; None for neither.

    Attributes:
        port: The port, the same after a restart.
    """

    def __init__(self, disorder: int | None = None) -> None:
        require_module("google.pubsub_v1")
        self._reservation = PortReservation()
        self.port = self._reservation.port
        self._options = [] if disorder is None else ["--disorder", str(disorder)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return self.host_of(self.port)

    @property
    def url(self) -> str:
        """The same, where all brokers have one."""
        return self.host

    @staticmethod
    def host_of(port: int) -> str:
        """Host and port of a Pub/Sub, or of a proxy before one."""
        return f"{HOST}:{port}"

    def start(self) -> Self:
        command = [sys.executable, "-m", "tests.brokers.gcp.emulator", str(self.port)]
        self._process = subprocess.Popen([*command, *self._options], cwd=ROOT)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError("the small Pub/Sub does not answer")

    def pause(self) -> None:
        """Let it stand still, with all its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

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
        self._reservation.close()
