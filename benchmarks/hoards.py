"""The memory that clients can have a server hold: ``python -m benchmarks.hoards [HOARD ...]``.

Some clients have the server keep as much as it can; an honest one has an event echoed now and then.
See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import signal
import sys

from .floods import HEAD, measure, row, show
from .load.hoarding import HOARDS
from .runner import Failed
from .servers import FAST, STOCK, Server, uvicorn

APPLICATION = "benchmarks.servers.hoarded"
SERVERS = (
    Server("ours", "ours on uvicorn", uvicorn(APPLICATION, STOCK), modules=("uvicorn",)),
    Server("ours-fast", "ours, fast path", uvicorn(APPLICATION, FAST), modules=("uvicorn",)),
)
CLIENTS = {"attachments": 100}  # of a hoard; one of the others


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hoards", description=__doc__)
    add = parser.add_argument
    add("hoards", nargs="*", metavar="HOARD", help=f"of {', '.join(HOARDS)}")
    add("--clients", type=int, default=0, metavar="N", help="that hoard (1; attachments 100)")
    add("--seconds", type=float, default=10.0, metavar="S", help="that they have (10)")
    add("--python", default=sys.executable, metavar="PATH", help="runs the servers")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the server before
    if unknown := [name for name in options.hoards if name not in HOARDS]:
        sys.exit(f"there is no {unknown[0]}")
    for hoard in options.hoards or HOARDS:
        options.floods = options.clients or CLIENTS.get(hoard, 1)
        print(f"{options.floods} clients hoard {hoard}, {options.seconds:g} s, one honest client")
        rows: list[tuple[str, ...]] = [HEAD]
        for server in SERVERS:
            try:
                report = measure(hoard, server, options, "benchmarks.load.hoarding")
            except Failed as failure:
                print(f"  {server.title}: {failure}", flush=True)
            else:
                rows.append(row(server.title, report, options.seconds))
        show(rows)


if __name__ == "__main__":
    main()
