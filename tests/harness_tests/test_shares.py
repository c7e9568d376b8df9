"""The share of its settings that a test of a group runs in."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.support.groups import ALL, CORE
from tests.support.shares import Key, chosen_settings

from .support import plugins, run_pytest, takes_time

LOOPS: list[Key] = [(("loop", number),) for number in range(3)]
TRANSPORTS: list[Key] = [(("transport", number),) for number in range(2)]
PRODUCT = [one + other for one, other in product(TRANSPORTS, LOOPS)]


def subjects(count: int) -> list[Key]:
    return [(("value", number),) for number in range(count)]


@pytest.mark.parametrize("turn", range(7))
@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_each_subject_and_each_setting(count: int, turn: int) -> None:
    chosen = chosen_settings(dict.fromkeys(subjects(count), PRODUCT), turn)
    assert {subject for subject, _ in chosen} == set(subjects(count))
    assert {found for _, settings in chosen for found in settings} == {*sum(PRODUCT, ())}
    assert len(chosen) == len(set(chosen)) == max(count, len(LOOPS))


@pytest.mark.parametrize("count", [6, 13])
def test_among_many_subjects_each_combination(count: int) -> None:
    chosen = chosen_settings(dict.fromkeys(subjects(count), PRODUCT), 0)
    assert {settings for _, settings in chosen} == set(PRODUCT)


def test_turns_choose_others() -> None:
    chosen = [chosen_settings({(): PRODUCT}, turn) for turn in range(len(PRODUCT))]
    assert {settings for found in chosen for _, settings in found} == set(PRODUCT)


@pytest.mark.parametrize("turn", range(7))
@pytest.mark.parametrize("count", [1, 6])
def test_each_subject_once(count: int, turn: int) -> None:
    chosen = chosen_settings(dict.fromkeys(subjects(count), PRODUCT), turn, once=True)
    assert [subject for subject, _ in chosen] == subjects(count)
    assert len({settings for _, settings in chosen}) == count


def test_settings_that_differ_between_subjects() -> None:
    one, two = subjects(2)
    possible = {one: [LOOPS[0]], two: [LOOPS[0], LOOPS[1]]}
    assert chosen_settings(possible, 0) == [(one, LOOPS[0]), (two, LOOPS[1])]


TESTS = """
import pytest


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("loop", ["a", "b", "c"])
def test_once(transport, loop): ...


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("value", [[], {}, object(), None])
def test_values(transport, value): ...


@pytest.mark.parametrize("value", [1, 2])
@pytest.mark.parametrize("other", [1, 2])
def test_without_settings(value, other): ...


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("value", [1, pytest.param(2, marks=pytest.mark.variant)])
def test_variants(transport, value): ...


def test_alone(): ...
"""


@takes_time
def test_a_run(tmp_path: Path) -> None:
    conftest = plugins("groups", "shares")
    group = run_pytest(tmp_path, TESTS, "--group", CORE, conftest=conftest)
    assert "14 passed, 9 deselected" in group.last, group.output
    once = run_pytest(tmp_path, TESTS, "--group", CORE, "--once", conftest=conftest)
    assert "11 passed, 12 deselected" in once.last, once.output
    everything = run_pytest(tmp_path, TESTS, "--group", ALL, conftest=conftest)
    assert "23 passed" in everything.last
