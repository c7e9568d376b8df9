"""A Node process that obeys commands, from tests in whichever event loop."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from anyio import to_thread

from tests.brokers.official_package import ENVIRONMENT
from tests.support.requirements import require_command

from .values import pack, unpack

HERE = Path(__file__).parent
ANSWER_TIMEOUT = 15.0
"""Seconds for an answer; longer than the time-outs of the official adapters.

They begin when the process is ready: a busy machine may need as long to load its packages.
"""


class CommandError(Exception):
    """A command has failed in Node."""


class NodeProcess:
    """A script that uses ``remote.mjs``.

    Args:
        script: its name, in this folder.
    """

    def __init__(self, script: str) -> None:
        self.script = script
        self._ready = threading.Event()  # set as well when the process has ended
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._numbers = itertools.count(1)
        self._answers: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [require_command("node"), str(HERE / script)],
            cwd=HERE,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    async def call(self, command: str, **options: Any) -> Any:
        """Have a command obeyed; returns its result.

        Raises:
            CommandError: it failed, or the process has ended.
        """
        answer: Future[Any] = Future()
        number = next(self._numbers)
        with self._lock:
            self._answers[number] = answer
            self._write({"id": number, "command": command, **options})
        return await to_thread.run_sync(self._wait_for, answer, abandon_on_cancel=True)

    def _wait_for(self, answer: Future[Any]) -> Any:
        self._ready.wait()
        return answer.result(ANSWER_TIMEOUT)

    def _write(self, line: dict[str, Any]) -> None:
        stdin = self._stream(self._process.stdin)
        try:
            stdin.write(json.dumps(pack(line)) + "\n")
            stdin.flush()
        except OSError:
            raise self._ended() from None

    def _read(self) -> None:
        for line in self._stream(self._process.stdout):
            message = unpack(json.loads(line))
            if message.get("report") == "ready":
                self._ready.set()
            elif "report" in message:
                listener = self.listeners.get(message["report"])
                if listener is not None:
                    listener(message)
            elif "error" in message:
                self._answers.pop(message["id"]).set_exception(CommandError(message["error"]))
            else:
                self._answers.pop(message["id"]).set_result(message["result"])
        self._process.wait()
        self._threads[1].join()
        self._ready.set()
        with self._lock:
            for answer in self._answers.values():
                answer.set_exception(self._ended())
            self._answers.clear()

    def _read_errors(self) -> None:
        for line in self._stream(self._process.stderr):
            self._errors.append(line)

    def _ended(self) -> CommandError:
        return CommandError(f"{self.script} has ended; it wrote:\n{''.join(self._errors)}")

    def _stream(self, stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it stand still during the block, as a process that hangs."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it; what it wrote to stderr is printed."""
        self._stream(self._process.stdin).close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            self._stream(stream).close()
        sys.stderr.write("".join(self._errors))
