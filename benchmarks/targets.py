"""What we want to reach: each scenario against a peer, on the fast path and on stock uvicorn."""

from __future__ import annotations

from dataclasses import dataclass

from .evidence import Measured

FAST, STOCK = "ours-fast", "ours"
PURE = "ours-pure"
PATHS = {FAST: "fast path", STOCK: "stock uvicorn"}
LABELS = {**PATHS, PURE: "fast path, pure Python"}
MEMORY = "memory-websocket-4000"
NOISE = 1.2  # what "does not grow" allows: two scenarios are never measured quite alike


@dataclass(frozen=True)
class Target:
    """The most that a scenario may cost.

    Attributes:
        scenario: What is done.
        server: Which of our servers does it.
        peer: The server that it is compared with; empty when the limit has the
            unit of the scenario.
        limit: The largest ratio, or value.
        newer: The limit from Python 3.12 on, where it differs.
        peer_scenario: What the peer does, where that differs.
    """

    scenario: str
    server: str
    peer: str
    limit: float
    newer: float | None = None
    peer_scenario: str = ""

    def value(self, measured: Measured) -> float | None:
        """What was reached; None if it was not measured."""
        if not self.peer:
            return measured.value(self.scenario, self.server)
        if self.peer_scenario:
            return measured.growth(self.server, self.scenario, self.peer_scenario)
        return measured.ratio(self.scenario, self.server, self.peer)

    def limit_for(self, measured: Measured) -> float:
        """The limit on that Python."""
        is_newer = int(measured.python.split(".")[1]) >= 12
        return self.limit if self.newer is None or not is_newer else self.newer


def _growth(scenario: str, smaller: str) -> tuple[Target, ...]:
    """No more for each unit than when there is less of everything."""
    return tuple(Target(scenario, server, server, NOISE, peer_scenario=smaller) for server in PATHS)


TARGETS = (
    Target("echo", FAST, "node", 0.52),
    Target("echo", FAST, "bun", 0.95),
    Target("echo", PURE, "node", 0.6),
    Target("echo", PURE, "bun", 1.1),
    Target("echo", PURE, "python-socketio", 1 / 6),
    Target("echo", STOCK, "bare", 1.4),
    Target("echo", STOCK, "python-socketio", 1 / 2),
    Target("echo-64k", FAST, "bun", 1.0),
    Target("echo-binary", FAST, "bun", 1.2),
    Target("broadcast-500", FAST, "node", 0.7),
    Target("broadcast-500", FAST, "bun", 0.95),
    Target("broadcast-500", FAST, "python-socketio", 1 / 6, newer=1 / 5),
    Target("broadcast-500", STOCK, "bare", 1.2),
    Target("broadcast-500", STOCK, "python-socketio", 1 / 3),
    Target("broadcast-500x8", FAST, "node", 1 / 3),
    Target("broadcast-500x8", FAST, "bun", 1 / 3),
    Target("storm", FAST, "bun", 1.0),
    Target("connect", FAST, "node", 0.4),
    Target("connect", PURE, "node", 0.45),
    Target("connect", PURE, "bun", 1.45),
    Target("connect", STOCK, "bare", 1.4),
    Target("upgrade", FAST, "node", 0.35),
    Target("polling", FAST, "node", 0.45),
    Target("polling", FAST, "bun", 0.8),
    Target("polling", STOCK, "bare", 1.4),
    Target("polling", STOCK, "python-socketio", 1 / 2),
    Target("quiet-client", FAST, "node", 1.0),
    Target("quiet-client", STOCK, "node", 1.0),
    Target(MEMORY, FAST, "bun", 0.4),
    Target(MEMORY, STOCK, "bare", 1.2),
    Target("heartbeats", FAST, "", 0.6),
    Target("heartbeats", STOCK, "", 2.0),
    *_growth("memory-websocket-8000", "memory-websocket-1000"),
    *_growth("room-of-100000", "room-of-10"),
    *_growth("join-among-100000", "join-among-10"),
    *_growth("visit-among-100000", "visit-among-10"),
)
