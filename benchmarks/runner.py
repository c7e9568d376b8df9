"""Starts the servers in turns, each in a fresh process on a core of its own, and measures them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import HOST, PortReservation

from . import proc
from .load.meter import Sample
from .results import Outcome
from .scenarios.scenario import Scenario
from .servers import Server

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT = 30.0  # seconds
STOP_TIMEOUT = 10.0  # seconds between SIGTERM and SIGKILL
LOAD_TIMEOUT = 300.0  # seconds that connecting may take, besides the window


class Failed(Exception):
    """A server did not start, or not do what it was asked for."""


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        python: The Python that runs servers in Python.
        runs: How many times each server does each scenario.
        seconds: Length of the measured window.
        warmup: Seconds of load before it.
        report: Called with each line of progress.
        package: A folder with another version of the package, which the servers are to run.
    """

    python: str
    runs: int
    seconds: float
    warmup: float
    report: Callable[[str], None] = print
    package: Path | None = None


def compare(scenario: Scenario, servers: Sequence[Server], settings: Settings) -> Outcome:
    """Let the servers do the scenario in turns; who fails once gets no figures."""
    outcome = Outcome(scenario.name, scenario.title, scenario.unit)
    for run in range(settings.runs):
        for server in servers:
            if scenario.needs & server.lacks or server.name in outcome.failures:
                continue
            label = f"{scenario.name}, run {run + 1} of {settings.runs}, {server.name}:"
            try:
                sample = measure(scenario, server, settings)
            except Failed as failure:
                outcome.failures[server.name] = str(failure)
                outcome.samples.pop(server.name, None)
                settings.report(f"{label} {failure}")
            else:
                outcome.samples.setdefault(server.name, []).append(sample)
                settings.report(f"{label} {sample.value:.2f} {scenario.unit}")
    return outcome


def measure(scenario: Scenario, server: Server, settings: Settings) -> Sample:
    """One run, with a fresh process of the server.

    Raises:
        Failed: The server did not start, or its answers were wrong.
    """
    _, load_core = proc.choose_cores()
    seconds = max(settings.seconds, scenario.seconds)
    with PortReservation() as reservation, started(server, reservation.port, settings) as process:
        job = {
            "scenario": scenario.name,
            "port": reservation.port,
            "pid": process.pid,
            "seconds": seconds,
            "warmup": settings.warmup,
        }
        command = [sys.executable, "-m", "benchmarks.load", json.dumps(job)]
        return Sample(**json.loads(run_load(command, load_core, LOAD_TIMEOUT + seconds)))


def run_load(command: list[str], core: int, timeout: float) -> bytes:
    """Run a load generator on a core; what it prints.

    Raises:
        Failed: It took too long, or something went wrong.
    """
    with _pinned(core):
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {timeout:.0f} s") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise Failed(errors.decode(errors="replace").strip().rpartition("\n")[2])
    return output


@contextmanager
def started(
    server: Server, port: int, settings: Settings, *, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process, from its first answer on; on the core of servers if none is given."""
    with tempfile.TemporaryFile() as log:
        with _pinned(proc.choose_cores()[0] if core is None else core):
            process = subprocess.Popen(
                server.command(settings.python, port),
                cwd=settings.package or ROOT,  # where uvicorn looks first
                env={**_environment(settings.package), **server.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that its children can be ended with it
            )
        try:
            _wait_until_ready(process, port, log.fileno())
            yield process
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    output = os.pread(log, 2000, 0).decode(errors="replace")
    raise Failed(f"did not start; it wrote: {output.strip()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    with suppress(ProcessLookupError):  # unless it or one of its children is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Processes that are started meanwhile run on that core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _environment(package: Path | None = None) -> dict[str, str]:
    paths = (package, ROOT) if package else (ROOT,)
    python_path = os.pathsep.join(map(str, paths))
    return {**os.environ, "PYTHONPATH": python_path, "NODE_ENV": "production"}
