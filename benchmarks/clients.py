"""What a client costs: ``python -m benchmarks.clients [SITUATION ...] [--runs 3]``.

The processor time of the client for a message, and the memory of an idle connection: our client,
that of python-socketio, and the official one on Node, in turns, each against the same server, which
has the other core. Each figure is the median of the runs.

    echo    an event, and its acknowledgement; 20 clients with one each under way
    storm   an event of the server, which a handler takes; 20 clients, 50 events at a time
    idle    the memory of a connection, with many clients in one process
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.ports import PortReservation

from . import proc
from .results import describe_machine
from .runner import Settings, started
from .servers import FAST, OURS, Server, uvicorn

PROGRAMS = "benchmarks.client_programs"
FOLDER = Path(__file__).resolve().parent / "client_programs"
SITUATIONS = {"echo": "µs", "storm": "µs", "idle": "KiB"}
BUSY = 20
"""Clients in the situations with messages."""
SERVER = Server("ours-fast", "ours on uvicorn, fast path", uvicorn(OURS, FAST))


@dataclass(frozen=True)
class Kind:
    """One client.

    Attributes:
        name: What the table says.
        command: Its command line, before the arguments.
        last: Arguments behind them.
    """

    name: str
    command: tuple[str, ...]
    last: tuple[str, ...] = ()


def kinds() -> list[Kind]:
    """The clients that can be started here."""
    ours = (sys.executable, "-m", f"{PROGRAMS}.ours")
    theirs = (sys.executable, "-m", f"{PROGRAMS}.python_socketio")
    found = [
        Kind("ours", ours),
        Kind("ours, uvloop", ours, ("uvloop",)),
        Kind("python-socketio", theirs),
        Kind("python-socketio, uvloop", theirs, ("uvloop",)),
    ]
    node = shutil.which("node")
    if node is None:
        print("no node: the official client is left out", file=sys.stderr)
    else:
        found.append(Kind("Node", (node, "--expose-gc", str(FOLDER / "node.mjs"))))
    return found


def measure(kind: Kind, situation: str, port: int, clients: int, seconds: float) -> float:
    """The figure of one run."""
    count = clients if situation == "idle" else BUSY
    arguments = (f"http://127.0.0.1:{port}", situation, str(count), str(seconds))
    output = subprocess.run(
        [*kind.command, *arguments, *kind.last],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: os.sched_setaffinity(0, {proc.choose_cores()[1]}),
    ).stdout
    [value] = json.loads(output.splitlines()[-1]).values()
    return float(value)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="What a client costs.")
    parser.add_argument("situations", nargs="*", default=list(SITUATIONS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", type=int, default=2000, help="of the situation idle")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    print(describe_machine())
    for situation in options.situations:
        unit = SITUATIONS[situation]
        values: dict[str, list[float]] = {}
        for _ in range(options.runs):
            for kind in kinds():
                with PortReservation() as reservation:
                    settings = Settings(sys.executable, 1, options.seconds, 1.0)
                    with started(SERVER, reservation.port, settings, core=proc.choose_cores()[0]):
                        value = measure(
                            kind, situation, reservation.port, options.clients, options.seconds
                        )
                values.setdefault(kind.name, []).append(value)
        ours = median(values["ours"])
        print(f"\n{situation}, {unit}, median of {options.runs}")
        for name, each in values.items():
            ratio = median(each) / ours
            print(f"{name:26} {median(each):8.2f} {min(each):8.2f} {max(each):8.2f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
