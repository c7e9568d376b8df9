from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, time, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import DecodeError, EncodeError
from socketio_asgi.protocol.json import DEEP_SIZE, MAX_DEPTH, JSONEncoder, loads
from tests.protocol.corpus import nested
from tests.protocol.strategies import (
    Box,
    Color,
    Custom,
    Fraction,
    Point,
    SlotBox,
    default,
    texts,
)
from tests.protocol.tracing import count_calls

LONE = '"\\ud800"'
"""A document that orjson refuses, and JSON.parse does not."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda children: st.lists(children) | st.dictionaries(texts, children),
    max_leaves=20,
)


def encode(value: Any) -> str:
    return JSONEncoder().encode(value)


@given(json_values)
def test_loads_what_json_writes(value: Any) -> None:
    assert loads(json.dumps(value)) == value


@given(json_values)
def test_both_ways_agree(value: Any) -> None:
    """A lone surrogate beside a value sends it the slow way; the value must not notice."""
    document = json.dumps(value)
    assert loads(f"[{document},{LONE}]") == [loads(document), "\ud800"]
    assert loads(encode([value, "\ud800"])) == [loads(encode(value)), "\ud800"]


@pytest.mark.parametrize(
    "value",
    [
        Box(1, "a"),
        SlotBox({1: 2}),
        Color.RED,
        Color.BLUE,
        Point(1, 2),
        Fraction(0.5),
        time(1, 2, 3, 4),
        time(1, 2, 3, 40_000, UTC),
        float("nan"),
        float("inf"),
        {"a": (1, 2)},
    ],
    ids=repr,
)
def test_both_ways_agree_on_rich_types(value: Any) -> None:
    assert loads(encode([value, "\ud800"])) == [loads(encode(value)), "\ud800"]


def test_an_attribute_beyond_the_fields_is_written_both_ways() -> None:
    box = Box(1)
    box.extra = 2  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert loads(encode(box)) == {"content": 1, "label": "box", "extra": 2}
    assert loads(encode([box, "\ud800"]))[0] == {"content": 1, "label": "box", "extra": 2}


def test_user_default_is_asked_before_the_built_in_conversions() -> None:
    def as_text(value: Any) -> Any:
        return "point" if isinstance(value, Point) else default(value)

    encoder = JSONEncoder(as_text)
    assert encoder.encode([Point(1, 2)]) == '["point"]'
    assert loads(encoder.encode([Point(1, 2), "\ud800"])) == ["point", "\ud800"]


def test_user_default_that_fails_is_heard() -> None:
    def broken(value: Any) -> Any:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        JSONEncoder(broken).encode([Custom(1)])


def _circular_list() -> Any:
    value: list[Any] = []
    value.append(value)
    value.append(value)
    return value


def _circular_dict() -> Any:
    value: dict[Any, Any] = {}
    value[1] = value[2] = value
    return value


def _circular_default() -> Any:
    value = Custom(None)
    value.content = value
    return value


@dataclass
class Circular:
    content: Any = None


def _circular_dataclass() -> Any:
    value = Circular()
    value.content = {1: value}
    return value


@pytest.mark.parametrize(
    "make",
    [_circular_list, _circular_dict, _circular_default, _circular_dataclass],
    ids=lambda make: make.__name__,
)
def test_circular_data_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(EncodeError, match="nested"):
        JSONEncoder(default).encode([make()])


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Custom(1),
        Custom,
        {1, 2},
        iter([]),
        1j,
        timedelta(1),
        10**5_000,
        {object(): 1},
        {(1, 2): 3},
        {b"a": 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    for data in ([value], [value, "\ud800"], [value, b"attachment"]):
        with pytest.raises(EncodeError):
            encode(data)


def test_the_refusal_names_the_type_and_the_remedy() -> None:
    with pytest.raises(EncodeError, match=r"'Custom'.*default="):
        encode([Custom(1)])


def _deep(depth: int, middle: Any) -> Any:
    for _ in range(depth):
        middle = [middle]
    return middle


# Each with how many levels it has itself.
@pytest.mark.parametrize(
    ("middle", "levels"),
    [(1, 0), ("\ud800", 0), ({1: 2}, 1), ([["\ud800"]], 2), (b"raw", 1), (Box(1), 1)],
    ids=repr,
)
def test_the_depth_that_is_encoded(middle: Any, levels: int) -> None:
    deepest = MAX_DEPTH - levels
    for depth in (200, deepest - 1, deepest):
        encode(_deep(depth, middle))
    for depth in (deepest + 1, deepest + 2, 300, 1_000, 10_000):
        with pytest.raises(EncodeError, match="more than 254 levels"):
            encode(_deep(depth, middle))


@pytest.mark.parametrize("beside", [None, "\ud800"])
def test_rich_values_count_as_what_they_become(beside: Any) -> None:
    value: Any = beside
    for _ in range(MAX_DEPTH):
        value = Custom(value)  # an object with one member
    text = JSONEncoder(default).encode(value)
    assert text.count("{") == MAX_DEPTH
    with pytest.raises(EncodeError, match="more than 254 levels"):
        JSONEncoder(default).encode([value])


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("middle", ["1", "[]", LONE, f"[{LONE}]"])
@pytest.mark.parametrize("around", ["HERE", "[[],{},HERE]"])
def test_what_comes_in_can_go_out(before: str, after: str, middle: str, around: str) -> None:
    """And nothing that goes out would be refused if it came back."""
    outcomes = set[bool]()
    for count in range(124, 258):
        text = around.replace("HERE", before * count + middle + after * count)
        value = _parse(text)
        fits = _levels(text) <= MAX_DEPTH
        outcomes.add(fits)
        with nullcontext() if fits else pytest.raises(DecodeError, match="nested too deeply"):
            assert loads(text) == value
        with nullcontext() if fits else pytest.raises(EncodeError, match="more than 254 levels"):
            encode(value)
    assert outcomes == {True, False}


def _levels(text: str) -> int:
    return max(accumulate((char in "[{") - (char in "]}") for char in text))


def _parse(text: str) -> Any:
    """The value, with room for more levels than there are by default."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 1_000)
    try:
        return json.loads(text)
    finally:
        sys.setrecursionlimit(before)


