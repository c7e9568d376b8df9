"""The scenarios, by name."""

from __future__ import annotations

from . import broadcast, connecting, echo, fairness, idle, polling, rooms, storm, typed
from .scenario import Scenario

MODULES = (echo, broadcast, storm, rooms, connecting, polling, fairness, idle, typed)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for module in MODULES for scenario in module.SCENARIOS
}
