"""A plugin of pytest for one run: its order, its end, and its failures as they happen."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stress-seed", type=int, required=True, help="seed of the order of tests")
    parser.addoption("--stress-until", type=float, help="time from which on tests are skipped")
    parser.addoption("--stress-failures", type=Path, help="file for the names of failed tests")


def shuffled(items: Iterable[pytest.Item], seed: int) -> list[pytest.Item]:
    """Return the modules in random order, and within each of them its tests."""
    chance = random.Random(seed)
    modules = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    chance.shuffle(modules)
    for tests in modules:
        chance.shuffle(tests)
    return [item for tests in modules for item in tests]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seed: int = config.option.stress_seed
    items[:] = shuffled(items, seed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    until = item.config.getoption("--stress-until")
    if until is not None and time.time() >= until:
        pytest.skip("the time is up")


class Failures:
    """Notes each failed test, in the process that reports."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(report.nodeid + "\n")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--stress-failures")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(path))
