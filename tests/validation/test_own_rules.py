"""The strict rules of our own: builtins, containers, records, enums, unions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
)
from uuid import UUID

import pytest

from socketio_asgi.validation.errors import MAX_DETAILS, Invalid
from socketio_asgi.validation.types import value_type

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass
class Line:
    points: list[Point]
    name: str | None = None
    tags: set[str] = field(default_factory=set)
    length: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        if self.name == "forbidden":
            raise ValueError("not this name")


@dataclass
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list)


@dataclass
class Page(Generic[T]):
    items: list[T]


@dataclass
class Circle:
    kind: Literal["circle"]
    radius: float


@dataclass
class Square:
    kind: Literal["square"]
    side: float


@dataclass
class Group:
    kind: Literal["group"]
    members: list[Group | Leaf]


@dataclass
class Leaf:
    kind: Literal["leaf"]
    members: list[Group | Leaf]
    size: int


@dataclass
class OneWay:
    next: list[OneWay | OtherWay]


@dataclass
class OtherWay:
    next: list[OneWay | OtherWay]


@dataclass
class EitherWay:
    next: dict[str, EitherWay] | EitherWay | None


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Options(TypedDict, total=False):
    deep: bool
    name: Required[str]


class Pair(NamedTuple):
    left: int
    right: str = "r"


WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 5, 5),
        (float, 5.5, 5.5),
        (float, 5, 5.0),
        (bool, True, True),
        (str, "text", "text"),
        (None, None, None),
        (bytes, b"x", b"x"),
        (bytes, bytearray(b"x"), b"x"),
        (bytearray, b"x", bytearray(b"x")),
        (Any, object, object),
        (object, [1], [1]),
        (datetime, "2024-05-06T07:08:09Z", WHEN),
        (datetime, WHEN, WHEN),
        (date, "2024-05-06", date(2024, 5, 6)),
        (time, "07:08", time(7, 8)),
        (UUID, str(ID), ID),
        (Decimal, "1.50", Decimal("1.50")),
        (Decimal, 1.5, Decimal("1.5")),
        (Decimal, 10**100, Decimal(10**100)),
        (int | None, None, None),
        (int | str, "5", "5"),
        (float | int, 3, 3),
        (date | str, "2024-05-06", "2024-05-06"),
        (UserId, 5, 5),
        (Annotated[int, "a note"], 5, 5),
        (list[int], [1, 2], [1, 2]),
        (list, ["a", 1], ["a", 1]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 1], {1}),
        (frozenset[str], ["a"], frozenset("a")),
        (deque[int], [1], deque([1])),
        (Sequence[float], [1], [1.0]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict[int, str], {"1": "a"}, {1: "a"}),
        (dict[Color, int], {"red": 1}, {Color.RED: 1}),
        (Mapping[str, Any], {"a": []}, {"a": []}),
        (Literal["a", 1], 1, 1),
        (Literal[Color.RED], "red", Color.RED),
        (Color, "blue", Color.BLUE),
        (Level, 2, Level.HIGH),
        (Level, 2.0, Level.HIGH),
        (Point, {"x": 1}, Point(1)),
        (Point, {"x": 1, "y": 2, "z": 3}, Point(1, 2.0)),
        (Line, {"points": [{"x": 1}], "tags": ["a"]}, Line([Point(1)], tags={"a"})),
        (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(1, [Tree(2)])),
        (Page[int], {"items": [1]}, Page([1])),
        (Circle | Square, {"kind": "square", "side": 2}, Square("square", 2.0)),
        (Movie, {"title": "a", "more": 1}, {"title": "a"}),
        (Options, {"name": "a"}, {"name": "a"}),
        (Pair, [1], Pair(1)),
        (Pair, [1, "b"], Pair(1, "b")),
    ],
)
def test_what_is_valid(annotation: Any, value: Any, expected: Any) -> None:
    validate = value_type(annotation, {}).validate
    result = value if validate is None else validate(value)
    assert result == expected
    assert type(result) is type(expected)


def loc_and_type(annotation: Any, value: Any) -> list[tuple[Any, ...]]:
    validate = value_type(annotation, {}).validate
    assert validate is not None
    with pytest.raises(Invalid) as caught:
        validate(value)
    return [(*problem.loc, problem.type) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "5", [("int_type",)]),
        (int, True, [("int_type",)]),
        (int, 5.0, [("int_type",)]),
        (float, "5", [("float_type",)]),
        (float, True, [("float_type",)]),
        (bool, 1, [("bool_type",)]),
        (bool, "true", [("bool_type",)]),
        (str, 5, [("str_type",)]),
        (str, None, [("str_type",)]),
        (bytes, "text", [("bytes_type",)]),
        (datetime, "yesterday", [("datetime_parsing",)]),
        (datetime, 5, [("datetime_type",)]),
        (UUID, "5", [("uuid_parsing",)]),
        (Decimal, "x", [("decimal_parsing",)]),
        (Decimal, True, [("decimal_type",)]),
        (Decimal, "NaN", [("finite_number",)]),
        (Decimal, "sNaN", [("finite_number",)]),
        (Decimal, "-Infinity", [("finite_number",)]),
        (float, 10**400, [("float_size",)]),
        (list[float], [1, -(10**400)], [(1, "float_size")]),
        (int | str, 5.5, [("union_error",)]),
        (list[int], "12", [("list_type",)]),
        (list[int], {"0": 1}, [("list_type",)]),
        (list[int], [1, "a", None], [(1, "int_type"), (2, "int_type")]),
        (set[Any], [[]], [("unhashable",)]),
        (tuple[int, str], [1], [("tuple_type",)]),
        (tuple[int, str], ["a", 1], [(0, "int_type"), (1, "str_type")]),
        (dict[str, int], [], [("dict_type",)]),
        (dict[str, int], {"a": "b"}, [("a", "int_type")]),
        (dict[int, str], {"a": "b"}, [("a", "int_parsing")]),
        (Literal["a", 1], True, [("literal_error",)]),
        (Literal["a", 1], [], [("literal_error",)]),
        (Color, "green", [("literal_error",)]),
        (Level, True, [("literal_error",)]),
        (Point, [1, 2], [("object_type",)]),
        (Point, {"y": "a"}, [("x", "missing"), ("y", "float_type")]),
        (Line, {"points": [{"x": 1}, {}]}, [("points", 1, "x", "missing")]),
        (Line, {"points": [], "name": "forbidden"}, [("value_error",)]),
        (Page[int], {"items": ["a"]}, [("items", 0, "int_type")]),
        (Circle | Square, {"kind": "square"}, [("side", "missing")]),
        (Circle | Square, {"kind": "line"}, [("union_error",)]),
        (Movie, {}, [("title", "missing")]),
        (Options, {"deep": 1}, [("deep", "bool_type"), ("name", "missing")]),
        (Pair, [1, 2], [(1, "str_type")]),
        (Pair, {"left": 1}, [("tuple_type",)]),
    ],
)
def test_what_is_not(annotation: Any, value: Any, expected: list[Any]) -> None:
    assert sorted(loc_and_type(annotation, value), key=repr) == sorted(expected, key=repr)


def test_the_number_of_problems_is_bounded() -> None:
    assert len(loc_and_type(list[int], ["a"] * 100_000)) == MAX_DETAILS
    assert len(loc_and_type(list[list[int]], [["a"] * 1000] * 1000)) == MAX_DETAILS


def test_nested_values_are_looked_at_once() -> None:
    """Twice on each level would take for ever."""
    tree: dict[str, Any] = {"value": "wrong"}
    group: dict[str, Any] = {"kind": "leaf", "members": [], "size": "wrong"}
    mixed: Any = {"a": "wrong"}
    for _ in range(40):
        tree = {"value": 1, "children": [tree]}
        group = {"kind": "group", "members": [group]}
        mixed = [{"a": mixed}]
    assert loc_and_type(Tree, tree) == [(*["children", 0] * 40, "value", "int_type")]
    assert loc_and_type(Group, group) == [(*["members", 0] * 40, "size", "int_type")]
    nested: Any = dict[str, int]
    for _ in range(40):
        nested = list[dict[str, nested]]
    assert loc_and_type(nested, mixed) == [(*[0, "a"] * 40, "a", "int_type")]


@pytest.mark.parametrize("annotation", [OneWay, EitherWay])
def test_what_would_take_for_ever(annotation: Any) -> None:
    with pytest.raises(TypeError, match="cannot be told apart, and contain themselves"):
        value_type(annotation, {})


class Opaque: ...


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Opaque, "has no form of its own on the wire"),
        (list[Opaque], "has no form of its own on the wire"),
        (complex, "has no form of its own on the wire"),
        (T, "the type variable ~T would take anything"),
        (Page, "the type variable ~T would take anything"),
    ],
)
def test_types_without_rules(annotation: Any, expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        value_type(annotation, {})


# -- writing ---------------------------------------------------------------------------------------


@dataclass
class SecretPoint(Point):
    secret: str = "s"


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 5, 5),
        (float, 5, 5),
        (datetime, WHEN, WHEN),
        (Point, Point(1), Point(1)),
        (Point, SecretPoint(1), {"x": 1, "y": 0.0}),
        (list[Point], [SecretPoint(1)], [{"x": 1, "y": 0.0}]),
        (Point | None, None, None),
        (Point | int, SecretPoint(1), {"x": 1, "y": 0.0}),
        (Movie, {"title": "a", "secret": 1}, {"title": "a"}),
        (dict[str, Point], {"a": SecretPoint(1)}, {"a": {"x": 1, "y": 0.0}}),
        (Pair, Pair(1), [1, "r"]),
        (list[int], (number for number in (1, 2)), [1, 2]),
        (Tree, Tree(1, [Tree(2)]), {"value": 1, "children": [{"value": 2, "children": []}]}),
    ],
)
def test_what_is_sent(annotation: Any, value: Any, expected: Any) -> None:
    serialize = value_type(annotation, {}).serialize
    assert serialize is not None
    assert serialize(value) == expected


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(int, "5"), (str, 5), (Point, {"x": 1}), (list[int], ["a"]), (Color, "red"), (Movie, {})],
)
def test_what_must_not_be_sent(annotation: Any, value: Any) -> None:
    serialize = value_type(annotation, {}).serialize
    assert serialize is not None
    with pytest.raises(Invalid):
        serialize(value)
