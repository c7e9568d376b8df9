"""What was measured, gathered from the files that the benchmarks wrote, by version of Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .results import Outcome, Results
from .scenarios import SCENARIOS
from .table import median_ratio, median_value


@dataclass
class Call:
    """What one call of the command measured in a scenario.

    Attributes:
        where: The machine, the date and how it was measured.
        outcome: What its runs gave.
    """

    where: dict[str, Any]
    outcome: Outcome


@dataclass
class Measured:
    """Everything that was measured with one version of Python.

    Attributes:
        python: The version, in full.
        versions: What each server is made of.
        outcomes: Those of all scenarios, by their names.
        calls: By scenario, the calls that these are from, the latest first.
        owners: Where the memory of connections goes, see :mod:`benchmarks.memory`.
        situations: The reports of floods and hoards, by the version of the package (empty for this
            one), situation and server.
    """

    python: str
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    calls: dict[str, list[Call]] = field(default_factory=dict)
    owners: dict[str, Any] = field(default_factory=dict)
    situations: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def scenarios(self) -> list[str]:
        """The names of the scenarios, in the order in which they are listed."""
        ranks = {name: rank for rank, name in enumerate(SCENARIOS)}
        return sorted(self.outcomes, key=lambda name: ranks.get(name, len(ranks)))

    @property
    def places(self) -> list[dict[str, Any]]:
        """Where it was measured, each way once."""
        calls = (call for calls in self.calls.values() for call in calls)
        return list({str(call.where): call.where for call in calls}.values())

    def value(self, scenario: str, server: str) -> float | None:
        """The median; None if there is none."""
        outcome = self.outcomes.get(scenario)
        samples = outcome.samples.get(server) if outcome else None
        return median_value(samples) if samples else None

    def ratio(self, scenario: str, server: str, peer: str) -> float | None:
        """The median of the ratios of neighbouring runs; None if there are none of both."""
        for call in self.calls.get(scenario, ()):
            samples = call.outcome.samples
            if server in samples and peer in samples:
                return median_ratio(samples[server], samples[peer])
        return None

    def growth(self, server: str, scenario: str, smaller: str) -> float | None:
        """The ratio of the medians of two scenarios; None if one of them is missing."""
        value, less = self.value(scenario, server), self.value(smaller, server)
        return value / less if value is not None and less else None

    def servers(self, scenarios: Iterable[str]) -> list[str]:
        """Those that did at least one of the scenarios, in the order of the results."""
        found = (
            self.outcomes[scenario].samples for scenario in scenarios if scenario in self.outcomes
        )
        return list(dict.fromkeys(name for samples in found for name in samples))

    def add(self, results: Results) -> None:
        """Take the results of one call; those of servers that were measured before are replaced."""
        self.versions |= results.versions
        for outcome in results.outcomes:
            known = self.outcomes.get(outcome.scenario, outcome)
            self.outcomes[outcome.scenario] = replace(
                outcome,
                samples=known.samples | outcome.samples,
                failures=known.failures | outcome.failures,
            )
            earlier = self.calls.get(outcome.scenario, [])
            self.calls[outcome.scenario] = [
                Call(results.where, outcome),
                *(call for call in earlier if call.outcome.samples.keys() - outcome.samples.keys()),
            ]


def gather(files: Sequence[Path]) -> list[Measured]:
    """Read result files; the oldest Python comes first.

    Raises:
        ValueError: A file holds nothing that was measured with Python.
    """
    found: dict[str, Measured] = {}

    def of(python: str) -> Measured:
        return found.setdefault(python, Measured(python))

    for file in files:
        data = json.loads(file.read_text("utf-8"))
        if "paths" in data:
            of(data["python"]).owners = data
        elif "situations" in data:
            python = of(data["versions"]["ours"]["python"])
            python.situations[data["package"]] = data["situations"]
        else:
            results = Results.read(file)
            of(_python(results, file)).add(results)
    return sorted(found.values(), key=lambda each: [*map(int, each.python.split("."))])


def _python(results: Results, file: Path) -> str:
    for made in results.versions.values():
        if "python" in made:
            return made["python"]
    raise ValueError(f"{file}: no server in Python was measured")
