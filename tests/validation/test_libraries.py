"""Types of pydantic and msgspec, which follow the rules of their library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from pydantic import BaseModel, Field, PositiveInt

from socketio_asgi.validation.errors import details_of
from socketio_asgi.validation.types import ValueType, value_type


class Item(BaseModel):
    id: int
    name: str = Field(default="x", alias="itemName", max_length=3)


class SecretItem(Item):
    secret: str = "s"


class Record(BaseModel):
    model_config = {"from_attributes": True}
    id: int


class Struct(msgspec.Struct):
    id: int
    name: Annotated[str, msgspec.Meta(max_length=3)] = "x"


class Binary(msgspec.Struct):
    data: bytes
    by_number: dict[int, str] = {}


@dataclass
class WithItem:
    items: list[Item]


@dataclass
class WithStruct:
    structs: list[Struct]


@dataclass
class Mixed:
    item: Item
    struct: Struct


def known(annotation: Any, **options: Any) -> ValueType:
    return value_type(annotation, {}, **options)


@pytest.mark.parametrize(
    ("annotation", "library", "value", "expected"),
    [
        (Item, "pydantic", {"id": "5", "itemName": "a"}, Item(id=5, itemName="a")),
        (list[Item], "pydantic", [{"id": 1}], [Item(id=1)]),
        (Item | None, "pydantic", None, None),
        (WithItem, "pydantic", {"items": [{"id": 1}]}, WithItem([Item(id=1)])),
        (PositiveInt, "pydantic", "5", 5),
        (Annotated[int, Field(gt=0)], "pydantic", 5, 5),
        (Struct, "msgspec", {"id": 5}, Struct(5)),
        (list[Struct], "msgspec", [{"id": 5}], [Struct(5)]),
        (WithStruct, "msgspec", {"structs": [{"id": 1}]}, WithStruct([Struct(1)])),
        (Binary, "msgspec", {"data": b"x", "by_number": {"1": "a"}}, Binary(b"x", {1: "a"})),
        (Annotated[int, msgspec.Meta(gt=0)], "msgspec", 5, 5),
        (int, "own", 5, 5),
    ],
)
def test_the_library_of_a_type(annotation: Any, library: str, value: Any, expected: Any) -> None:
    type_ = known(annotation)
    assert type_.library == library
    assert type_.validate is not None
    assert type_.validate(value) == expected


@pytest.mark.parametrize(
    "annotation",
    [
        Mixed,
        Item | Struct,
        Annotated[Item, msgspec.Meta(title="x")],
        Annotated[int, Field(gt=0), msgspec.Meta(gt=0)],
    ],
)
def test_parts_of_both(annotation: Any) -> None:
    with pytest.raises(TypeError, match="has parts of pydantic and of msgspec"):
        known(annotation)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Item, {}, [{"loc": ["id"], "type": "missing", "msg": "Field required"}]),
        (
            list[Item],
            [{"id": 1, "itemName": "long"}],
            [
                {
                    "loc": [0, "itemName"],
                    "type": "string_too_long",
                    "msg": "String should have at most 3 characters",
                }
            ],
        ),
        (
            list[Struct],
            [{"id": 1}, {"id": "a"}],
            [{"loc": [1, "id"], "type": "invalid", "msg": "Expected `int`, got `str`"}],
        ),
        (
            dict[str, Struct],
            {"a": {}},
            [
                {
                    "loc": ["[...]"],
                    "type": "invalid",
                    "msg": "Object missing required field `id`",
                }
            ],
        ),
        (
            Binary,
            {"data": "dGV4dA=="},
            [{"loc": ["data"], "type": "invalid", "msg": "Expected `bytes`, got `str`"}],
        ),
    ],
)
def test_problems(annotation: Any, value: Any, expected: list[Any]) -> None:
    type_ = known(annotation)
    assert type_.validate is not None
    with pytest.raises((pydantic.ValidationError, msgspec.ValidationError)) as caught:
        type_.validate(value)
    problems = type_.problems(caught.value)
    assert problems is not None
    assert details_of(problems) == expected


def test_many_problems_of_pydantic_are_counted() -> None:
    type_ = known(list[Item])
    assert type_.validate is not None
    with pytest.raises(pydantic.ValidationError) as caught:
        type_.validate([5] * 100_000)
    problems = type_.problems(caught.value)
    assert problems is not None
    assert [problem.type for problem in problems] == ["too_many_errors"]


def test_what_is_sent() -> None:
    write = known(Item).serialize
    assert write is not None
    assert write(SecretItem(id=1, itemName="a")) == {"id": 1, "itemName": "a"}
    assert write({"id": 1}) == {"id": 1, "itemName": "x"}
    with pytest.raises(pydantic.ValidationError):
        write({"id": "x"})
    write = known(Record).serialize
    assert write is not None
    assert write(Struct(5)) == {"id": 5}  # from attributes
    write = known(Binary).serialize
    assert write is not None
    assert write(Binary(b"x")) == {"data": b"x", "by_number": {}}


def test_a_model_that_is_not_complete() -> None:
    class Later(BaseModel):
        other: Missing  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(TypeError, match="refers to 'Missing', which is not defined yet"):
        known(Later)


def test_a_type_that_msgspec_does_not_know() -> None:
    class Other(msgspec.Struct):
        id: str

    with pytest.raises(TypeError, match="msgspec cannot use"):
        known(Struct | Other)


def test_a_preference() -> None:
    for library in ("pydantic", "msgspec"):
        type_ = known(list[int], prefer=library)
        assert type_.library == library
    lax = known(int, prefer="pydantic")
    assert lax.validate is not None
    assert lax.validate("5") == 5
    assert known(Struct, prefer="pydantic").library == "msgspec"


def test_dates_that_are_dates_already() -> None:
    """MessagePack has them."""
    when = datetime(2024, 5, 6, tzinfo=UTC)

    class Event(msgspec.Struct):
        when: datetime

    for annotation in (datetime, Event):
        type_ = known(annotation, prefer="msgspec")
        assert type_.validate is not None
        value: Any = when if annotation is datetime else {"when": when}
        text: Any = when.isoformat() if annotation is datetime else {"when": when.isoformat()}
        assert type_.validate(value) == type_.validate(text)
