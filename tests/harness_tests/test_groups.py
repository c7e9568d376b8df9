"""Groups of tests."""

from __future__ import annotations

from pathlib import Path

from tests.support.groups import ALL, CORE, GROUPS, TESTS, group_of

from .support import plugins, run_pytest, takes_time

pytestmark = takes_time

OURS = plugins("groups")


def test_groups_are_folders() -> None:
    assert group_of(TESTS / "engine" / "test_polling.py") == CORE
    for name, folders in GROUPS.items():
        for path in folders:
            assert (TESTS / path).exists()
            assert group_of(TESTS / path) == group_of(TESTS / path / "sub" / "test_a.py") == name
    assert not {CORE, ALL} & GROUPS.keys()


def test_the_core_has_what_is_in_no_group(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "def test_a(): ...", "--group", CORE, conftest=OURS)
    assert run.code == 0
    assert "1 passed" in run.last


def test_a_group_whose_tests_are_not_found_fails(tmp_path: Path) -> None:
    used = next(iter(GROUPS))
    assert run_pytest(tmp_path, "def test_a(): ...", "--group", used, conftest=OURS).code != 0


VARIANTS = """
import pytest


def test_one_setting(): ...


@pytest.mark.variant
def test_another_one(): ...
"""


def test_variants_are_for_everything(tmp_path: Path) -> None:
    group = run_pytest(tmp_path, VARIANTS, "--group", CORE, conftest=OURS)
    assert "1 passed, 1 deselected" in group.last
    assert "2 passed" in run_pytest(tmp_path, VARIANTS, "--group", ALL, conftest=OURS).last
