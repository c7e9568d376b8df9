"""A server that speaks the protocol of MongoDB, in a process of its own.

There is no mongod in the registries of packages. This is SecantusDB, which was written
independently: capped collections, change streams over an oplog, and the storage engine of MongoDB.

>>> with MongoProcess(tmp_path) as mongo:
...     MongoAdapter(mongo.url)
"""

from __future__ import annotations

import shutil
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
HUNG_SECONDS = 10.0
"""A server that has not written one document in that time does nothing any more, on however busy a
machine."""

CACHE_SIZE = "512M"
"""The cache of the storage engine. Changes may fill a tenth of it; above that, those who read or
write have to make room. With 64 MB, a large event was enough for one that waited for ever, with a
lock."""

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
            *("--storage-path", str(self._folder / "data"), "--cache-size", CACHE_SIZE),
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

    def renew_if_hung(self, seconds: float = HUNG_SECONDS) -> None:
        """Begin anew, with an empty database, unless it is well.

        Otherwise every test that follows would fail for what one has brought about.
        """
        if not self._is_well(seconds):
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            shutil.rmtree(self._folder / "data", ignore_errors=True)
            self.start()

    def _is_well(self, seconds: float) -> bool:
        milliseconds = round(seconds * 1000)
        times = ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS")
        with client(self.url, retryWrites=False, **dict.fromkeys(times, milliseconds)) as mongo:
            try:
                mongo["wellness"]["looks"].replace_one({"_id": 1}, {}, upsert=True)
            except PyMongoError:
                return False
        return True

    def stop(self) -> None:
        """End it, and all connections at once; what was confirmed is kept."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self.resume()
            self._process.send_signal(number)
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
        self._end(signal.SIGKILL)  # nothing has to be kept
        self._reservation.close()


def client(url: str, **options: Any) -> MongoClient[Any]:
    """A client that is not asynchronous."""
    return MongoClient(url, **options)
