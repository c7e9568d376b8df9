"""What was measured, and where; as JSON it can be read again."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .load.meter import Sample


@dataclass
class Outcome:
    """What the runs of one scenario gave.

    Attributes:
        scenario: The name of the scenario.
        title: What it is about.
        unit: The unit of the values.
        samples: Those of each server, by its name.
        failures: What went wrong, by the name of the server.
    """

    scenario: str
    title: str
    unit: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass
class Results:
    """Everything that one call of the command measured.

    Attributes:
        where: The machine, the date and how it was measured.
        versions: What each server is made of.
        outcomes: Those of all scenarios.
    """

    where: dict[str, Any]
    versions: dict[str, dict[str, str]]
    outcomes: list[Outcome] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what :meth:`save` wrote."""
        data = json.loads(path.read_text("utf-8"))
        outcomes = [_outcome(**outcome) for outcome in data.pop("outcomes")]
        return cls(**data, outcomes=outcomes)


def _outcome(samples: dict[str, list[dict[str, Any]]], **rest: Any) -> Outcome:
    known = {name: [Sample(**each) for each in some] for name, some in samples.items()}
    return Outcome(samples=known, **rest)


def describe_machine() -> dict[str, Any]:
    """The machine, the date and the load generator."""
    model = re.search(
        r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE
    )
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": model[1] if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "load generator": f"Python {platform.python_version()} with picows {version('picows')}",
    }
