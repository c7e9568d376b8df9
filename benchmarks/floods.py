"""An honest client beside floods: ``python -m benchmarks.floods [SITUATION ...]``.

Some clients send as much as the server takes; an honest one has an event echoed now and then.
What it has to wait is what one client can do to the others. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys

from tests.support.ports import PortReservation

from . import proc
from .load.flooding import SITUATIONS, Report
from .runner import Failed, Settings, run_load, started
from .servers import SERVERS, Server

HEAD = ("", "echoes", "p50 ms", "p99 ms", "worst ms", "core", "peak MiB", "taken MB/s", "ended")
LOAD_SECONDS = 60.0  # that connecting may take, besides the flood


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floods", description=__doc__)
    add = parser.add_argument
    add("situations", nargs="*", metavar="SITUATION", help=f"of {', '.join(SITUATIONS)}")
    add("--servers", default="ours,ours-fast,node", metavar="A,B", help="which servers")
    add("--floods", type=int, default=10, metavar="N", help="clients that flood the server (10)")
    add("--seconds", type=float, default=10.0, metavar="S", help="of each flood (10)")
    add("--python", default=sys.executable, metavar="PATH", help="runs the servers in Python")
    return parser.parse_args()


def measure(
    situation: str,
    server: Server,
    options: argparse.Namespace,
    generator: str = "benchmarks.load.flooding",
) -> Report:
    """One flood against a fresh process of a server.

    Raises:
        Failed: The server did not start, or not serve the honest client.
    """
    _, load_core = proc.choose_cores()
    settings = Settings(options.python, 1, options.seconds, 0)
    with PortReservation() as reservation, started(server, reservation.port, settings) as process:
        job = {
            "situation": situation,
            "port": reservation.port,
            "pid": process.pid,
            "floods": options.floods,
            "seconds": options.seconds,
        }
        command = [sys.executable, "-m", generator, json.dumps(job)]
        return Report(**json.loads(run_load(command, load_core, LOAD_SECONDS + options.seconds)))


def row(title: str, report: Report, seconds: float) -> tuple[str, ...]:
    return (
        title,
        str(report.echoes),
        f"{report.p50:.1f}",
        f"{report.p99:.1f}",
        f"{report.worst:.1f}",
        f"{report.core:.0%}",
        f"{report.peak / 1024:.0f}",
        f"{report.sent / seconds / 1e6:.2f}",
        str(report.ended),
    )


def show(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for title, *cells in rows:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print("  ".join((f"  {title.ljust(widths[0])}", *padded)), flush=True)


def main() -> None:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the server before
    known = {server.name: server for server in SERVERS}
    unknown = [name for name in options.situations if name not in SITUATIONS]
    unknown += [name for name in options.servers.split(",") if name not in known]
    if unknown:
        sys.exit(f"there is no {unknown[0]}")
    for situation in options.situations or SITUATIONS:
        print(f"{options.floods} floods of {situation}, {options.seconds:g} s, one honest client")
        rows: list[tuple[str, ...]] = [HEAD]
        for name in options.servers.split(","):
            try:
                report = measure(situation, known[name], options)
            except Failed as failure:
                print(f"  {known[name].title}: {failure}", flush=True)
            else:
                rows.append(row(known[name].title, report, options.seconds))
        show(rows)


if __name__ == "__main__":
    main()
