"""A server that speaks the protocol of MongoDB, in a process of its own.

There is no mongod in the registries of packages. This is SecantusDB, which was written
independently: capped collections, change streams over an oplog, and the storage engine of MongoDB.

>>> with MongoProcess(tmp_path) as mongo:
...     MongoAdapter(mongo.url)
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_module

READY_SECONDS = 20.0

DATABASE = "tests"


class MongoProcess:
    """A replica set of one server, on a free port of loopback.

    Args:
        folder: Where it keeps its files.
        options: More options of its command line.

    Attributes:
        port: The port, the same after a restart.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        require_module("secantus")
        self._folder = folder
        self._options = options
        self._reservation = PortReservation()
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = self._reservation.port

    @property
    def url(self) -> str:
        return self.url_of(self.port)

    @staticmethod
    def url_of(port: int) -> str:
        """The URL of the same database behind another port, which clients do not go round."""
        return f"mongodb://{HOST}:{port}/{DATABASE}?directConnection=true"

    def start(self) -> Self:
        command = [
            *(sys.executable, "-m", "secantus"),
            *("--host", HOST, "--port", str(self.port)),
            *("--storage-path", str(self._folder / "data"), "--cache-size", "64M"),
            *self._options,
        ]
        with (self._folder / "mongo.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        with client(self.url, serverSelectionTimeoutMS=500) as mongo:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    mongo.admin.command("ping")
                except PyMongoError:
                    continue
                return
        raise AssertionError((self._folder / "mongo.log").read_text())

    def stop(self) -> None:
        """End it, and all connections at once; what was confirmed is kept."""
        if self._process is not None:
            self.resume()
            self._process.terminate()
            self._process.wait(READY_SECONDS)
            self._process = None

    def pause(self) -> None:
        """Let it stand still; connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._reservation.close()


def client(url: str, **options: Any) -> MongoClient[Any]:
    """A client that is not asynchronous."""
    return MongoClient(url, **options)
