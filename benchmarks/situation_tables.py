"""The tables of what clients can do to others, from what floods and hoards have written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .evidence import Measured
from .load.beside import SITUATIONS
from .markdown import ABSENT, figure, name, table, together
from .targets import FAST, PATHS, STOCK

Reports = Mapping[str, Mapping[str, Any]]
"""The reports of one version, by situation and server."""

Figure = Callable[[Mapping[str, Any]], str]

_COUNTED: Mapping[str, Figure] = {
    "tasks": lambda report: figure(report["tasks"], digits=0),
    "log": lambda report: f"{figure(report['log'] / 1000, digits=0)} kB",
    "ended": lambda report: figure(report["ended"], digits=0),
    "note": lambda report: report["note"] or ABSENT,
}
_TITLES = {
    "tasks": "tasks; on Node calls of the application",
    "log": "written to the log",
    "ended": "connections that the server ended",
    "note": "the client that was away",
}


def situations(measured: Sequence[Measured]) -> str:
    """What an honest client waits for, and what a server needs, beside floods and hoards."""
    return together(*(_tables(each) for each in measured if each.situations))


def _tables(measured: Measured) -> str:
    now = measured.situations.get("", {})
    earlier = {label: each for label, each in measured.situations.items() if label}
    columns: list[tuple[str, str, Reports]] = []
    for server, path in ((FAST, PATHS[FAST]), (STOCK, PATHS[STOCK])):
        columns += [(f"{path}, {label}", server, each) for label, each in earlier.items()]
        columns.append((path, server, now))
    columns.append((name("node"), "node", now))
    return together(
        _table("waiting, ms: 99 % at the most, the longest", columns, _waiting),
        _table(
            "memory at the most, MiB",
            columns,
            lambda report: figure(report["peak"] / 1024, digits=0),
        ),
        _table(
            "share of a core", columns, lambda report: f"{figure(report['core'] * 100, digits=0)} %"
        ),
        *(_table(_TITLES[kind], columns, _COUNTED[kind], kind) for kind in _TITLES),
    )


def _waiting(report: Mapping[str, Any]) -> str:
    return ", ".join(figure(report[key], digits=0) for key in ("p99", "worst"))


def _table(
    title: str, columns: Sequence[tuple[str, str, Reports]], show: Figure, kind: str = ""
) -> str:
    rows = [
        [
            f"`{situation}`",
            *(_cell(reports, situation, server, show) for _, server, reports in columns),
        ]
        for situation, described in SITUATIONS.items()
        if not kind or kind == described.shows
    ]
    return table([title, *(head for head, _, _ in columns)], rows)


def _cell(reports: Reports, situation: str, server: str, show: Figure) -> str:
    report = reports.get(situation, {}).get(server)
    if report is None:
        return ABSENT
    return "failed" if isinstance(report, str) else show(report)
