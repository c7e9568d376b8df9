"""Types in a contract: every kind of type, both ways, and names that meet."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    TypedDict,
    TypeVar,
)
from uuid import UUID

import annotated_types
import msgspec
import pytest
from pydantic import BaseModel, Field, computed_field
from pydantic import dataclasses as pydantic_dataclasses

from socketio_asgi import Depends, Event, EventContext, EventError, Handshake, Server, Socket

T = TypeVar("T")
Name = NewType("Name", str)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Pair(Generic[T]):
    first: T
    second: T


@dataclass
class Inner:
    value: int = 0


@dataclass
class Outer:
    inner: Inner
    others: list[Outer] = field(default_factory=list)
    _hidden: int = 0


class Position(NamedTuple):
    x: int
    y: int = 0


class Keys(TypedDict, total=False):
    odd_key: int
    plain: NotRequired[str]


class Model(BaseModel):
    level: Level = Level.LOW
    size: int = Field(default=1, gt=0)

    @computed_field
    def double(self) -> int:
        return 2 * self.size


class Struct(msgspec.Struct, omit_defaults=True):
    a: int
    b: int = 1


class Complete(msgspec.Struct, array_like=True):
    a: int
    b: str = ""


@pydantic_dataclasses.dataclass
class Checked:
    name: str


def types_of(annotation: Any) -> tuple[str, str, str]:
    """What a type is in TypeScript: as an argument, as what clients get, and its declarations."""
    io = Server()
    io.emits(Event("out", annotation))

    async def handler(value: Any) -> None: ...

    handler.__annotations__["value"] = annotation
    io.on("in")(handler)
    text = io.contract().typescript()
    lines = [line.strip() for line in text.splitlines()]
    given = next(line for line in lines if line.startswith("in: (")).removeprefix("in: (value: ")
    got = next(line for line in lines if line.startswith("out: (")).removeprefix("out: (value: ")
    begin = text.index("\n\n") + 2
    declared = text[begin : text.index("/** What clients send")]
    return given.partition(", ack?")[0], got.removesuffix(") => void;"), declared


@pytest.mark.parametrize(
    ("annotation", "given", "got"),
    [
        (Any, "unknown", "unknown"),
        (object, "unknown", "unknown"),
        (str, "string", "string"),
        (int, "number", "number"),
        (float, "number", "number"),
        (bool, "boolean", "boolean"),
        (None, "null", "null"),
        (bytes, "Binary", "Binary"),
        (bytearray, "Binary", "Binary"),
        (datetime, "string", "string"),
        (date | time, "string", "string"),
        (UUID, "string", "string"),
        (Decimal, "string | number", "string"),
        (Name, "string", "string"),
        (Literal["a", 1] | None, '"a" | 1 | null', '"a" | 1 | null'),
        (int | str | None, "number | string | null", "number | string | null"),
        (list[int | None], "(number | null)[]", "(number | null)[]"),
        (Sequence[str], "string[]", "string[]"),
        (set[int], "number[]", "number[]"),
        (tuple[int, ...], "number[]", "number[]"),
        (tuple[int, str | None], "[number, string | null]", "[number, string | null]"),
        (list, "unknown[]", "unknown[]"),
        (dict, "{ [key: string]: unknown }", "{ [key: string]: unknown }"),
        (Mapping[str, list[bytes]], "{ [key: string]: Binary[] }", "{ [key: string]: Binary[] }"),
        (Annotated[int, "a note"], "number", "number"),
        (Annotated[int, annotated_types.Gt(0)], "number", "number"),
        (Annotated[list[int], Field(max_length=3)], "number[]", "number[]"),
        (Annotated[int, msgspec.Meta(gt=0)], "number", "number"),
        (Level, "Level", "Level"),
        (Pair[int], "PairInt", "PairInt"),
        (Pair[list[str]], "PairListStr", "PairListStr"),
        (Outer, "OuterInput", "OuterOutput"),
        (Position, "PositionInput", "PositionOutput"),
        (Keys, "Keys", "Keys"),
        (Model, "ModelInput", "ModelOutput"),
        (Checked, "Checked", "Checked"),
        (list[Model] | None, "ModelInput[] | null", "ModelOutput[] | null"),
        (Struct, "Struct", "Struct"),
        (Complete, "CompleteInput", "CompleteOutput"),
    ],
    ids=str,
)
def test_a_type(annotation: Any, given: str, got: str) -> None:
    assert types_of(annotation)[:2] == (given, got)


@pytest.mark.parametrize(
    ("annotation", "lines"),
    [
        (Level, ["export type Level = 1 | 2;"]),
        (Pair[int], ["first: number;", "second: number;"]),
        (Outer, ["inner: InnerInput;", "others?: OuterInput[];", "others: OuterOutput[];"]),
        (Position, ["type PositionInput = [x: number, y?: number];", "= [x: number, y: number];"]),
        (Keys, ["odd_key?: number;", "plain?: string;"]),
        (Model, ["level?: Level;", "size?: number;", "double: number;", "level: Level;"]),
        (Struct, ["a: number;", "/** @default 1 */\n  b?: number;"]),
        (Complete, ["type CompleteInput = [number, string?", "type CompleteOutput = [number, s"]),
    ],
)
def test_a_declaration(annotation: Any, lines: list[str]) -> None:
    declared = types_of(annotation)[2]
    for line in lines:
        assert line in declared


@pytest.mark.parametrize("library", ["auto", "pydantic", "msgspec"])
def test_what_is_sent_by_the_rules_of_a_library(library: Any) -> None:
    io = Server(validation=library)

    @io.on("both")
    async def both(socket: Socket, inner: Inner, position: Position) -> tuple[Inner, Position]:
        return inner, position

    text = io.contract().typescript()
    assert "both: (inner: InnerInput, position: Position" in text
    assert "ack: (result: InnerOutput |" in text
    assert "?: number" in text.partition("interface InnerInput")[2].partition("}")[0]
    assert "?: number" not in text.partition("interface InnerOutput")[2].partition("}")[0]
    if library != "pydantic":  # its schemas of named tuples are the same both ways
        assert "?" in text.partition("PositionInput = ")[2].partition(";")[0]
        assert "?" not in text.partition("PositionOutput = ")[2].partition(";")[0]


def test_what_is_injected_is_no_argument() -> None:
    def find() -> int:
        return 1

    io = Server()

    @io.on("do")
    async def do(
        context: EventContext,
        number: int,
        found: Annotated[int, Depends(find)],
        other: Any = Depends(find),
        *,
        handshake: Handshake,
    ) -> None: ...

    assert "  do: (number: number, ack?: (" in io.contract().typescript()


def test_private_fields_are_not_sent() -> None:
    declared = types_of(Outer)[2]
    assert declared.count("_hidden") == 1  # of what comes in


def test_names_that_are_not_those_of_programs() -> None:
    odd = TypedDict("odd", {"odd key": int, "class": str, "$ok": bool})
    declared = types_of(odd)[2]
    for line in ('"odd key": number;', "class: string;", "$ok: boolean;"):
        assert line in declared


def test_classes_of_the_same_name() -> None:
    one = make_dataclass("Thing", [("a", int)])
    two = make_dataclass("Thing", [("b", int)])
    model = type("Thing", (BaseModel,), {"__annotations__": {"c": int}, "__module__": __name__})
    io = Server()
    io.emits(Event("out", one, two, model))
    text = io.contract().typescript()
    first, second, third = text.partition("out: (")[2].partition(")")[0].split(", ")
    names = [each.partition(": ")[2] for each in (first, second, third)]
    assert len(set(names)) == 3
    for name, key in zip(names, "abc", strict=True):
        assert f"export interface {name} {{\n  {key}: number;\n}}" in text


def test_a_type_of_two_libraries_is_one() -> None:
    class WithLevel(BaseModel):
        level: Level

    io = Server()
    io.emits(Event("out", Level, WithLevel))
    text = io.contract().typescript()
    assert "out: (value1: Level, value2: WithLevel) => void;" in text
    assert text.count("export type Level") == 1
    assert "  level: Level;" in text


class Broken(EventError):
    code = "broken"
    details: Inner


class TestErrors:
    @staticmethod
    def ack_of(io: Server) -> str:
        @io.on("do", errors=[Broken])
        async def do(socket: Socket, value: int) -> int:
            return value

        text = io.contract().typescript()
        return text.partition("  do: (value: number, ack")[2].partition(";\n")[0]

    def test_as_they_are(self) -> None:
        assert self.ack_of(Server()) == (
            ': (result: number | ErrorAck<"broken", Inner> | ErrorAck<"validation", ErrorDetail[]>'
            ' | ErrorAck<"internal">) => void) => void'
        )

    def test_that_are_not_acknowledged(self) -> None:
        assert self.ack_of(Server(error_ack=None)) == ": (result: number) => void) => void"

    def test_in_a_form_of_ones_own(self) -> None:
        def form(error: EventError) -> Inner:
            return Inner(1)

        assert self.ack_of(Server(error_ack=form)) == ": (result: number | Inner) => void) => void"

    def test_in_a_form_that_is_not_known(self) -> None:
        io = Server(error_ack=lambda error: error.code)
        assert self.ack_of(io) == ": (result: unknown) => void) => void"

    def test_the_event_that_tells_of_them(self) -> None:
        io = Server(error_event="failed")
        text = io.contract().typescript()
        assert "failed: (error: ErrorEvent) => void;" in text
        assert "  event: string;" in text


def test_any_number_of_values_and_an_answer() -> None:
    io = Server()

    @io.on("tags")
    async def tags(socket: Socket, *tags: str) -> int:
        return len(tags)

    with pytest.raises(TypeError, match="event 'tags' takes any number of values, 'tags', and has"):
        io.contract().typescript()
    assert io.contract().asyncapi()["channels"]["Main"]["messages"]["ReceiveTags"]


def test_namespaces_with_one_title() -> None:
    io = Server()
    for name in ("/a-b", "/a/b", "/été", "/1"):
        io.of(name).emits(Event("out"))
    io.of(lambda name, auth: True)
    text = io.contract().typescript()
    for title in ("AB", "AB2", "T1", "Tu", "Dynamic"):
        assert f"export interface {title}" in text, title


def test_the_same_application_has_the_same_text() -> None:
    def make(events: list[str]) -> str:
        io = Server()
        for event in events:
            io.on(event)(lambda socket: None)
            io.emits(Event(event, Pair[int]))
        return io.contract().typescript()

    assert make(["a", "b"]) == make(["b", "a"])
