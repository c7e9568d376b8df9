"""The parts of the documentation that are made of figures; :mod:`benchmarks.report` places them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .evidence import Measured
from .markdown import (
    ABSENT,
    TIMES,
    commands,
    console,
    figure,
    name,
    owners_table,
    per_python,
    table,
    together,
)
from .scenarios import SCENARIOS
from .situation_tables import situations
from .sizing import capacity, example
from .targets import FAST, LABELS, MEMORY, PATHS, TARGETS, Target

HEADLINES = ("echo", "broadcast-500", "broadcast-500x8", "connect", MEMORY, "polling")
GROWTH = {
    "A broadcast, µs for each delivery": ("broadcast-100", "broadcast-1000", "broadcast-8000"),
    "Memory of a connection on WebSocket, KiB": (
        "memory-websocket-1000",
        "memory-websocket-4000",
        "memory-websocket-8000",
    ),
    "Memory of a connection on polling, KiB": (
        "memory-polling-1000",
        "memory-polling-4000",
        "memory-polling-8000",
    ),
    "A broadcast to a room of ten, µs for each delivery": (
        "room-of-10",
        "room-of-1000",
        "room-of-100000",
    ),
    "Joining and leaving a room, µs for both": (
        "join-among-10",
        "join-among-1000",
        "join-among-100000",
    ),
    "Connecting, joining ten rooms, disconnecting, µs": (
        "visit-among-10",
        "visit-among-1000",
        "visit-among-100000",
    ),
}
COUNTED = {
    "broadcast": "clients",
    "memory": "clients",
    "room": "rooms",
    "join": "rooms",
    "visit": "rooms",
}


def machine(measured: Sequence[Measured]) -> str:
    """Where it was measured, and with what; each fact once."""
    by_machine: dict[str, list[Mapping[str, Any]]] = {}
    for where in (where for each in measured for where in each.places):
        by_machine.setdefault(_described(where), []).append(where)
    lines = [f"* {described}; {_how(some)}" for described, some in by_machine.items()]
    for server in dict.fromkeys(server for each in measured for server in each.versions):
        made = [each.versions[server] for each in measured if server in each.versions]
        lines.append(f"* {name(server)}: {_versions(made)}")
    return "\n".join(lines)


def _described(where: Mapping[str, Any]) -> str:
    return (
        f"{where['processor']}, {where['cores']} cores, {where['system']};"
        f" load generator: {where['load generator']}"
    )


def _how(places: Sequence[Mapping[str, Any]]) -> str:
    dates = ", ".join(sorted({where["date"] for where in places}))
    runs, seconds, warmup = (
        _span([where[key] for where in places]) for key in ("runs", "seconds", "warmup")
    )
    return f"{dates}; {runs} runs of each server, of {seconds} s or more after {warmup} s of load"


def _span(numbers: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(f"{end(numbers):g}" for end in (min, max)))


def _versions(made: Sequence[Mapping[str, str]]) -> str:
    """Each package with its version; with all of them, where they differ from Python to Python."""
    packages = dict.fromkeys(package for each in made for package in each)
    found = {
        package: dict.fromkeys(each[package] for each in made if package in each)
        for package in packages
    }
    return ", ".join(f"{package} {' and '.join(some)}" for package, some in found.items())


def targets(measured: Sequence[Measured]) -> str:
    """Each target, and whether it is met."""
    columns = [each for each in measured if each.outcomes]
    head = [
        "scenario",
        "path",
        "compared with",
        "target",
        *(f"on {each.python}" for each in columns),
    ]
    rows = [_target(target, columns) for target in TARGETS]
    scenarios = dict.fromkeys(
        name for each in TARGETS for name in (each.scenario, each.peer_scenario) if name
    )
    return together(table(head, rows, texts=3), commands(columns, scenarios))


def _target(target: Target, columns: Sequence[Measured]) -> list[str]:
    limits = dict.fromkeys(f"{target.limit_for(each):.3f}" for each in columns)
    unit = "" if target.peer else f" {SCENARIOS[target.scenario].unit}"
    against = name(target.peer) if target.peer else ABSENT
    if target.peer_scenario:
        against = f"`{target.peer_scenario}`"
    verdicts = [_verdict(target, each) for each in columns]
    limit = f"≤ {' / '.join(limits)}{unit}"
    return [f"`{target.scenario}`", LABELS[target.server], against, limit, *verdicts]


def _verdict(target: Target, measured: Measured) -> str:
    value = target.value(measured)
    if value is None:
        return ABSENT
    met = value <= target.limit_for(measured)
    # With a third digit, which decides between 0.174 and a sixth.
    return f"{value:.3f}, {'met' if met else '**missed**'}"


def medians(measured: Sequence[Measured]) -> str:
    """The medians of all scenarios on all servers."""
    scenarios = dict.fromkeys(scenario for each in measured for scenario in each.scenarios)
    return together(per_python(measured, map(_medians, measured)), commands(measured, scenarios))


def _medians(measured: Measured) -> str:
    if not measured.outcomes:
        return ""
    servers = measured.servers(measured.outcomes)
    rows = [
        [
            f"`{scenario}`: {measured.outcomes[scenario].title}",
            measured.outcomes[scenario].unit,
            *(_median(measured, scenario, each) for each in servers),
        ]
        for scenario in measured.scenarios
    ]
    head = ["scenario", "unit", *(f"`{server}`" for server in servers)]
    return table(head, rows, texts=2)


def _median(measured: Measured, scenario: str, server: str) -> str:
    if server in measured.outcomes[scenario].failures:
        return "failed"
    return figure(measured.value(scenario, server))


def growth(measured: Sequence[Measured]) -> str:
    """What one unit costs when there is more of everything."""
    parts: list[str] = []
    for title, scenarios in GROWTH.items():
        rows = [row for each in measured for row in _growing(each, scenarios)]
        if rows:
            head = [title, "Python", *map(_amount, scenarios)]
            parts.extend((table(head, rows, texts=2), commands(measured, scenarios)))
    return together(*parts)


def _growing(measured: Measured, scenarios: Sequence[str]) -> Iterable[list[str]]:
    """A row for each server that did more than one of them: a single one shows no growth."""
    for server in measured.servers(scenarios):
        values = [measured.value(scenario, server) for scenario in scenarios]
        if len(values) - values.count(None) > 1:
            yield [name(server), measured.python, *map(figure, values)]


def _amount(scenario: str) -> str:
    kind, _, number = scenario.rpartition("-")
    return f"{int(number):,} {COUNTED[kind.partition('-')[0]]}".replace(",", " ")


def memory(measured: Sequence[Measured]) -> str:
    """Where the memory of a connection goes."""
    known = [each for each in measured if each.owners]
    calls = (f"python -m benchmarks.memory --clients {each.owners['clients']}" for each in known)
    tables = per_python(known, (owners_table(each.owners) for each in known))
    return together(tables, console(calls))


def slower(measured: Sequence[Measured]) -> str:
    """Works in which a server in JavaScript needs less than our fast path."""
    rows = [row for each in measured for row in _slower(each)]
    if not rows:
        return "None of the scenarios above."
    return table(("scenario", "against", "Python", "ours", "theirs", "ratio"), rows, texts=2)


def _slower(measured: Measured) -> Iterable[list[str]]:
    for scenario in measured.scenarios:
        for peer in ("node", "bun"):
            ratio = measured.ratio(scenario, FAST, peer)
            if ratio is not None and ratio > 1:
                values = (measured.value(scenario, server) for server in (FAST, peer))
                row = [f"`{scenario}`", name(peer), measured.python, *map(figure, values)]
                yield [*row, figure(ratio)]


def pictures(measured: Sequence[Measured]) -> str:
    """The plots that ``--plot`` draws."""
    return "\n\n".join(
        f"![Python {each.python}](assets/{picture_name(each)})"
        for each in measured
        if is_complete(each)
    )


def is_complete(measured: Measured) -> bool:
    """Whether memory was measured as well, and not only some scenarios for a comparison."""
    return measured.value(MEMORY, FAST) is not None


def picture_name(measured: Measured) -> str:
    """The file of a plot."""
    return f"benchmarks-{measured.python}.svg"


def summary(measured: Sequence[Measured]) -> str:
    """The most important figures, on the newest Python with all of them."""
    known = [each for each in measured if each.value("echo", FAST) is not None]
    newest = [each for each in known if is_complete(each)] or known
    return _summary(newest[-1]) if newest else ""


def _summary(measured: Measured) -> str:
    peers = ("node", "bun", "python-socketio")
    head = [
        f"processor time or memory, {PATHS[FAST]}, Python {measured.python}",
        "ours",
        *(f"{TIMES} {name(peer)}" for peer in peers),
    ]
    rows = [
        [
            what,
            f"{figure(value)} {unit}",
            *(figure(measured.ratio(scenario, FAST, peer)) for peer in peers),
        ]
        for what, scenario, unit in (
            ("an event with its acknowledgement", "echo", "µs"),
            ("a delivery of a broadcast to 500 clients", "broadcast-500", "µs"),
            ("an idle connection", MEMORY, "KiB"),
        )
        if (value := measured.value(scenario, FAST)) is not None
    ]
    return table(head, rows)


SECTIONS: dict[str, Callable[[Sequence[Measured]], str]] = {
    function.__name__: function
    for function in (
        machine,
        targets,
        medians,
        growth,
        memory,
        slower,
        pictures,
        summary,
        situations,
        capacity,
        example,
    )
}
