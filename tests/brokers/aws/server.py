"""moto in a process of its own, on a free port; or AWS itself, with credentials of the environment.

>>> with MotoServer() as moto:
...     AwsSqsAdapter(**moto.options)
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_module

START_SECONDS = 30.0
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class MotoServer:
    """A server that can be stopped, paused and started again.

    Attributes:
        port: its port, the same after a restart; everything in it is lost then.
    """

    def __init__(self) -> None:
        require_module("moto")
        require_module("flask")
        self._reservation = PortReservation()
        self.port: int = self._reservation.port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of(self.port)

    @staticmethod
    def url_of(port: int) -> str:
        """The URL of the same behind another port."""
        return f"http://{HOST}:{port}"

    @property
    def options(self) -> dict[str, Any]:
        """Options of adapters and emitters."""
        return options_of(self.url)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        script = Path(__file__).with_name("moto_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MOTO_PORT": str(self.port)},
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "moto has ended"
            assert time.monotonic() < deadline, "moto does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            self.set_faults("")
            return True
        return False

    def set_faults(self, query: str) -> None:
        """Let it have the faults of ``moto_server.py``."""
        request = urllib.request.Request(f"{self.url}/faults?{query}", method="POST")
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            answer.read()

    def stop(self) -> None:
        """End it, and all connections at once."""
        if self._process is not None:
            self.resume()
            self._process.kill()
            self._process.wait(START_SECONDS)
            self._process = None

    def pause(self) -> None:
        """Let it stand still; connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.stop()
        self._reservation.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def options_of(url: str) -> dict[str, Any]:
    """Options of adapters and emitters for a moto at that URL."""
    # Without TLS, and so without the authorities, which each client would read anew.
    options = {**CREDENTIALS, "verify": False}
    where = {"region_name": REGION, "endpoint_url": url, "client_options": options}
    return {**where, "session": _session()}


def client(service: str, **options: Any) -> Any:
    """A client of aiobotocore, as an asynchronous context manager."""
    return _session().create_client(service, **options)


@functools.cache
def _session() -> Any:
    """One session for all: it reads the models of the services once."""
    return import_module("aiobotocore.session").get_session()
