"""Servers that stand still for a while, as when the machine has no time for them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Final, NamedTuple

SERVERS: Final = ("uvicorn", "hypercorn", "granian", "daphne", "socketio_asgi")
STANDSTILL: Final = (0.1, 1.0)  # seconds
PAUSE: Final = (0.5, 3.0)  # seconds between two of them


class Process(NamedTuple):
    """A process, as ``/proc`` shows it; its start tells it from a later one with its number."""

    pid: int
    parent: int
    started: int
    command: tuple[str, ...]

    @property
    def is_server(self) -> bool:
        """Whether it was started as ``python -m SERVER``."""
        return self.command[1:2] == ("-m",) and self.command[2:3] in [(name,) for name in SERVERS]


def read_process(pid: int) -> Process | None:
    """Look at a process; None when it has ended."""
    folder = Path("/proc") / str(pid)
    try:
        stat = folder.joinpath("stat").read_text("utf-8")
        command = folder.joinpath("cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return None
    values = stat.rpartition(")")[2].split()  # the name before may hold anything
    return Process(pid, int(values[1]), int(values[19]), tuple(command.split("\0")))


def descendants(pid: int) -> Iterator[Process]:
    """The processes that a process started, and those that these started."""
    found = [read_process(int(entry.name)) for entry in Path("/proc").iterdir() if _is_pid(entry)]
    processes = [process for process in found if process is not None]
    parents = {pid}
    while parents:
        children = [process for process in processes if process.parent in parents]
        yield from children
        parents = {process.pid for process in children}


def _is_pid(entry: Path) -> bool:
    return entry.name.isdecimal()


def stop_for_a_while(process: Process, seconds: float) -> None:
    """Stop a process and let it go on, unless it has ended."""
    now = read_process(process.pid)
    if now is None or now.started != process.started:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)


def stop_servers(ended: Event, chance: random.Random) -> None:
    """Stop servers that this process started, or its children did, one at a time."""
    while not ended.wait(chance.uniform(*PAUSE)):
        servers = [process for process in descendants(os.getpid()) if process.is_server]
        if servers:
            stop_for_a_while(chance.choice(servers), chance.uniform(*STANDSTILL))
