"""Figures and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from .evidence import Measured
from .servers import TITLES

ABSENT = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
COMMAND_WIDTH = 96  # characters


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """A table whose columns are aligned to the right, but for the first ones, which are texts."""
    rule = [*(["---"] * texts), *(["---:"] * (len(head) - texts))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def figure(value: float | None, *, digits: int | None = None) -> str:
    """About three digits that count, or so many behind the point."""
    if value is None:
        return ABSENT
    if digits is None:
        digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}".replace(",", " ")


def name(server: str) -> str:
    """What a server is called."""
    return TITLES.get(server, server)


def commands(measured: Sequence[Measured], scenarios: Iterable[str]) -> str:
    """How to measure these scenarios again: a command for each number and length of runs."""
    by_settings: dict[str, dict[str, None]] = {}
    for scenario in scenarios:
        for each in measured:
            for call in each.calls.get(scenario, ()):
                by_settings.setdefault(_settings(call.where), {})[scenario] = None
    return console(
        f"python -m benchmarks {' '.join(known)} {settings}"
        for settings, known in by_settings.items()
    )


def console(calls: Iterable[str]) -> str:
    """A block of commands, each once; empty without any."""
    lines = [" \\\n    ".join(_wrapped(f"$ {call}")) for call in dict.fromkeys(calls)]
    return "\n".join(["```console", *lines, "```"]) if lines else ""


def _wrapped(call: str) -> list[str]:
    return wrap(call, COMMAND_WIDTH, break_long_words=False, break_on_hyphens=False)


def _settings(where: Mapping[str, Any]) -> str:
    return f"--runs {where['runs']} --seconds {where['seconds']:g}"


def together(*parts: str) -> str:
    """The parts below each other; empty ones are left out."""
    return "\n\n".join(filter(None, parts))


def per_python(measured: Sequence[Measured], parts: Iterable[str]) -> str:
    """A part for each version of Python; empty ones are left out."""
    named = zip(measured, parts, strict=True)
    return together(*(f"**Python {each.python}**\n\n{part}" for each, part in named if part))


def owners_table(owners: dict[str, Any]) -> str:
    """Bytes of one connection, by owner and path, as :mod:`benchmarks.memory` found them."""
    paths: dict[str, dict[str, float]] = owners["paths"]
    rows = sorted(dict.fromkeys(row for sizes in paths.values() for row in sizes), key=_is_last)
    body = ([row, *(_bytes(sizes.get(row)) for sizes in paths.values())] for row in rows)
    return table(("bytes of one connection", *paths), body)


def _is_last(row: str) -> bool:
    return row in ("not visible to Python", "all of it")


def _bytes(size: float | None) -> str:
    return ABSENT if size is None else f"{size:,.0f}".replace(",", " ")
