"""Run the tests under stress: ``python -m tests.stress --minutes 30``; see :mod:`tests.stress`."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from .standstills import descendants, stop_servers

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).with_name("site")
AT_ONCE = 2
CHANCE = 0.02  # of a task to begin late
LATE = 600.0  # seconds after which a run that does not end is ended


class Round(NamedTuple):
    """One run of the tests."""

    python: str
    seed: int
    failures: frozenset[str]
    summary: str


def main() -> int:
    """Run until the time is up; returns 1 when a test failed."""
    options, args = parse()
    until = time.time() + 60 * options.minutes
    seeds = random.Random(options.seed)
    print(f"seed {options.seed}")
    for python in options.python:
        print(f"python {python}")
    logs = Path(tempfile.mkdtemp(prefix="stress-"))
    print(f"output in {logs}")
    ended = Event()
    stopper = Thread(target=stop_servers, args=(ended, random.Random(options.seed)))
    stopper.start()
    try:
        with ThreadPoolExecutor(len(options.python)) as threads:
            started = [
                threads.submit(run_rounds, python, seeds.randrange(10_000), until, logs, args)
                for python in options.python
            ]
        return report([each for future in started for each in future.result()])
    finally:
        ended.set()
        stopper.join()


def parse() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; what is not known is for pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--python", action="append", help="an interpreter; two by default")
    options, args = parser.parse_known_args()
    options.python = options.python or interpreters()
    return options, args


def interpreters() -> list[str]:
    """The environments of the checkout, one for each version, or one of them twice."""
    found: dict[str, str] = {}
    for python in [Path(sys.executable), *sorted(ROOT.glob(".venv*/bin/python"))]:
        command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.setdefault(version, str(python))
    return (list(found.values()) * AT_ONCE)[:AT_ONCE]


def run_rounds(python: str, seed: int, until: float, logs: Path, args: list[str]) -> list[Round]:
    """Run the tests again and again on one interpreter."""
    rounds: list[Round] = []
    while time.time() < until:
        rounds.append(run_round(python, seed, until, logs, args))
        print(f"{python} seed {seed}: {rounds[-1].summary}", flush=True)
        seed += 1
    return rounds


def run_round(python: str, seed: int, until: float, logs: Path, args: list[str]) -> Round:
    """Run the tests once; those that are left when the time is up are skipped."""
    name = f"{Path(python).parents[1].name.strip('.')}-{seed}"
    failures = logs / f"{name}-failures"
    failures.touch()
    paths = [str(SITE), str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "STRESS_CHANCE": str(CHANCE),
    }
    command = [
        *(python, "-m", "pytest", "-p", "tests.stress.plugin", "-p", "no:cacheprovider", "-n2"),
        *(f"--stress-seed={seed}", f"--stress-until={until}", f"--stress-failures={failures}"),
        *args,
    ]
    with (logs / f"{name}.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            process.wait(max(0.0, until - time.time()) + LATE)
        except subprocess.TimeoutExpired:
            kill_all(process)
        log.seek(0)
        lines = log.read().split("\n")
    summary = next((line for line in reversed(lines) if line), "").strip("= ")
    return Round(python, seed, frozenset(failures.read_text("utf-8").splitlines()), summary)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """End a run that hangs, with all that it has started."""
    for each in descendants(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def report(rounds: list[Round]) -> int:
    """List the tests that failed at least once, the most frequent ones first."""
    failed: dict[str, list[Round]] = defaultdict(list)
    for each in rounds:
        for nodeid in each.failures:
            failed[nodeid].append(each)
    print(f"\n{len(rounds)} rounds; tests that failed at least once: {len(failed)}")
    for nodeid, those in sorted(failed.items(), key=lambda item: (-len(item[1]), item[0])):
        where = ", ".join(f"{each.python} seed {each.seed}" for each in those)
        print(f"{len(those)} of {len(rounds)}: {nodeid} ({where})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
