"""Compare servers: ``python -m benchmarks [SCENARIO ...]``, see benchmarks/README.md."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

NEEDED = ("picows", "uvloop")
if sys.platform != "linux":
    sys.exit("the benchmarks read /proc, which only Linux has")
absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if absent:
    sys.exit(f"missing: {', '.join(absent)}; pip install -e '.[bench]'")

from . import proc  # noqa: E402
from .plot import plot  # noqa: E402
from .results import Results, describe_machine  # noqa: E402
from .runner import Settings, compare  # noqa: E402
from .scenarios import SCENARIOS  # noqa: E402
from .scenarios.scenario import Scenario  # noqa: E402
from .servers import SERVERS, Server  # noqa: E402
from .table import heading, table  # noqa: E402

Choice = TypeVar("Choice", Scenario, Server)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("scenarios", nargs="*", metavar="SCENARIO", help="what to measure, also as 'memory-*'")
    add("--servers", default="", metavar="A,B", help="which servers, also as 'ours*'")
    add("--full", action="store_true", help="all scenarios and servers, not only the quick ones")
    add("--runs", type=int, default=3, metavar="N", help="runs of each server (3)")
    add("--seconds", type=float, default=1.5, metavar="S", help="measured in each run (1.5)")
    add("--warmup", type=float, default=1.0, metavar="S", help="of load before that (1)")
    add("--python", default=sys.executable, metavar="PATH", help="runs the servers in Python")
    add("--json", type=Path, metavar="FILE", help="write all samples to FILE")
    add("--read", type=Path, metavar="FILE", help="measure nothing; show what --json wrote")
    add("--plot", type=Path, metavar="DIR", help="draw benchmarks.svg in DIR")
    add("--list", action="store_true", help="list scenarios and servers")
    return parser.parse_args()


def choose(known: Sequence[Choice], patterns: Sequence[str], *, full: bool = False) -> list[Choice]:
    """Those that the patterns name, in the order of the patterns; without any, the quick ones."""
    if not patterns:
        return [each for each in known if each.quick or full]
    chosen: dict[str, Choice] = {}
    for pattern in patterns:
        found = {each.name: each for each in known if fnmatchcase(each.name, pattern)}
        if not found:
            sys.exit(f"there is no {pattern}; --list tells what there is")
        chosen.update(found)
    return list(chosen.values())


def available(servers: Sequence[Server], python: str) -> list[Server]:
    """Those that can be started here; tells why others cannot."""
    found: list[Server] = []
    for server in servers:
        if why := server.missing(python):
            report(f"{server.title} is left out: {why}")
        else:
            found.append(server)
    return found


def report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measure(options: argparse.Namespace) -> Results:
    """Measure, and show each table as soon as it is there."""
    scenarios = choose(list(SCENARIOS.values()), options.scenarios, full=options.full)
    patterns = options.servers.split(",") if options.servers else []
    servers = available(choose(SERVERS, patterns, full=options.full), options.python)
    settings = Settings(options.python, options.runs, options.seconds, options.warmup, report)
    how = {"runs": options.runs, "seconds": options.seconds, "warmup": options.warmup}
    results = Results(
        where={**describe_machine(), **how},
        versions={server.name: server.versions(options.python) for server in servers},
    )
    print(heading(results), end="\n\n", flush=True)
    for scenario in scenarios:
        outcome = compare(scenario, servers, settings)
        results.outcomes.append(outcome)
        print(table(outcome), end="\n\n", flush=True)
        if options.json:
            results.save(options.json)  # each time, so that an interruption loses little
    return results


def show(results: Results) -> None:
    print(heading(results), end="\n\n")
    for outcome in results.outcomes:
        print(table(outcome), end="\n\n")


def list_choices() -> None:
    print("scenarios (* by default)")
    for scenario in SCENARIOS.values():
        print(f"{'*' if scenario.quick else ' '} {scenario.name:24} {scenario.title}")
    print("\nservers (* by default)")
    for server in SERVERS:
        print(f"{'*' if server.quick else ' '} {server.name:24} {server.title}")
    print("\npython -m benchmarks.codec: the protocol core by itself, without a server")


def main() -> None:
    options = parse_arguments()
    if options.list:
        list_choices()
        return
    proc.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the server before
    if options.read:
        results = Results.read(options.read)
        show(results)
    else:
        results = measure(options)
    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        (options.plot / "benchmarks.svg").write_text(plot(results), "utf-8")


if __name__ == "__main__":
    main()
