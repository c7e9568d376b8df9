"""Which tests there are, as pytest collects them: what the lists of parity refer to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeVar

CaseT = TypeVar("CaseT")

TESTS = Path(__file__).parents[1]


def check_all(
    cases: Iterable[CaseT], name: Callable[[CaseT], str], check: Callable[[CaseT], object]
) -> None:
    """Check all of hundreds of entries in one test, which names each that is wrong, and why.

    Args:
        cases: The entries.
        name: Returns the name of an entry.
        check: Raises when an entry is wrong.

    Raises:
        AssertionError: Some are.
    """
    wrong: list[str] = []
    for case in cases:
        try:
            check(case)
        except Exception as error:  # noqa: BLE001  # each says what is wrong
            wrong.append(f"{name(case)}: {error!r}")
    assert not wrong, "\n".join(wrong)


def check_test(reference: str) -> None:
    """Check that a test is collected.

    Args:
        reference: As pytest writes it, from the folder ``tests``: ``server/test_acks.py::test_it``.

    Raises:
        AssertionError: There is no such test.
    """
    path, _, name = reference.partition("::")
    assert fnmatch(PurePosixPath(path).name, "test_*.py"), f"pytest does not look into {path!r}"
    assert (TESTS / path).is_file(), f"there is no file {path!r}"
    assert name in collected(path), f"pytest collects no {name!r} from {path!r}"


@cache
def collected(path: str) -> frozenset[str]:
    """The tests of a file: functions of the module, and methods of its test classes."""
    body = ast.parse((TESTS / path).read_text("utf-8")).body
    found = set(_functions(body))
    for node in body:
        if isinstance(node, ast.ClassDef) and _is_test_class(node):
            found.update(f"{node.name}::{name}" for name in _functions(node.body))
    return frozenset(found)


def _is_test_class(node: ast.ClassDef) -> bool:
    names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    return node.name.startswith("Test") and not names & {"__init__", "__new__"}


def _functions(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_":
            yield node.name
