"""What validation and dependencies cost: ``python -m benchmarks.typed [RUNS]``.

The processor time of the server for an event of five fields, on the fast path, in turns: validated
by each library, with one dependency, with one that yields, and with a plain one that yields and
runs in a thread together with its handler. And the ratio to the same event without all that.
"""

from __future__ import annotations

import sys
from statistics import median

from .runner import Failed, Settings, measure
from .scenarios import SCENARIOS
from .scenarios.typed import KINDS
from .servers import FAST, Server, uvicorn

GOALS = {"msgspec": 1.15, "pydantic": 1.4}
"""The most that each may cost, in units of the same event without annotations."""

SERVER = Server(
    "ours-typed", "ours on uvicorn, fast path", uvicorn("benchmarks.servers.typed", FAST)
)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    settings = Settings(sys.executable, runs, seconds=1.5, warmup=1.0)
    values: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(runs):
        for kind in KINDS:
            values[kind].append(measure(SCENARIOS[f"typed-{kind}"], SERVER, settings).value)
    untyped = median(values["untyped"])
    print(f"Python {sys.version.split()[0]}, µs per event, and the ratio; median of {runs}")
    for kind in KINDS:
        value = median(values[kind])
        goal = f"   goal {GOALS[kind]}" if kind in GOALS else ""
        print(f"{kind:14} {value:6.2f} {value / untyped:6.2f}{goal}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
