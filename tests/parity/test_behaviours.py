"""What the tests of the official server check, in our words, and the tests of ours that show it.

``behaviours.json`` has one entry for each behaviour; one that has no place here says why.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .shown import check_all, check_test

ENTRIES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("behaviours.json").read_text("utf-8")
)


def entry_id(entry: dict[str, Any]) -> str:
    return f"{entry['area']}-{entry['behaviour']}"


def test_every_behaviour_is_shown_or_has_a_reason() -> None:
    check_all(ENTRIES, entry_id, check_behaviour)


def check_behaviour(entry: dict[str, Any]) -> None:
    match entry:
        case {"area": str(), "behaviour": str(), "shown_by": str(reference), **rest}:
            check_test(reference)
        case {"area": str(), "behaviour": str(), "not_applicable": str(reason), **rest}:
            assert reason.endswith("."), "the reason is a sentence"
        case _:
            raise AssertionError("neither a test nor a reason")
    assert not rest, "one of both, and nothing else"
    assert entry["behaviour"].endswith("."), "the behaviour is a sentence"


def test_every_behaviour_is_there_once() -> None:
    counts = Counter(map(entry_id, ENTRIES))
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    "reference",
    [
        "parity/test_behaviours.py::test_unknown",
        "parity/test_behaviours.py::entry_id",
        "parity/test_behaviours.py",
        "parity/shown.py::check_test",
        "parity/test_missing.py::test_it",
        "server/test_acks.py::TestEmitWithAck::ask",
        "server/test_acks.py::TestEmitWithAck",
    ],
)
def test_what_is_no_test_is_found_out(reference: str) -> None:
    with pytest.raises(AssertionError):
        check_test(reference)


def test_a_function_is_collected_where_pytest_looks_for_it() -> None:
    check_test("parity/test_behaviours.py::test_every_behaviour_is_there_once")
    check_test("server/test_acks.py::TestEmitWithAck::test_can_be_cancelled")


def test_each_entry_that_is_wrong_is_named() -> None:
    with pytest.raises(AssertionError, match=r"^x: ValueError.*\ny: ValueError"):
        check_all(["1", "x", "2", "y"], str, int)
