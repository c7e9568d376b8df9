"""Groups of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.groups import ALL, CORE, GROUPS, TESTS, group_of

from .support import plugins, run_pytest, takes_time

pytestmark = takes_time

OURS = plugins("groups")


def test_groups_are_folders() -> None:
    assert group_of(TESTS / "engine" / "test_polling.py") == CORE
    for name, folders in GROUPS.items():
        for folder in folders:
            assert (
                group_of(TESTS / folder) == group_of(TESTS / folder / "sub" / "test_a.py") == name
            )
    assert not {CORE, ALL} & GROUPS.keys()


def test_the_core_has_what_is_in_no_group(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "def test_a(): ...", "--group", CORE, conftest=OURS)
    assert run.code == 0
    assert "1 passed" in run.last


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_group_without_tests_passes(tmp_path: Path, workers: str) -> None:
    (empty, *_) = [name for name, folders in GROUPS.items() if not _tests_in(folders)]
    run = run_pytest(tmp_path, "def test_a(): ...", "--group", empty, "-n", workers, conftest=OURS)
    assert "no tests ran" in run.last
    assert run.code == 0


def test_a_group_whose_tests_are_not_found_fails(tmp_path: Path) -> None:
    (used, *_) = [name for name, folders in GROUPS.items() if _tests_in(folders)]
    assert run_pytest(tmp_path, "def test_a(): ...", "--group", used, conftest=OURS).code != 0


def _tests_in(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in (TESTS / folder).rglob("test_*.py")]
