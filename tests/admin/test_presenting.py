"""Any value has a form that the UI can show, of a bounded size."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketio_asgi.admin.presenting import present
from socketio_asgi.protocol import DefaultParser

PARSER = DefaultParser()


class Color(IntEnum):
    RED = 1


class Bad:
    def __init_subclass__(cls) -> None: ...
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class BadList(list[Any]):
    def __iter__(self) -> Any:
        raise ValueError

    def __len__(self) -> int:
        raise ValueError


def show(value: Any, limit: int = 1000) -> Any:
    return present(value, PARSER, limit)[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (1.5, 1.5),
        ("text", "text"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (2**53, str(2**53)),
        ([-(10**5000)], ["<int>"]),
        (b"abc", "<3 bytes>"),
        (bytearray(2), "<2 bytes>"),
        (memoryview(b"abcd"), "<4 bytes>"),
        ((1, [2, {3}]), [1, [2, [3]]]),
        ({1: 2, None: 3, (1, 2): 4, "a": Bad()}, {"1": 2, "None": 3, "<tuple>": 4, "a": "<Bad>"}),
        (OrderedDict(a=1), {"a": 1}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (UUID(int=1), str(UUID(int=1))),
        (Color.RED, 1),
        (BadList(), "<BadList>"),
        ("\ud800x", "?x"),
        (print, "<builtin_function_or_method>"),
        ("x" * 2000, "x" * 996 + "…"),
    ],
)
def test_values(value: Any, shown: Any) -> None:
    assert show(value) == shown


def test_what_is_too_deep_or_too_long() -> None:
    nested: Any = []
    for _ in range(50):
        nested = [nested]
    text = json.dumps(show(nested), ensure_ascii=False)
    assert text.count("[") == 21
    assert "…" in text
    long = show(list(range(10_000)))
    assert long[:3] == [0, 1, 2]
    assert long[-1] == "…"
    assert len(long) < 260
    many = show({str(number): number for number in range(10_000)})
    assert many["…"] == "…"


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner)
        ),
        max_leaves=50,
    ),
    st.integers(0, 2000),
)
def test_any_value(value: Any, limit: int) -> None:
    shown, size = present(value, PARSER, limit)
    text = json.dumps(shown, allow_nan=False, ensure_ascii=False)
    assert text.encode()
    assert len(text) < 12 * limit + 200
    assert size >= 0
