"""A Postgres of the tests, on a free port, that can be stopped, paused and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import anyio

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import missing

START_SECONDS = 30.0
FOLDERS = "/usr/lib/postgresql"  # of Debian, with one folder for each version


def programs() -> Path:
    """The folder of the server's programs."""
    folders = sorted(Path(FOLDERS).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    if found is None:
        missing("Postgres is not installed: there is no initdb")
    return Path(found).resolve().parent


def owner() -> dict[str, Any]:
    """Options of a process that is not root, as which Postgres refuses to run."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        missing("the tests run as root, and there is no user postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class PostgresProcess:
    """A server with a folder of its own: ``with PostgresProcess() as server: ...``."""

    def __init__(self, encoding: str = "UTF8") -> None:
        self._programs = programs()
        self._owner = owner()
        self._reservation = PortReservation()
        self.port: int = self._reservation.port
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._owner:
            os.chown(self.folder, self._owner["user"], self._owner["group"])
        self._process: subprocess.Popen[Any] | None = None
        self._stopped: list[int] = []
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-N", "-E", encoding)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if program == "initdb":
            command += ["--locale=C"]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **self._owner
        )
        assert done.returncode == 0, done.stderr

    @property
    def url(self) -> str:
        return self.url_of(self.port)

    @staticmethod
    def url_of(port: int) -> str:
        """The URL of the same database behind another port."""
        return f"postgresql://postgres@{HOST}:{port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
        }
        options = [text for item in settings.items() for text in ("-c", "=".join(item))]
        process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", "data", "-p", str(self.port), *options],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._owner,
        )
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        ready = [str(self._programs / "pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            assert process.poll() is None, "postgres has ended"
            assert time.monotonic() < deadline, "postgres does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and all connections at once."""
        if self._process is not None:
            self.resume()
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def pause(self) -> None:
        """Let all its processes stand still; connections stay open."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        self._stopped = [pid, *map(int, children.split())]
        for each in self._stopped:
            os.kill(each, signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        stopped, self._stopped = self._stopped, []
        for each in stopped:
            os.kill(each, signal.SIGCONT)

    async def execute(self, statement: str, *values: Any) -> list[Any]:
        """Execute a statement on a connection of its own."""
        return await execute(self.url, statement, *values)

    def close(self) -> None:
        self.stop()
        self._reservation.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


async def execute(url: str, statement: str, *values: Any) -> list[Any]:
    """Execute a statement on a connection of its own; returns the rows."""
    with anyio.fail_after(START_SECONDS):
        connection = await import_module("asyncpg").connect(url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()
