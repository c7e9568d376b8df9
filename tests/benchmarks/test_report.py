"""Pages show what the committed results say, and the report reads them rightly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.snippets import run_blocks

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
PAGES = ("docs/performance.md", "docs/operating.md", "docs/limits.md", "README.md")
SAMPLE = {
    "units": 1,
    "seconds": 1.5,
    "server": 1.0,
    "load": 1.0,
    "p50": None,
    "p99": None,
    "pss": 1,
    "rss": 1,
}
WHERE = {
    "processor": "A processor",
    "cores": 2,
    "system": "Linux 6",
    "date": "2030-01-01",
    "load generator": "picows",
    "runs": 3,
    "seconds": 1.5,
    "warmup": 1.0,
}


def write_results(file: Path, python: str, scenarios: dict[str, dict[str, list[float]]]) -> Path:
    outcomes = [
        {
            "scenario": scenario,
            "title": f"the scenario {scenario}",
            "unit": "µs/unit",
            "failures": {},
            "samples": {
                server: [{"value": value, **SAMPLE} for value in values]
                for server, values in servers.items()
            },
        }
        for scenario, servers in scenarios.items()
    ]
    versions = {"ours": {"python": python}, "node": {"node": "20"}}
    data = {"where": WHERE, "versions": versions, "outcomes": outcomes}
    file.write_text(json.dumps(data), "utf-8")
    return file


def rendered(section: str, *files: Path) -> str:
    from benchmarks.evidence import gather
    from benchmarks.report import render

    return render(f"<!-- results: {section} -->\n<!-- end -->\n", gather(files))


def rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_medians_decide_about_targets(tmp_path: Path) -> None:
    # What disturbs a run disturbs two servers alike: here, the last one takes ten times as long.
    node, bun = [9.0, 10.0, 110.0], [5.0, 5.0, 50.0]
    fast, pure = [4.5, 5.0, 55.0], [6.0, 7.0, 80.0]
    servers = {"ours-fast": fast, "ours-pure": pure, "node": node, "bun": bun}
    scenarios = {"echo": servers}
    text = rendered("targets", write_results(tmp_path / "a.json", "3.11.7", scenarios))
    echo = [row for row in rows(text) if row[0] == "`echo`" and "fast" in row[1]]
    verdicts = {(row[1], row[2]): row[3:] for row in echo}
    path, python = "fast path", "fast path, pure Python"
    assert verdicts[path, "socket.io on Node"] == ["≤ 0.520", "0.500, met"]
    assert verdicts[path, "socket.io on Bun"] == ["≤ 0.950", "1.000, **missed**"]
    assert verdicts[python, "socket.io on Node"] == ["≤ 0.600", "0.700, **missed**"]
    assert verdicts[python, "python-socketio on uvicorn"] == ["≤ 0.167", "\N{EN DASH}"]
    assert "$ python -m benchmarks echo --runs 3 --seconds 1.5\n" in text


def test_targets_of_newer_versions(tmp_path: Path) -> None:
    scenarios = {"broadcast-500": {"ours-fast": [1.9], "python-socketio": [10.0]}}
    files = [
        write_results(tmp_path / f"{python}.json", python, scenarios)
        for python in ("3.13.1", "3.11.7")
    ]
    text = rendered("targets", *files)
    [row] = [row for row in rows(text) if row[1:3] == ["fast path", "python-socketio on uvicorn"]
             and row[0] == "`broadcast-500`"]  # fmt: skip
    assert row[3:] == ["≤ 0.167 / 0.200", "0.190, **missed**", "0.190, met"]


def test_more_rooms_must_not_cost_more(tmp_path: Path) -> None:
    scenarios = {
        "join-among-10": {"ours-fast": [20.0], "node": [10.0]},
        "join-among-1000": {"ours-fast": [22.0]},
        "join-among-100000": {"ours-fast": [25.0]},
        "visit-among-10": {"ours-fast": [200.0]},
    }
    file = write_results(tmp_path / "a.json", "3.11.7", scenarios)
    verdicts = {tuple(row[:3]): row[3:] for row in rows(rendered("targets", file))}
    path, smaller = "fast path", "`join-among-10`"
    assert verdicts["`join-among-100000`", path, smaller] == ["≤ 1.200", "1.250, **missed**"]
    path, smaller = "fast path", "`visit-among-10`"  # not measured, so there is no verdict
    assert verdicts["`visit-among-100000`", path, smaller] == ["≤ 1.200", "\N{EN DASH}"]

    head, _, row = rows(rendered("growth", file))  # no row for what was measured only once
    assert head[1:] == ["Python", "10 rooms", "1 000 rooms", "100 000 rooms"]
    assert row == ["ours on uvicorn, fast path", "3.11.7", "20.0", "22.0", "25.0"]


def test_each_fact_is_told_once(tmp_path: Path) -> None:
    files = [
        write_results(tmp_path / f"{python}-{scenario}.json", python, {scenario: {"ours": [1.0]}})
        for python in ("3.11.7", "3.13.1")
        for scenario in ("echo", "connect")
    ]
    lines = rendered("machine", *files).strip().splitlines()[2:-2]
    place = "* A processor, 2 cores, Linux 6; load generator: picows; 2030-01-01; "
    assert lines == [
        f"{place}3 runs of each server, of 1.5 s or more after 1 s of load",
        "* ours on uvicorn: python 3.11.7 and 3.13.1",
        "* socket.io on Node: node 20",
    ]
    command = "$ python -m benchmarks echo connect --runs 3 --seconds 1.5\n"
    assert rendered("medians", *files).count(command) == 1


def test_differing_runs_are_told(tmp_path: Path) -> None:
    first = write_results(tmp_path / "a.json", "3.11.7", {"echo": {"ours": [1.0]}})
    second = write_results(tmp_path / "b.json", "3.11.7", {"connect": {"ours": [1.0]}})
    data = json.loads(second.read_text("utf-8"))
    data["where"] |= {"runs": 5, "date": "2030-01-02"}
    second.write_text(json.dumps(data), "utf-8")
    text = rendered("machine", first, second)
    assert "; 2030-01-01, 2030-01-02; 3 to 5 runs of each server, of 1.5 s or more" in text
    medians = rendered("medians", first, second)
    assert "$ python -m benchmarks echo --runs 3 --seconds 1.5\n" in medians
    assert "$ python -m benchmarks connect --runs 5 --seconds 1.5\n" in medians


def test_a_later_file_counts_for_its_servers(tmp_path: Path) -> None:
    from benchmarks.evidence import gather

    first = write_results(
        tmp_path / "a.json", "3.11.7", {"echo": {"ours": [1.0], "bare": [4.0], "node": [2.0]}}
    )
    second = write_results(tmp_path / "b.json", "3.11.7", {"echo": {"ours": [5.0], "bare": [10.0]}})
    assert list(rows(rendered("medians", first, second)))[2:] == [
        ["`echo`: the scenario echo", "µs/unit", "5.00", "10.0", "2.00"]
    ]
    [measured] = gather([first, second])
    assert measured.ratio("echo", "ours", "bare") == 0.5  # of neighbouring runs, the latest
    assert measured.ratio("echo", "ours", "node") == 0.5  # which were in the first file
    assert measured.ratio("echo", "node", "bun") is None


def test_what_is_slower_is_told(tmp_path: Path) -> None:
    scenarios = {
        "echo": {"ours-fast": [6.0], "node": [9.0], "bun": [5.0]},
        "connect": {"ours-fast": [6.0], "node": [9.0]},
    }
    file = write_results(tmp_path / "a.json", "3.11.7", scenarios)
    [_, _, row] = rows(rendered("slower", file))
    assert row == ["`echo`", "socket.io on Bun", "3.11.7", "6.00", "5.00", "1.20"]


def test_sizes_are_calculated(tmp_path: Path) -> None:
    names = ("echo", "broadcast-500", "connect", "memory-websocket-4000")
    scenarios = {scenario: {"ours-fast": [10.0]} for scenario in names}
    file = write_results(
        tmp_path / "a.json", "3.11.7", {**scenarios, "heartbeats": {"ours-fast": [2]}}
    )
    table = {row[0]: row[1:] for row in rows(rendered("capacity", file))}
    assert table["events with acknowledgement, per second"] == ["50 000"]
    assert table["idle connections, by their memory"] == ["100 000"]
    assert table["idle connections, by their heartbeats"] == ["200 000"]
    table = {row[0]: row[1:] for row in rows(rendered("example", file))}
    assert table["deliveries of broadcasts"] == [
        "10 000 / s \N{MULTIPLICATION SIGN} 10.0 µs",
        "10.0 %",
    ]
    assert table["**together**"] == ["", "**14 %**"]

    core_share = run_blocks(ROOT / "docs" / "operating.md")["core_share"]
    share = core_share(
        clients=10_000,
        events=1000,
        deliveries=10_000,
        visits=20,
        costs=dict.fromkeys(names, 10.0),
        heartbeats=2,
    )
    assert share == pytest.approx(0.135 + 0.0002, abs=1e-9)


def test_pages_ask_for_parts_that_exist() -> None:
    from benchmarks.sections import SECTIONS

    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        places = re.findall(r"^<!-- results: (.*) -->$", text, re.MULTILINE)
        assert places
        assert set(places) <= set(SECTIONS)
        assert text.count("<!-- end -->") == len(places)  # of those that are not misspelt


@pytest.mark.skipif(not COMMITTED, reason="there are no results")
@pytest.mark.parametrize("page", PAGES)
def test_pages_show_the_committed_results(page: str) -> None:
    from benchmarks.evidence import gather
    from benchmarks.report import render

    text = (ROOT / page).read_text("utf-8")
    command = "python -m benchmarks.report benchmarks/results/*.json --plot docs/assets --write "
    assert render(text, gather(COMMITTED)) == text, command + " ".join(PAGES)


@pytest.mark.skipif(not COMMITTED, reason="there are no results")
def test_pictures_show_the_committed_results() -> None:
    from benchmarks.evidence import gather
    from benchmarks.report import draw

    for name, picture in draw(gather(COMMITTED)).items():
        assert (ROOT / "docs" / "assets" / name).read_text("utf-8") == picture


def test_command(tmp_path: Path) -> None:
    scenarios = {
        "echo": {"ours": [1.0], "node": [2.0]},
        "memory-websocket-4000": {"ours-fast": [5.0]},
    }
    file = write_results(tmp_path / "a.json", "3.11.7", scenarios)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results: medians -->\nold\n<!-- end -->\nafter\n")
    command = [sys.executable, "-m", "benchmarks.report", str(file)]
    command += ["--write", str(page), "--plot", str(tmp_path)]
    for _ in range(2):  # doing it again changes nothing
        subprocess.run(command, cwd=ROOT, check=True, timeout=50)
        text = page.read_text("utf-8")
        assert text.startswith("before\n<!-- results: medians -->\n\n**Python 3.11.7**")
        assert text.endswith("\n\n<!-- end -->\nafter\n")
        assert "old" not in text
    assert "the scenario echo" in (tmp_path / "benchmarks-3.11.7.svg").read_text("utf-8")


def test_owners_of_memory(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    command = [sys.executable, "-m", "benchmarks.memory", "WebSocket, fast path"]
    command += ["--clients", "200", "--json", str(file)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    [sizes] = data["paths"].values()
    for owner in ("Socket.IO socket", "Socket.IO connection", "Engine.IO session", "event loop"):
        assert 100 < sizes[owner] < 10_000  # bytes
    assert sizes["tasks, coroutines and futures"] < 50  # the fast path has none for a connection
    total = sizes.pop("all of it")
    assert sum(sizes.values()) == pytest.approx(total)
    assert [row[0] for row in rows(rendered("memory", file))] == [
        row[0] for row in rows(done.stdout)
    ]
