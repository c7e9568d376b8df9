"""How much one process holds: calculated from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .evidence import Measured
from .markdown import ABSENT, TIMES, figure, table
from .targets import MEMORY, PATHS

SHARE = 0.5  # of a core; beyond it latencies grow
IDLE = 8000  # the clients of the scenario "heartbeats"
KIB_IN_GIB = 1 << 20


@dataclass(frozen=True)
class Load:
    """What an application has to carry, for the worked example.

    Attributes:
        clients: Connections.
        interval: Seconds between two events of a client.
        broadcasts: Broadcasts to all clients, each second.
        visits: New connections, each second.
    """

    clients: int = 10_000
    interval: float = 10.0
    broadcasts: float = 1.0
    visits: float = 20.0


LOAD = Load()


def capacity(measured: Sequence[Measured]) -> str:
    """What half a core and a GiB carry, by server and Python."""
    columns = [(each, server) for each in measured for server in PATHS if _is_known(each, server)]
    head = [
        "half a core carries, or 1 GiB holds",
        *(f"{PATHS[server]}, {each.python}" for each, server in columns),
    ]
    rows = [
        [label, *(_quotient(total, each.value(scenario, server)) for each, server in columns)]
        for label, scenario, total in (
            ("events with acknowledgement, per second", "echo", SHARE * 1e6),
            ("deliveries of broadcasts, per second", "broadcast-500", SHARE * 1e6),
            ("new connections, per second", "connect", SHARE * 1e6),
            ("round trips by polling, per second", "polling", SHARE * 1e6),
            ("idle connections, by their heartbeats", "heartbeats", SHARE * 100 * IDLE),
            ("idle connections, by their memory", MEMORY, KIB_IN_GIB),
        )
    ]
    return table(head, rows) if columns else ""


def example(measured: Sequence[Measured]) -> str:
    """The worked example, on the newest Python of which all is known."""
    complete = [
        (each, server) for each in measured for server in PATHS if _shares(each, server) is not None
    ]
    return "\n\n".join(_example(each, server) for each, server in complete)


def _is_known(measured: Measured, server: str) -> bool:
    return None not in (measured.value(scenario, server) for scenario in ("echo", MEMORY))


def _quotient(total: float, cost: float | None) -> str:
    """Rounded down to two digits: more would be a promise."""
    if not cost:
        return ABSENT
    number = total / cost
    step = 10 ** max(0, len(str(int(number))) - 2)
    return f"{int(number / step) * step:,}".replace(",", " ")


def _shares(measured: Measured, server: str) -> list[tuple[str, str, float]] | None:
    """What each kind of scenario takes of a core, in per cent, with the calculation in words."""

    def cost(scenario: str) -> float | None:
        return measured.value(scenario, server)

    echo, delivery, visit = cost("echo"), cost("broadcast-500"), cost("connect")
    heartbeats = cost("heartbeats")
    if echo is None or delivery is None or visit is None or heartbeats is None:
        return None
    events, deliveries = LOAD.clients / LOAD.interval, LOAD.clients * LOAD.broadcasts
    beats = f"{LOAD.clients:g} / {IDLE} {TIMES} {figure(heartbeats)} %"
    return [
        ("events with acknowledgement", *_per_second(events, echo)),
        ("deliveries of broadcasts", *_per_second(deliveries, delivery)),
        ("new connections", *_per_second(LOAD.visits, visit)),
        ("heartbeats", beats, LOAD.clients / IDLE * heartbeats),
    ]


def _per_second(count: float, value: float) -> tuple[str, float]:
    return f"{figure(count)} / s {TIMES} {figure(value)} µs", count * value / 1e4


def _example(measured: Measured, server: str) -> str:
    shares = _shares(measured, server) or []
    rows = [[label, words, f"{share:.1f} %"] for label, words, share in shares]
    rows.append(["**together**", "", f"**{sum(share for *_, share in shares):.0f} %**"])
    memory = measured.value(MEMORY, server)
    if memory is not None:
        total = f"{LOAD.clients * memory / 1024:.0f} MiB"
        rows.append(["memory", f"{LOAD.clients:g} {TIMES} {figure(memory)} KiB", total])
    title = f"{PATHS[server]}, Python {measured.python}"
    return table((title, "calculation", "of a core"), rows, texts=2)
