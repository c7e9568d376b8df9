"""The MessagePack parser; its other side is tested with the official clients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import ormsgpack
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import (
    DecodeError,
    DefaultParser,
    EncodeError,
    Packet,
    PacketType,
    Parser,
)
from socketio_asgi.protocol.msgpack_parser import MsgpackParser

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


def decode(data: str | bytes) -> Packet | None:
    return MsgpackParser().decoder().add(data)


def pack(**fields: Any) -> bytes:
    return ormsgpack.packb(fields)


@given(st.lists(VALUES), st.none() | st.integers(0, 2**53 - 1))
def test_what_is_encoded_can_be_decoded(args: list[Any], number: int | None) -> None:
    packet = Packet(PacketType.EVENT, "/chat", ["event", *args], number)
    (message,) = MsgpackParser().encode(packet)
    assert isinstance(message, bytes)
    assert decode(message) == packet


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    try:
        packet = decode(data)
    except DecodeError:
        return
    assert isinstance(packet, Packet)


@given(st.dictionaries(st.sampled_from(["type", "nsp", "data", "id"]) | st.text(), VALUES))
def test_any_map(fields: dict[str, Any]) -> None:
    test_any_bytes.hypothesis.inner_test(ormsgpack.packb(fields))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "message",
    [
        "text",
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",  # a list of four billion
        b"\x91" * 100_000,  # nested
        pack(nsp="/", data=["a"]),
        pack(type=True, nsp="/", data=["a"]),
        pack(type=2.0, nsp="/", data=["a"]),
        pack(type=5, nsp="/", data=["a"]),
        pack(type=-1, nsp="/", data=["a"]),
        pack(type=2, nsp=5, data=["a"]),
        pack(type=2, nsp="/"),
        pack(type=2, nsp="/", data=[]),
        pack(type=2, nsp="/", data=[{}]),
        pack(type=2, nsp="/", data=["disconnect"]),
        pack(type=2, nsp="/", data=["a"], id=-1),
        pack(type=2, nsp="/", data=["a"], id=True),
        pack(type=2, nsp="/", data=["a"], id="1"),
        pack(type=2, nsp="/", data=["a"], id=2**53),
        pack(type=3, nsp="/", data=[]),
    ],
    ids=lambda message: repr(message[:12]),
)
def test_refused(message: str | bytes) -> None:
    with pytest.raises(DecodeError):
        decode(message)


@pytest.mark.parametrize(
    ("extension", "value"),
    [
        (b"\xd4\x00\x00", None),  # undefined
        (b"\xd7\x00" + (1500).to_bytes(8, "big"), datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)),
        (
            b"\xd7\x00" + (-1000).to_bytes(8, "big", signed=True),
            datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        ),
    ],
)
def test_undefined_and_dates_of_javascript(extension: bytes, value: Any) -> None:
    message = pack(type=2, nsp="/", data=["a"])[:-3] + b"\x92\xa1a" + extension
    packet = decode(message)
    assert packet is not None
    assert packet.data == ["a", value]


@pytest.mark.parametrize("extension", [b"\xd4\x05\x00", b"\xd7\x00" + b"\x7f" * 8])
def test_other_extensions(extension: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(pack(type=2, nsp="/", data=["a"])[:-3] + b"\x92\xa1a" + extension)


# -- rich values, with both parsers ----------------------------------------------------------


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    content: Any


class Model(pydantic.BaseModel):
    name: str
    price: Decimal


class Struct(msgspec.Struct):
    first_name: str
    price: Decimal


class Tagged(msgspec.Struct, rename="camel", tag_field="kind", tag="person"):
    first_name: str
    price: Decimal


class AsList(Struct, array_like=True, tag=1):
    """Without names on the wire."""


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


def default(value: Any) -> Any:
    if isinstance(value, Money):
        return {"cents": value.cents}
    raise TypeError


ID = UUID(int=5)
RICH: list[tuple[Any, Any]] = [
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    (ID, str(ID)),
    (Decimal("1.50"), "1.50"),
    (Color.RED, "red"),
    (Point(1, Color.RED), {"x": 1, "content": "red"}),
    (Model(name="tea", price=Decimal("2.5")), {"name": "tea", "price": "2.5"}),
    (Struct("Ann", Decimal(1)), {"first_name": "Ann", "price": "1"}),
    (Tagged("Ann", Decimal(1)), {"kind": "person", "firstName": "Ann", "price": "1"}),
    (AsList("Ann", Decimal(1)), [1, "Ann", "1"]),
    (Money(5), {"cents": 5}),
    ((1, Money(2)), [1, {"cents": 2}]),
]


@pytest.mark.parametrize("binary", [False, True], ids=["plain", "binary"])
@pytest.mark.parametrize(("value", "expected"), RICH, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("parser", [DefaultParser(default=default), MsgpackParser(default=default)])
def test_rich_values(parser: Parser, value: Any, expected: Any, binary: bool) -> None:
    more = [b"\x01"] if binary else []
    messages = parser.encode(Packet(PacketType.EVENT, "/", ["event", {"deep": [value]}, *more]))
    decoder = parser.decoder()
    *incomplete, packet = [decoder.add(message) for message in messages]
    assert not any(incomplete)
    assert packet is not None
    assert packet.data == ["event", {"deep": [expected]}, *more]


@pytest.mark.parametrize("parser", [DefaultParser(default=default), MsgpackParser(default=default)])
def test_what_nobody_knows(parser: Parser) -> None:
    with pytest.raises(EncodeError):
        parser.encode(Packet(PacketType.EVENT, "/", ["event", object()]))


def test_binary_values_are_not_counted() -> None:
    packet = Packet(PacketType.EVENT, data=["a", *[b"\x00"] * 1_000])
    (message,) = MsgpackParser().encode(packet)
    assert decode(message) == packet
