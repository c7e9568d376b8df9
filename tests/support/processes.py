"""Real ASGI servers, each in a process of its own.

>>> with ServerProcess("hypercorn-trio", "tests.support.echo:app") as server:
...     httpx.get(server.url + "/")

In tests the fixtures are shorter: ``start_server(name, app, ...)`` for one server and
``any_server(app, ...)`` for all of them, one test each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from anyio import to_thread

from .ports import HOST, Address, PortReservation
from .requirements import require_module

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT = 30.0  # seconds; cold imports on a loaded machine of two cores
STOP_TIMEOUT = 10.0  # seconds of grace between SIGTERM and SIGKILL
MAX_MESSAGE = "1000000"  # bytes; the default max_http_buffer_size


OUR_CLASSES = "socketio_asgi.integrations.uvicorn"


def _uvicorn(ws: str, http: str) -> Callable[[str, int], list[str]]:
    def command(app: str, port: int) -> list[str]:
        return [
            *("uvicorn", app, "--host", HOST, "--port", str(port), "--log-level", "info"),
            *("--http", http, "--ws", ws, "--ws-per-message-deflate", "false"),
            *("--ws-ping-interval", "0", "--ws-max-size", MAX_MESSAGE),
            *("--timeout-graceful-shutdown", "3", "--no-use-colors"),
        ]

    return command


def _hypercorn(worker: str) -> Callable[[str, int], list[str]]:
    def command(app: str, port: int) -> list[str]:
        return [
            *("hypercorn", app, "--bind", f"{HOST}:{port}", "--worker-class", worker),
            *("--graceful-timeout", "3", "--error-logfile", "-"),
        ]

    return command


def _granian(app: str, port: int) -> list[str]:
    return [
        *("granian", app, "--host", HOST, "--port", str(port), "--interface", "asgi", "--ws"),
        *("--workers", "1", "--workers-kill-timeout", "3"),
    ]


def _daphne(app: str, port: int) -> list[str]:
    return [
        *("daphne", "--bind", HOST, "--port", str(port), "--ping-interval", "0"),
        *("--websocket-max-message-size", MAX_MESSAGE, "--application-close-timeout", "3", app),
    ]


_COMMANDS: dict[str, Callable[[str, int], list[str]]] = {
    "uvicorn": _uvicorn("websockets-sansio", "auto"),
    "uvicorn-fast": _uvicorn(f"{OUR_CLASSES}:WebSocketProtocol", f"{OUR_CLASSES}:HTTPProtocol"),
    "hypercorn-asyncio": _hypercorn("asyncio"),
    "hypercorn-trio": _hypercorn("trio"),
    "granian": _granian,
    "daphne": _daphne,
}

SERVER_NAMES: tuple[str, ...] = tuple(_COMMANDS)
"""Every server that the tests know; ``uvicorn-fast`` has our own protocol classes."""

BOTH_PATHS = ("uvicorn", "uvicorn-fast")
"""The same server, whose WebSockets speak plain ASGI, and are taken over by engines."""


class ServerProcess(Address):
    """One ASGI server as a process, with a port of its own that outlives restarts.

    Args:
        name: one of :data:`SERVER_NAMES`.
        app: import string such as ``"tests.support.echo:app"``, from the repository's root.
        options: further command-line options, which win over the harness's, for example
            ``["--ws", "wsproto", "--loop", "asyncio"]`` for uvicorn or ``["--workers", "2"]``.
        env: variables added to the environment of the process.
        app_dir: a further folder to import from, for example ``tmp_path``.
        ready_path: path whose first HTTP answer, with whatever status, means "ready".
        working_dir: the folder that the process is started in.

    Use it with ``with`` (or ``async with``, which leaves the event loop free meanwhile), or call
    :meth:`start`, :meth:`stop`, :meth:`kill`, :meth:`restart` yourself. From async code run these
    in a thread: ``await anyio.to_thread.run_sync(server.restart)``.
    """

    ready_timeout = READY_TIMEOUT

    def __init__(
        self,
        name: str,
        app: str,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        app_dir: Path | None = None,
        ready_path: str = "/",
        working_dir: Path = ROOT,
    ) -> None:
        self.name = name
        self._reservation = PortReservation()
        self.port: int = self._reservation.port
        try:
            self._command = self._build_command(name, app, options)
        except BaseException:  # a command that is not there skips the test
            self._reservation.close()
            raise
        self._env = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        folders = (app_dir, ROOT, self._env.get("PYTHONPATH"))
        self._env["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in folders if folder)
        self._ready_path = ready_path
        self._working_dir = working_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._last_output = ""
        self._ended = False

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        module, *arguments = _COMMANDS[name](app, self.port)
        if name == "daphne":  # its application is the last, positional argument
            arguments = [*arguments[:-1], *options, arguments[-1]]
        else:
            arguments = [*arguments, *options]
        return [sys.executable, "-m", module, *arguments]

    @property
    def pid(self) -> int:
        """Id of the server's first process (some servers start workers below it)."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the first process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit status of the first process, ``None`` while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def output(self) -> str:
        """All that the server wrote to stdout and stderr so far."""
        if self._log is None or self._log.closed:
            return self._last_output
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def start(self) -> Self:
        """Start the process and wait until it answers HTTP; raises with its output if not."""
        self._require()
        if self._log is None:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._working_dir,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that kill() reaches the workers, and only them
        )
        self._ended = False
        self._wait_until_ready()
        return self

    def _require(self) -> None:
        require_module(self._command[2])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.ready_timeout
        while self.running and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.02)
        state = "did not answer" if self.running else f"exited with {self.returncode}"
        self.kill()
        raise RuntimeError(f"{self.name} {state}; it wrote:\n{self.output}")

    def _answers(self) -> bool:
        request = f"GET {self._ready_path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(request.encode())
                return connection.recv(64).startswith(b"HTTP/1.")
        except OSError:
            return False

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the first process and do not wait."""
        os.kill(self.pid, number)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait for the exit, at most ``timeout`` seconds; returns the exit status."""
        assert self._process is not None, "the server was not started"
        return self._process.wait(timeout)

    def stop(self, timeout: float = STOP_TIMEOUT) -> int | None:
        """Stop with SIGTERM, and with SIGKILL after ``timeout`` seconds; returns the status."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"{self.name} did not stop within {timeout} s\n")
        self.kill()
        return self.returncode

    def kill(self) -> None:
        """End all processes of this server at once, as a crash would."""
        if self._process is None or self._ended:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT)
        self._ended = True  # the system may give this id to somebody else from now on

    def restart(self) -> Self:
        """Stop if still running, and start again on the same port."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop, print the output (pytest shows it when the test failed), free the port."""
        self.stop()
        self._last_output = self.output
        sys.stdout.write(f"--- output of {self.name} ---\n{self._last_output}\n")
        if self._log is not None:
            self._log.close()
        self._reservation.close()

    def __enter__(self) -> Self:
        return self._start_or_close()

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start_or_close(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    async def __aenter__(self) -> Self:
        return await to_thread.run_sync(self._start_or_close)

    async def __aexit__(self, *error: object) -> None:
        await to_thread.run_sync(self.close)
