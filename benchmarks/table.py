"""The results as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from .load.meter import Sample
from .results import Outcome, Results
from .servers import TITLES

REFERENCES = ("ours", "ours-fast")
SPREAD = ("median", "least", "most")
REST = ("units/s", "p50 ms", "p99 ms", "PSS MiB", "core", "load")


def table(outcome: Outcome) -> str:
    """A table of medians, and of ratios to ours."""
    references = [name for name in REFERENCES if name in outcome.samples]
    head = ("", *SPREAD, *(f"/ {name}" for name in references), *REST)
    rows = [head, *(_row(outcome, name, references) for name in outcome.samples)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{outcome.title}: {outcome.unit}"]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  " + "  ".join((row[0].ljust(widths[0]), *cells)))
    lines.extend(f"  {TITLES[name]} failed: {why}" for name, why in outcome.failures.items())
    return "\n".join(lines)


def heading(results: Results) -> str:
    """Where and how it was measured, and with what."""
    lines = [_listed(results.where)]
    width = max(map(len, results.versions), default=0)
    lines.extend(f"  {name:{width}}  {_listed(made)}" for name, made in results.versions.items())
    return "\n".join(lines)


def _listed(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {fact}" for name, fact in facts.items())


def median_value(samples: Sequence[Sample]) -> float:
    """The median of what the scenario is about."""
    return median(sample.value for sample in samples)


def median_ratio(samples: Sequence[Sample], others: Sequence[Sample]) -> float:
    """The median of the ratios of each run: what disturbs one server then disturbs the other."""
    return median(
        sample.value / other.value for sample, other in zip(samples, others, strict=False)
    )


def _row(outcome: Outcome, name: str, references: Sequence[str]) -> tuple[str, ...]:
    samples = outcome.samples[name]
    value = median_value(samples)
    ratios = (median_ratio(samples, outcome.samples[each]) for each in references)
    return (
        TITLES[name],
        f"{value:.2f}",
        f"{min(sample.value for sample in samples):.2f}",
        f"{max(sample.value for sample in samples):.2f}",
        *(f"{ratio:.2f}" for ratio in ratios),
        f"{median(sample.units / sample.seconds for sample in samples):.0f}",
        _latency([sample.p50 for sample in samples]),
        _latency([sample.p99 for sample in samples]),
        f"{median(sample.pss for sample in samples) / 1024:.0f}",
        f"{median(sample.server / sample.seconds for sample in samples):.0%}",
        f"{median(sample.load / sample.seconds for sample in samples):.0%}",
    )


def _latency(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f}" if known else "-"
