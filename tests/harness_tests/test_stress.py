"""What ``make stress`` does to the tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import StartServer
from tests.stress.standstills import Process, descendants, read_process, stop_for_a_while
from tests.support.waiting import until

from .support import ROOT, Run, run_pytest, takes_time

pytestmark = takes_time

TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(20))
    def test_it(number): assert number
"""


def run(folder: Path, *options: str) -> Run:
    return run_pytest(folder, TESTS, "-p", "tests.stress.plugin", *options, conftest="")


def order(folder: Path, seed: int) -> list[str]:
    output = run(folder, "-v", f"--stress-seed={seed}").output
    found = re.findall(r"::test_it\[(\d+)\]", output.partition("= FAILURES =")[0])
    assert len(set(found)) == 20, output
    return found


def test_the_order_has_a_seed(tmp_path: Path) -> None:
    first = order(tmp_path, 1)
    assert first == order(tmp_path, 1)
    assert first != order(tmp_path, 2)


def test_failures_are_noted(tmp_path: Path) -> None:
    names = tmp_path / "failures"
    options = ["--stress-seed=1", f"--stress-failures={names}"]
    assert "1 failed, 19 passed" in run(tmp_path, *options, "-n", "2").last
    assert names.read_text() == "test_it.py::test_it[0]\n"


def test_what_is_left_in_the_end_is_skipped(tmp_path: Path) -> None:
    options = ["--stress-seed=1", f"--stress-until={time.time()}"]
    assert "20 skipped" in run(tmp_path, *options).last


DELAYED = """
import asyncio, time, trio, uvloop
from socketio_asgi.runtime.asyncio_runtime import AsyncioTaskStarter

assert AsyncioTaskStarter.start.__wrapped__

async def nothing(): ...

async def on_asyncio():
    await asyncio.gather(*(asyncio.create_task(nothing()) for _ in range(20)))

async def on_trio():
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(nothing)

for run in (lambda: asyncio.run(on_asyncio()), lambda: uvloop.run(on_asyncio()),
            lambda: trio.run(on_trio)):
    started = time.monotonic()
    run()
    print(time.monotonic() - started)
"""


@pytest.mark.parametrize(("chance", "least"), [("1", 0.2), ("0.5", 0.05)])
def test_tasks_begin_late(chance: str, least: float) -> None:
    # Twenty tasks take half a second on average when each is late.
    paths = [str(ROOT / "tests" / "stress" / "site"), str(ROOT)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "STRESS_CHANCE": chance}
    output = subprocess.check_output([sys.executable, "-c", DELAYED], env=env, text=True)
    took = [float(line) for line in output.splitlines()]
    assert len(took) == 3
    assert min(took) > least


def state(process: Process) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def standing_still(process: Process, seconds: float) -> Iterator[None]:
    thread = Thread(target=stop_for_a_while, args=(process, seconds))
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_servers_stand_still(start_server: StartServer, anyio_backend: str) -> None:
    server = start_server("uvicorn", "tests.support.echo:app")
    (process,) = [each for each in descendants(os.getpid()) if each.is_server]
    assert process.pid == server.pid
    with standing_still(process, 0.5):
        await until(lambda: state(process) == "T")
    assert state(process) != "T"
    assert server.running


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_the_process_that_is_meant_stands_still() -> None:
    """A number is given to another process one day."""
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        try:
            process = read_process(sleeping.pid)
            assert process is not None
            assert not process.is_server
            assert process.pid in [each.pid for each in descendants(os.getpid())]
            assert list(descendants(process.pid)) == []
            started = time.monotonic()
            stop_for_a_while(process._replace(started=process.started - 1), 30)
            assert time.monotonic() - started < 10
        finally:
            sleeping.kill()