def test_the_shortest_document_that_is_too_deep() -> None:
    text = nested(MAX_DEPTH + 1)
    assert len(text) == DEEP_SIZE
    with pytest.raises(DecodeError, match="nested too deeply"):
        loads(text)


@pytest.mark.parametrize(
    "middle", [1, "\ud800", b"raw", object(), Custom(1)], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("depth", [100, MAX_DEPTH, MAX_DEPTH + 1, 5_000])
def test_the_traceback_of_a_refusal_is_short(depth: int, middle: Any) -> None:
    value = _deep(depth, [middle, 10**5_000, object()])
    for shape in (value, {"a": value}, Box(value), [_circular_list(), "\ud800"]):
        with pytest.raises(EncodeError) as caught:
            encode(shape)
        assert len("".join(traceback.format_exception(caught.value))) < 4_000


def test_the_traceback_of_an_error_in_default_is_short() -> None:
    def broken(value: Any) -> Any:
        raise LookupError("broken")

    with pytest.raises(LookupError) as caught:
        JSONEncoder(broken).encode([_deep(200, Custom(1)), "\ud800"])
    lines = traceback.format_exception(caught.value)
    assert len("".join(lines)) < 4_000
    assert "in broken" in lines[-2]


def test_attachments_are_copies_in_order() -> None:
    encoder = JSONEncoder()
    changing = bytearray(b"1")
    text = encoder.encode([b"0", {1: changing}, memoryview(b"2x3")[::2]])
    changing[:] = b"?"
    assert encoder.attachments == [b"0", b"1", b"23"]
    assert [place["num"] for place in (loads(text)[0], loads(text)[1]["1"], loads(text)[2])] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "-Infinity",
        f"[{LONE},NaN]",
        f"[{LONE},Infinity]",
        f"[{LONE}",
        f"{LONE}x",
        f"[{LONE},]",
        f"[{LONE},'a']",
        f"[{LONE},01]",
        f"[{LONE}]\x00",
        '"\\ud800',
        '"\\x"',
        "[" * 100_000,
        "[{" * 100_000,
        f"[{LONE}," + "[" * 100_000,
        nested(1_100),
        nested(MAX_DEPTH + 1),
        nested(MAX_DEPTH + 1, LONE),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_bad_documents_are_refused(text: str) -> None:
    with pytest.raises(DecodeError, match=r"JSON|nested"):
        loads(text)


def test_depths_that_are_accepted() -> None:
    assert loads(nested(MAX_DEPTH))
    assert loads(nested(MAX_DEPTH, LONE))
    # What looks like nesting is none inside a string.
    assert loads(f'[{LONE},"' + "[" * 1_000 + '\\""]')
    assert loads('["' + "[" * 1_000 + '\\""]')
    assert loads("[" + "[]," * 1_000 + "[]]")


def test_no_recursion_error_escapes_near_the_limit() -> None:
    """The stack of the caller may be nearly used up."""
    used = sum(1 for _ in traceback.walk_stack(None))
    document = nested(MAX_DEPTH, LONE)
    value = _deep(MAX_DEPTH - 1, "\ud800")

    def attempt(depth: int) -> None:
        if depth:
            return attempt(depth - 1)
        with suppress(DecodeError):
            loads(document)
        with suppress(EncodeError):
            encode(value)
        return None

    attempt(sys.getrecursionlimit() - used - 100)


@given(st.text(st.sampled_from('[]{}":,\\u d8001e-.')))
def test_any_text_is_a_value_or_an_error(text: str) -> None:
    try:
        loads(text)
    except DecodeError as error:
        assert error.layer == "Socket.IO"


@pytest.mark.parametrize(
    "piece", ["[],", '"",', '"\\"",', '"\\ud800",', '{"a":[]},', "9" * 50 + ","], ids=str
)
def test_the_slow_way_is_linear(piece: str) -> None:
    def decode(count: int) -> int:
        text = f"[{LONE}," + piece * count + "1]"
        return count_calls(lambda: loads(text))

    def encode_again(count: int) -> int:
        value = loads(f"[{LONE}," + piece * count + "1]")
        return count_calls(lambda: encode(value))

    assert decode(2_000) <= 10 * decode(200) + 100
    assert encode_again(2_000) <= 10 * encode_again(200) + 100


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 500_000, '"' + "\\" * 1_000_001, '"\\"' * 300_000, "[" * 1_000_000]
)
def test_a_megabyte_of_traps_for_regular_expressions(text: str) -> None:
    # Quadratic code takes minutes here.
    with pytest.raises(DecodeError):
        loads(text)
