"""What clients can do to others: the commands ``benchmarks.floods`` and ``benchmarks.hoards``.

Some clients have the server spend what they can; an honest one has an event answered now and then.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.ports import PortReservation

from . import proc
from .load.attacker import Situation
from .load.honest import Report
from .results import describe_machine
from .runner import Failed, Settings, run_load, started
from .servers import EXPOSED, Server

HEAD = (
    "",
    *("echoes", "p50 ms", "p99 ms", "worst ms", "core", "peak MiB", "kept MiB", "tasks"),
    *("log KB", "taken MB/s", "ended", ""),
)
LOAD_SECONDS = 120.0  # for connecting, and for the last answer, besides the situation


def run(command: str, description: str | None, situations: Mapping[str, Situation]) -> None:
    """Measure the situations that the command line names."""
    options = parse_arguments(command, description, situations)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the server before
    known = {server.name: server for server in EXPOSED}
    unknown = [name for name in options.situations if name not in situations]
    unknown += [name for name in options.servers.split(",") if name not in known]
    if unknown:
        sys.exit(f"there is no {unknown[0]}")
    servers = [known[name] for name in options.servers.split(",")]
    for name in options.situations or situations:
        found = measure_all(name, situations[name], servers, options)
        if options.json:
            save(options.json, {name: found}, servers, options)


def parse_arguments(
    command: str, description: str | None, situations: Mapping[str, Situation]
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {command}", description=description)
    add = parser.add_argument
    add("situations", nargs="*", metavar="SITUATION", help=f"of {', '.join(situations)}")
    add("--servers", default="ours,ours-fast,node", metavar="A,B", help="which servers")
    add("--clients", type=int, metavar="N", help="how many do that, besides the honest one")
    add("--seconds", type=float, metavar="S", help="that they have")
    add("--python", default=sys.executable, metavar="PATH", help="runs the servers in Python")
    add("--package", type=_folder, metavar="DIR", help="holds another version of the package")
    add("--json", type=Path, metavar="FILE", help="write the reports, or add them to those there")
    return parser.parse_args()


def _folder(text: str) -> Path:
    return Path(text).resolve(strict=True)


def measure_all(
    name: str, situation: Situation, servers: list[Server], options: argparse.Namespace
) -> dict[str, Report | str]:
    """One situation on all servers; shows the reports, or why there is none."""
    attackers = options.clients or situation.attackers
    seconds = options.seconds or situation.seconds
    print(f"{name}: {attackers} clients, {seconds:g} s, beside an honest one", flush=True)
    found: dict[str, Report | str] = {}
    for server in servers:
        if situation.threads and "threads" in server.lacks:
            continue
        try:
            found[server.name] = measure(name, server, attackers, seconds, options)
        except Failed as failure:
            found[server.name] = str(failure)
            print(f"  {server.title}: {failure}", flush=True)
    reports = [
        row(server.title, report, seconds)
        for server in servers
        if isinstance(report := found.get(server.name), Report)
    ]
    show([HEAD, *reports])
    return found


def measure(
    situation: str, server: Server, attackers: int, seconds: float, options: argparse.Namespace
) -> Report:
    """One situation on a fresh process of a server.

    Raises:
        Failed: The server did not start, or not serve the honest client.
    """
    _, load_core = proc.choose_cores()
    settings = Settings(options.python, 1, seconds, 0, package=options.package)
    with PortReservation() as reservation, started(server, reservation.port, settings) as process:
        job = {
            "situation": situation,
            "port": reservation.port,
            "pid": process.pid,
            "attackers": attackers,
            "seconds": seconds,
        }
        command = [sys.executable, "-m", "benchmarks.load.beside", json.dumps(job)]
        return Report(**json.loads(run_load(command, load_core, LOAD_SECONDS + seconds)))


def row(title: str, report: Report, seconds: float) -> tuple[str, ...]:
    return (
        title,
        str(report.echoes),
        f"{report.p50:.1f}",
        f"{report.p99:.1f}",
        f"{report.worst:.1f}",
        f"{report.core:.0%}",
        f"{report.peak / 1024:.0f}",
        f"{report.kept / 1024:.0f}",
        str(report.tasks),
        f"{report.log / 1e3:.0f}",
        f"{report.sent / seconds / 1e6:.2f}",
        str(report.ended),
        report.note,
    )


def show(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for title, *cells in rows:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print("  ".join((f"  {title.ljust(widths[0])}", *padded)).rstrip(), flush=True)


def save(
    file: Path,
    found: Mapping[str, Mapping[str, Report | str]],
    servers: list[Server],
    options: argparse.Namespace,
) -> None:
    """Write what was found, and keep what the file has of other situations and servers."""
    data: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    situations: dict[str, Any] = data.get("situations", {})
    for name, reports in found.items():
        known = situations.setdefault(name, {})
        for server, report in reports.items():
            known[server] = report if isinstance(report, str) else dataclasses.asdict(report)
    versions = {server.name: server.versions(options.python) for server in servers}
    data = {
        "where": describe_machine(),
        "package": options.package.name if options.package else "",
        "versions": data.get("versions", {}) | versions,
        "situations": situations,
    }
    file.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
