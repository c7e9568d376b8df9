"""The table of CONTRIBUTING.md from modules to tests."""

from __future__ import annotations

import re

from tests.support.groups import GROUPS

from .support import ROOT

PACKAGE = ROOT / "socketio_asgi"
TESTS = ROOT / "tests"


def rows() -> list[tuple[list[str], list[str]]]:
    """The paths in both columns."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| in `socketio_asgi/` | in `tests/` |\n| --- | --- |\n")[2]
    lines = table.partition("\n\n")[0].splitlines()
    columns = [line.strip("| ").split(" | ") for line in lines]
    return [(paths(modules), paths(tests)) for modules, tests in columns]


def paths(column: str) -> list[str]:
    return [path for path in re.findall("`([^`]+)`", column) if "/" in path or "." in path]


def test_what_it_names_exists() -> None:
    absent = {f"{folder}/" for folders in GROUPS.values() for folder in folders}  # or not yet
    assert len(rows()) > 10
    for modules, tests in rows():
        assert [path for path in modules if not (PACKAGE / path).exists()] == []
        assert [path for path in tests if not (TESTS / path).exists() and path not in absent] == []


def test_it_names_each_folder() -> None:
    named = {path for modules, _ in rows() for path in modules}
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= named
