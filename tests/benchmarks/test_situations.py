"""Floods and hoards run at a small size, and the report shows what they wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .test_benchmarks import ROOT
from .test_report import rendered, rows


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


def report_of(file: Path, situation: str, server: str = "ours-fast") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(file.read_text("utf-8"))["situations"][situation][server]
    assert isinstance(report, dict), report
    return report


@pytest.mark.parametrize("situation", ["events", "nested", "visits", "errors", "threads"])
def test_floods(tmp_path: Path, situation: str) -> None:
    file = tmp_path / "floods.json"
    brief = ["--clients", "1", "--seconds", "1", "--servers", "ours-fast", "--json", str(file)]
    done = run("benchmarks.floods", situation, *brief)
    assert done.returncode == 0, done.stderr
    report = report_of(file, situation)
    assert report["echoes"] > 1
    assert 0 < report["p50"] <= report["p99"] <= report["worst"]
    assert report["sent"] > 0
    assert 0 < report["kept"] <= report["peak"]
    assert (report["log"] > 1000) == (situation == "errors")


@pytest.mark.parametrize("situation", ["joins", "leaves", "missed-events"])
def test_hoards(tmp_path: Path, situation: str) -> None:
    file = tmp_path / "hoards.json"
    brief = ["--seconds", "4", "--servers", "ours-fast", "--json", str(file)]
    done = run("benchmarks.hoards", situation, *brief)
    assert done.returncode == 0, done.stderr
    report = report_of(file, situation)
    assert report["echoes"] > 1
    assert (report["tasks"] > 100) == (situation in ("joins", "leaves"))
    assert report["note"] in ("", "recovered")  # empty if the time was too short


def test_another_version_of_the_package(tmp_path: Path) -> None:
    package = tmp_path / "broken" / "socketio_asgi"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('this is another version')\n")
    done = run("benchmarks.floods", "events", "--servers", "ours", "--package", str(package.parent))
    assert "did not start" in done.stdout


def test_unknown_situation() -> None:
    assert "there is no such" in run("benchmarks.hoards", "such").stderr


def test_tables(tmp_path: Path) -> None:
    report = {"p99": 5.4, "worst": 9.6, "peak": 2048, "core": 0.5, "tasks": 7, "log": 0, "note": ""}
    versions = {"ours": {"python": "3.13.0"}}
    for package in ("", "earlier"):
        found: dict[str, Any] = {"joins": {"ours-fast": report, "node": "it ended"}}
        data = {"versions": versions, "package": package, "situations": found}
        (tmp_path / f"a{package}.json").write_text(json.dumps(data), "utf-8")
    tables = list(rows(rendered("situations", *tmp_path.glob("*.json"))))
    joins = [row[1:] for row in tables if row[0] == "`joins`"]
    waiting = ["5, 10", "5, 10", "\N{EN DASH}", "\N{EN DASH}", "failed"]
    assert tables[0][1:3] == ["fast path, earlier", "fast path"]
    assert joins[0] == waiting
    assert joins[1][:2] == ["2", "2"]
    assert joins[2][0] == "50 %"
    assert joins[3][0] == "7"
