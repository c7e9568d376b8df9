"""The benchmarks run, and who does the scenario wrongly gets no figures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
BRIEF = ["--runs", "2", "--seconds", "0.3", "--warmup", "0.1"]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


def test_results(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    done = benchmarks(
        "echo-1", "--servers", "ours", *BRIEF, "--json", str(file), "--plot", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(file.read_text("utf-8"))
    [outcome] = results["outcomes"]
    assert outcome["failures"] == {}
    assert len(outcome["samples"]["ours"]) == 2
    for sample in outcome["samples"]["ours"]:
        assert sample["units"] > 0
        assert 0 < sample["server"] < 1.5 * sample["seconds"]
        assert sample["value"] == pytest.approx(sample["server"] / sample["units"] * 1e6)
        assert 0 < sample["p50"] <= sample["p99"]
        assert 0 < sample["pss"] <= sample["rss"]
    assert results["versions"]["ours"]["python"] == sys.version.split()[0]
    assert "ours on uvicorn" in done.stdout
    assert results["where"]["processor"] in done.stdout
    picture = ET.parse(tmp_path / "benchmarks.svg").getroot()
    assert outcome["title"] in " ".join(picture.itertext())

    read = benchmarks("--read", str(file))
    assert read.stdout == done.stdout


@pytest.mark.parametrize("arguments", [["no-such-*"], ["--servers", "ours,no-such-*"]])
def test_unknown_name(arguments: list[str]) -> None:
    done = benchmarks(*arguments)
    assert "there is no no-such-*" in done.stderr
    assert done.returncode == 1


def test_list() -> None:
    done = benchmarks("--list")
    assert done.returncode == 0, done.stderr
    for name in ("echo-binary-64k", "python-socketio", "benchmarks.codec"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("scenario", "failure"),
    [
        ("echo-1", "not what was expected: b'431["),
        ("broadcast-100", "but clients received"),
    ],
)
def test_broken_server(scenario: str, failure: str) -> None:
    from benchmarks.runner import Settings, compare
    from benchmarks.scenarios import SCENARIOS
    from benchmarks.servers import STOCK, Server, uvicorn

    broken = Server("broken", "broken", uvicorn("tests.benchmarks.broken", STOCK))
    settings = Settings(sys.executable, runs=2, seconds=0.3, warmup=0.1)
    outcome = compare(SCENARIOS[scenario], [broken], settings)
    assert outcome.samples == {}
    assert failure in outcome.failures["broken"]


@pytest.mark.parametrize("scenario", ["room-of-10", "join-among-10", "visit-among-10"])
def test_rooms(scenario: str) -> None:
    from benchmarks.runner import Settings, measure
    from benchmarks.scenarios import SCENARIOS
    from benchmarks.servers import SERVERS

    [server] = [each for each in SERVERS if each.name == "ours"]
    settings = Settings(sys.executable, runs=1, seconds=0.3, warmup=0.1)
    sample = measure(SCENARIOS[scenario], server, settings)
    assert sample.units > 0
    assert sample.p50 is not None


def test_a_quiet_client_beside_floods() -> None:
    from benchmarks.runner import Settings, measure
    from benchmarks.scenarios import SCENARIOS
    from benchmarks.servers import SERVERS

    [server] = [each for each in SERVERS if each.name == "ours-fast"]
    settings = Settings(sys.executable, runs=1, seconds=0.3, warmup=0.1)
    sample = measure(SCENARIOS["quiet-client"], server, settings)
    assert sample.units > 0
    assert sample.p50 is not None
    assert sample.p99 is not None
    assert sample.value == sample.p99 >= sample.p50 > 0


def test_the_fast_path_without_the_native_piece() -> None:
    """Both are servers of their own, which tell what they are made of."""
    from benchmarks.servers import SERVERS, SPEEDUPS

    servers = {each.name: each for each in SERVERS}
    fast, pure = servers["ours-fast"], servers["ours-pure"]
    assert fast.command("python", 1) == pure.command("python", 1)
    assert pure.environment
    assert not fast.environment
    assert fast.versions(sys.executable).keys() - {SPEEDUPS} == pure.versions(sys.executable).keys()


def test_works_of_targets_exist() -> None:
    from benchmarks.scenarios import SCENARIOS
    from benchmarks.sections import GROWTH
    from benchmarks.targets import TARGETS

    named = {
        scenario
        for target in TARGETS
        for scenario in (target.scenario, target.peer_scenario)
        if scenario
    }
    assert named.union(*GROWTH.values()) <= set(SCENARIOS)


def test_absent_server() -> None:
    from benchmarks.servers import STOCK, Server, uvicorn

    command = uvicorn("tests.benchmarks.broken", STOCK)
    module = Server("absent", "absent", command, modules=("json", "no_such_module"))
    assert "no_such_module" in module.missing(sys.executable)
    attribute = Server("absent", "absent", command, modules=("json",), attribute="Parser")
    assert "Parser" in attribute.missing(sys.executable)
    present = Server("present", "present", command, modules=("json",), attribute="loads")
    assert present.missing(sys.executable) == ""
    program = Server("absent", "absent", lambda _python, _port: ["no-such-program"])
    assert program.missing(sys.executable) == "no-such-program is not installed"


@pytest.fixture
def busy_child() -> Iterator[int]:
    """A process whose child takes processor time and memory."""
    child = "b = bytearray(50 << 20)\nwhile True: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        yield process.pid
    finally:
        from benchmarks.proc import process_tree

        for pid in process_tree(process.pid)[1:]:
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def test_children_count(busy_child: int) -> None:
    from benchmarks import proc

    deadline = time.monotonic() + 30
    while proc.processor_seconds(busy_child) < 0.5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(proc.process_tree(busy_child)) == 2
    assert proc.processor_seconds(busy_child) >= 0.5
    memory = proc.memory(busy_child)
    assert 50 << 10 < memory.pss <= memory.rss
