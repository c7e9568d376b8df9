"""uvicorn as the command runs it: with our classes, one line for a mistake, and joined workers."""

from __future__ import annotations

import copy
import logging
import socket
import sys
import time
import traceback
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.supervisors import ChangeReload, Multiprocess
from uvicorn.supervisors.multiprocess import Process

from ..adapters.default import set_default_adapter
from ..adapters.workers.adapter import workers_by_default
from ..uvicorn_protocols import HTTPProtocol, WebSocketProtocol
from .application import load_application
from .errors import CommandError

STARTUP_FAILURE = 3
"""The exit status by which a worker of uvicorn says that another attempt would fail as well."""

SAME_START = 5
"""Seconds in which several workers that cannot start have one reason, which is written once."""

FIRST_ANSWER_SECONDS = 60
"""The time until a worker has to answer for the first time: on a busy or slow machine it takes long
to import what that needs."""

logger: logging.Logger = logging.getLogger("uvicorn.error")


class RunConfig(uvicorn.Config):
    """uvicorn's options, which import the application in our way.

    Args:
        app: The name of the application.
        folder: The folder to import it from.
        options: Those of :class:`uvicorn.Config`.
    """

    def __init__(self, app: str, folder: Path, **options: Any) -> None:
        super().__init__(app, ws=WebSocketProtocol, http=HTTPProtocol, **options)
        self.folder: Path = folder
        # The time of the last report, which is shared with workers: all meet the same mistake.
        self._reported = get_context("spawn").Value("d", 0.0) if self.workers > 1 else None

    def load(self) -> None:
        """Import the application, in the process that serves it.

        Raises:
            SystemExit: That failed; the reason was written.
        """
        if self.workers > 1:
            set_default_adapter(workers_by_default)
        if isinstance(self.app, str):
            name: str = self.app
            try:
                self.app: Any = load_application(name, self.folder, factory=self.factory)
            except CommandError as error:
                self._report(error)
                sys.exit(STARTUP_FAILURE)
            self.factory = False
        super().load()

    def _report(self, error: CommandError) -> None:
        if self._reported is not None:
            with self._reported.get_lock():
                if time.time() - self._reported.value < SAME_START:
                    return
                self._reported.value = time.time()
        error.show()
        if logger.isEnabledFor(logging.DEBUG) and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)


class RunServer(uvicorn.Server):
    """uvicorn, which imports the application before it has an event loop."""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes."""
        if not self.config.loaded:
            self.config.load()
        super().run(sockets)


class Workers(Multiprocess):
    """Several processes, which end with the first that cannot start at all."""

    def init_processes(self) -> None:
        """Start the workers; uvicorn calls this once."""
        self._asked: dict[int | None, float] = {}
        self._answered: set[int | None] = set()
        super().init_processes()

    def keep_subprocess_alive(self) -> None:
        """Start another worker in place of each that has ended; uvicorn calls this twice a second.

        Older versions of uvicorn start one that cannot start again and again. All versions kill one
        that does not answer within five seconds, so those that start are not theirs to judge.
        """
        if self.failed:
            self.should_exit.set()
            return
        starting = [worker for worker in self.processes if self._is_starting(worker)]
        if not starting:
            super().keep_subprocess_alive()

    def _is_starting(self, worker: Process) -> bool:
        """True while a worker lives that has not answered yet, and still has time for it."""
        pid = worker.process.pid
        if pid in self._answered or not worker.process.is_alive():
            return False
        if pid not in self._asked:
            worker.parent_conn.send(b"ping")
            self._asked[pid] = time.monotonic()
        if worker.parent_conn.poll():
            worker.parent_conn.recv()
            self._answered.add(pid)
            return False
        return time.monotonic() - self._asked[pid] < FIRST_ANSWER_SECONDS

    @property
    def failed(self) -> bool:
        """True if a worker could not start."""
        return any(worker.process.exitcode == STARTUP_FAILURE for worker in self.processes)


def serve(config: RunConfig, listener: socket.socket, where: str) -> int:
    """Serve until a signal comes.

    Args:
        config: The options.
        listener: The socket, which listens already.
        where: The address, as people write it.

    Returns:
        The exit status.
    """
    server = RunServer(config)
    try:
        if config.should_reload:
            _announce(where)
            ChangeReload(config, target=server.run, sockets=[listener]).run()
            return 0
        if config.workers > 1:
            _announce(f"{where}, {config.workers} workers")
            workers = Workers(config, sockets=[listener])
            workers.run()
            return int(workers.failed)
        config.load()
        _announce(where)
        server.run([listener])
    except KeyboardInterrupt:
        return 0  # Ctrl-C is how a server ends
    except SystemExit:
        return 1
    return 0 if server.started else 1


def _announce(where: str) -> None:
    logger.info("Socket.IO on %s (Ctrl-C ends it)", where)


class UnlessRootHas(logging.Filter):
    """Leaves the lines of this package to the handlers of the application, once it has some."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the line is written here."""
        return not logging.getLogger().handlers


def logging_config(level: str) -> dict[str, Any]:
    """The configuration of uvicorn's logging, with the lines of this package beside its own.

    Args:
        level: The name of the level.
    """
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config.setdefault("filters", {})["unless_root_has"] = {"()": UnlessRootHas}
    config["handlers"]["socketio_asgi"] = {
        **config["handlers"]["default"],
        "filters": ["unless_root_has"],
    }
    shown = "DEBUG" if level == "trace" else level.upper()
    config["loggers"]["socketio_asgi"] = {"handlers": ["socketio_asgi"], "level": shown}
    return config
