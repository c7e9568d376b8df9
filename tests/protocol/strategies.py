"""Values that can be sent, each with what arrives: hypothesis strategies of pairs."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

import pydantic
from hypothesis import strategies as st

Pair: TypeAlias = tuple[Any, Any]
"""A value, and what the other side makes of it."""

Pairs: TypeAlias = st.SearchStrategy[Pair]


@dataclass
class Box:
    """A dataclass with attributes."""

    content: Any
    label: str = "box"
    _secret: int = 1  # orjson leaves it out


@dataclass(slots=True)
class SlotBox:
    """A dataclass without a dictionary."""

    content: Any
    _secret: int = 1


Point = namedtuple("Point", ["x", "y"])  # noqa: PYI024 - the untyped kind, as users have it


class Color(Enum):
    """Members of all kinds."""

    RED = "red"
    BLUE = 3
    RAW = b"raw"
    NONE = None


class Level(IntEnum):
    """Members which are numbers as well."""

    HIGH = 9


class Text(str):
    """A subclass of a JSON type."""

    __slots__ = ()


class Fraction(float):
    """A subclass that orjson does not take."""


class Model(pydantic.BaseModel):
    """A model of pydantic."""

    content: Any


class Custom:
    """A user's type, known to :func:`default` only."""

    def __init__(self, content: Any) -> None:
        self.content = content


def default(value: Any) -> Any:
    """What a user gives to the parser."""
    if isinstance(value, Custom):
        return {"custom": value.content}
    raise TypeError


def same(value: Any) -> Pair:
    return value, value


def number(value: Any) -> Pair:
    """Numbers arrive as 64-bit integers or as doubles."""
    if isinstance(value, float):
        return value, value if math.isfinite(value) else None
    if -(2**63) <= value < 2**64:
        return value, value
    return value, float(str(value))


def joined(text: str) -> str:
    """The same text with the two halves of a character as one, which is how it arrives."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


anything = st.characters(exclude_categories=())  # lone surrogates as well
texts = st.text(anything, max_size=8).map(joined)
numbers = st.integers() | st.integers(-(10**400), 10**400) | st.floats()
rich: Pairs = st.one_of(
    st.datetimes().map(lambda value: (value, value.isoformat())),
    st.datetimes(timezones=st.just(UTC)).map(lambda value: (value, value.isoformat())),
    st.dates().map(lambda value: (value, value.isoformat())),
    st.times(timezones=st.none() | st.just(UTC)).map(lambda value: (value, value.isoformat())),
    st.uuids().map(lambda value: (value, str(value))),
    st.decimals().map(lambda value: (value, str(value))),
    st.sampled_from(Color).map(lambda value: (value, value.value)),
    st.just((Level.HIGH, 9)),
    st.just((Text("text"), "text")),
    st.just((Fraction(0.5), 0.5)),
    texts.map(lambda text: (Model(content=[text, b"raw"]), {"content": [text, b"raw"]})),
)
attachments: Pairs = st.binary(max_size=8).flatmap(
    lambda value: st.sampled_from(
        [(value, value), (bytearray(value), value), (memoryview(value), value)]
    )
)
scalars: Pairs = st.one_of(
    st.none().map(same), st.booleans().map(same), texts.map(same), numbers.map(number), rich
)
keys: Pairs = st.one_of(
    texts.map(same),
    texts.map(same),
    st.sampled_from(
        [
            (1, "1"),
            (-(2**70), str(-(2**70))),
            (None, "null"),
            (True, "true"),
            (0.5, "0.5"),
            (Level.HIGH, "9"),
            (Color.RED, "red"),
            (UUID(int=1), str(UUID(int=1))),
            (date(2000, 1, 2), "2000-01-02"),
            (datetime(2000, 1, 2, tzinfo=UTC), "2000-01-02T00:00:00+00:00"),
            (time(1, 2), "01:02:00"),
            (time(1, 2, 3, 40_000, UTC), "01:02:03.040000+00:00"),
        ]
    ),
)


def containers(children: Pairs) -> Pairs:
    """Everything that holds other values."""
    lists = st.lists(children, max_size=4)
    return st.one_of(
        lists.map(lambda pairs: ([sent for sent, _ in pairs], [got for _, got in pairs])),
        lists.map(lambda pairs: (tuple(sent for sent, _ in pairs), [got for _, got in pairs])),
        st.tuples(children, children).map(
            lambda two: (Point(two[0][0], two[1][0]), [two[0][1], two[1][1]])
        ),
        st.lists(st.tuples(keys, children), max_size=4).map(_dictionary),
        st.lists(st.tuples(keys, children), max_size=4).map(_dictionary).map(_read_only),
        children.map(lambda pair: (Box(pair[0]), {"content": pair[1], "label": "box"})),
        children.map(lambda pair: (SlotBox(pair[0]), {"content": pair[1]})),
        children.map(lambda pair: (Custom(pair[0]), {"custom": pair[1]})),
    )


def _dictionary(items: list[tuple[Pair, Pair]]) -> Pair:
    unique: dict[Any, Pair] = {}
    for key, value in items:
        first, _ = unique.get(key[0], (key[1], None))  # 1 and True are one key, the first one
        unique[key[0]] = (first, value)
    sent = {key: value[0] for key, (_, value) in unique.items()}
    return sent, {key: value[1] for key, value in unique.values()}


def _read_only(pair: Pair) -> Pair:
    proxy: Mapping[Any, Any] = MappingProxyType(pair[0])
    return proxy, pair[1]


values: Pairs = st.recursive(scalars | attachments, containers, max_leaves=12)
