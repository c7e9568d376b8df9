"""A plugin of pytest: tests that need more than the project and its peers are groups of their own.

A group is a folder, or several. ``pytest`` without a path runs the core: all that is in no group.
``pytest --group=NAME`` runs a group, ``pytest --group=all`` everything, and a path whatever it
names. ``make test-NAME`` is the short form. What has the marker ``variant`` repeats other tests
in another setting, such as another mode of an adapter: a group leaves it out.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]

GROUPS: Final = {
    "adapters": ("brokers",),
    "frameworks": ("frameworks", "deployment"),
    "examples": ("examples", "asyncapi"),
    "tools": (
        *("cli", "docs", "harness_tests", "benchmarks"),
        *("testing/test_fixtures.py", "typing"),
    ),
}
"""By name: folders and files of ``tests/``.

adapters: adapters on real brokers; frameworks: integrations with web frameworks, and deployments
behind real proxies; examples: what is in ``examples/``, and documents for other tools; tools: the
command line, the documentation, the harness of the tests themselves, the benchmarks, and what
pytest and type checkers make of the package.
"""

CORE: Final = "core"
ALL: Final = "all"


def group_of(path: Path) -> str:
    """Return the group that a file or folder belongs to."""
    for name, folders in GROUPS.items():
        if any(path.is_relative_to(TESTS / folder) for folder in folders):
            return name
    return CORE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--group",
        choices=[CORE, *GROUPS, ALL],
        help="the group of tests to run; without paths the default is the core",
    )


def pytest_configure(config: pytest.Config) -> None:
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if config.option.group is None:  # workers of pytest-xdist are given what is decided here
        config.option.group = ALL if named else CORE


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files of other groups alone: their imports may not be installed."""
    chosen = config.option.group
    if chosen == ALL or collection_path.is_dir():
        return None
    return True if group_of(collection_path) != chosen else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the repetitions of other settings to those who ask for everything, or for them."""
    if config.option.group == ALL:
        return
    keep(config, items, {item for item in items if item.get_closest_marker("variant") is None})


def keep(config: pytest.Config, items: list[pytest.Item], chosen: Collection[pytest.Item]) -> None:
    """Leave out what was not chosen, and let pytest count it."""
    left_out = [item for item in items if item not in chosen]
    if left_out:
        items[:] = [item for item in items if item in chosen]
        config.hook.pytest_deselected(items=left_out)
