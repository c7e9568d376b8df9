"""The MessagePack parser; its other side is tested with the official clients."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from socketio_asgi.protocol.json import MAX_DEPTH
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.protocol.tracing import count_calls

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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
        pack(type=2, nsp="/", data=["a"], id=1.0),
        pack(type=2, nsp="/", data=[True]),
        pack(type=2, nsp="/", data=[None]),
        pack(type=2, nsp="/", data=[b"a"]),
        pack(type=3, nsp="/", data=[]),
    ],
    ids=lambda message: repr(message[:12]),
)
def test_refused(message: str | bytes) -> None:
    with pytest.raises(DecodeError):
        decode(message)


# -- extensions, as the JavaScript library writes them; test_javascript.py asks it for more ------

HEAD = pack(type=2, nsp="/", data=[])[:-1]
UNDEFINED = b"\xd4\x00\x00"


def date(milliseconds: int) -> bytes:
    return b"\xd7\x00" + milliseconds.to_bytes(8, "big", signed=True)


def array_buffer(data: bytes) -> bytes:
    size = len(data)
    if size < 0x100:
        return b"\xc7" + size.to_bytes(1) + b"\x00" + data
    if size < 0x10000:
        return b"\xc8" + size.to_bytes(2) + b"\x00" + data
    return b"\xc9" + size.to_bytes(4) + b"\x00" + data


def decode_values(*values: bytes) -> Any:
    """The arguments of an event that has these, each MessagePack already."""
    packet = decode(HEAD + b"\xdd" + (len(values) + 1).to_bytes(4) + b"\xa1a" + b"".join(values))
    assert packet is not None
    name, *rest = packet.data
    assert name == "a"
    return rest


SIZES = [0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 32, 255, 256, 65_535, 65_536]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fill", [b"\x00", b"\xd7\x00", b"\xc7\x08\x00", b"\xff"], ids=repr)
def test_array_buffers_are_bytes(size: int, fill: bytes) -> None:
    data = (fill * size)[:size]
    moment = datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)
    others = (UNDEFINED, date(1500), ormsgpack.packb({"deep": data}), UNDEFINED)
    expected = [data, None, moment, {"deep": data}, None, data]
    assert decode_values(array_buffer(data), *others, array_buffer(data)) == expected


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("head", [b"\xc7%b", b"\xc8\x00%b", b"\xc9\x00\x00\x00%b"], ids=repr)
def test_a_length_may_take_more_bytes_than_it_needs(size: int, head: bytes) -> None:
    data = bytes(range(size))
    assert decode_values(head % bytes([size]) + b"\x00" + data, date(0)) == [data, EPOCH]


@pytest.mark.parametrize(("first", "size"), [(0xD5, 2), (0xD6, 4), (0xD8, 16)])
def test_fixed_extensions_of_other_sizes_are_bytes(first: int, size: int) -> None:
    """Not written by JavaScript, but by libraries that save a byte."""
    data = b"\xd7" * size
    assert decode_values(bytes([first, 0]) + data, UNDEFINED) == [data, None]


ITEMS = st.one_of(
    VALUES.map(lambda value: (ormsgpack.packb(value), value)),
    st.just((UNDEFINED, None)),
    st.binary(max_size=300).map(lambda data: (array_buffer(data), data)),
    st.binary(min_size=8, max_size=8).map(lambda data: (array_buffer(data), data)),
    st.integers(-6 * 10**13, 6 * 10**13).map(
        lambda milliseconds: (date(milliseconds), EPOCH + timedelta(milliseconds=milliseconds))
    ),
)


@given(st.lists(ITEMS, max_size=8))
def test_formats_are_told_apart_between_any_values(items: list[tuple[bytes, Any]]) -> None:
    assert decode_values(*(sent for sent, _ in items)) == [value for _, value in items]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 254, 255, 256, 65_535, 65_536])
def test_formats_are_told_apart_behind_any_size(size: int) -> None:
    """Every way to write a value which has its length in front, also a longer one than needed."""
    data = "\u05d0".encode() * (size // 2) + b"a" * (size % 2)  # full of first bytes of a fixext 8
    length_bytes = [count for count in (1, 2, 4) if size < 256**count]
    for family in (0xC4, 0xD9):  # binary data, text
        for count in length_bytes:
            head = bytes([family + count.bit_length() - 1]) + size.to_bytes(count)
            values = decode_values(head + data, array_buffer(b"12345678"), date(0), UNDEFINED)
            sent = data if family == 0xC4 else data.decode()
            assert values == [sent, b"12345678", EPOCH, None]
    for head in (b"\xdc" + size.to_bytes(2) if size < 65_536 else b"", b"\xdd" + size.to_bytes(4)):
        if head:
            assert decode_values(head + b"\xc0" * size, date(0)) == [[None] * size, EPOCH]
    if size < 65_536:
        pairs = b"".join(ormsgpack.packb(number) + UNDEFINED for number in range(size))
        mapping, *rest = decode_values(b"\xde" + size.to_bytes(2) + pairs, date(0))
        assert (mapping, rest) == (dict.fromkeys(range(size)), [EPOCH])


@pytest.mark.parametrize(
    ("milliseconds", "value"),
    [
        (0, EPOCH),
        (-1000, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1_893_553_445_678, datetime(2030, 1, 2, 3, 4, 5, 678_000, UTC)),
        (253_402_300_799_999, datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)),
        (-62_135_596_800_000, datetime(1, 1, 1, tzinfo=UTC)),
        # What Node's toISOString gives for them, and so what they are in JSON.
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (-62_135_596_800_001, "0000-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
        (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
    ],
    ids=str,
)
def test_dates_of_javascript(milliseconds: int, value: Any) -> None:
    assert decode_values(date(milliseconds)) == [value]


@pytest.mark.parametrize(
    "extension",
    [
        b"\xd4\x05\x00",
        b"\xc7\x08\x01" + bytes(8),
        b"\xd6\xff" + bytes(4),  # the timestamp of MessagePack itself
        date(8_640_000_000_000_001),
        date(-8_640_000_000_000_001),
        b"\xd7\x00" + b"\x7f" * 8,
        b"\xd7\x00" + b"\x80" + bytes(7),
        b"\xc7\x08\x00" + bytes(7),  # too short
        b"\xd4\x00",
        b"\xc9\xff\xff\xff\xff\x00",
    ],
    ids=repr,
)
def test_other_extensions(extension: bytes) -> None:
    for before in ((), (UNDEFINED,), (array_buffer(b"1"), date(0))):
        with pytest.raises(DecodeError):
            decode_values(*before, extension)


@pytest.mark.parametrize(
    "piece",
    [b"\x01", b"\xd9\x00", b"\xdb\x00\x00\x00\x00", b"\xc4\x21" + bytes(33), UNDEFINED, date(0)],
    ids=repr,
)
def test_going_through_extensions_is_linear(piece: bytes) -> None:
    def work(count: int) -> int:
        return count_calls(lambda: decode_values(*[piece] * count, UNDEFINED))

    assert work(2_000) <= 10 * work(200) + 100


# -- names, ids and depth ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [(1, "1"), (-5, "-5"), (1.5, "1.5"), (2**60, "1152921504606847000"), (float("nan"), "NaN")],
)
def test_a_number_names_an_event(name: float, text: str) -> None:
    packet = decode(pack(type=2, nsp="/", data=[name, b"x"]))
    assert packet is not None
    assert packet.data == [text, b"x"]


@pytest.mark.parametrize("number", [0, 2**53, 10**17 + 1, 2**64 - 1])
def test_ids_of_64_bits_come_back_as_they_were(number: int) -> None:
    packet = decode(pack(type=2, nsp="/", data=["a"], id=number))
    assert packet is not None
    assert packet.id == number
    (answer,) = MsgpackParser().encode(Packet(PacketType.ACK, "/", [], number))
    assert isinstance(answer, bytes)
    assert ormsgpack.unpackb(answer)["id"] == number


@pytest.mark.parametrize("level", [b"\x91", b"\x81\xa1a"], ids=["array", "map"])
@pytest.mark.parametrize("middle", [b"\x01", UNDEFINED, date(0), array_buffer(b"x")], ids=repr)
def test_what_comes_in_can_go_out(level: bytes, middle: bytes) -> None:
    for count in (1, 200, MAX_DEPTH - 1):
        (value,) = decode_values(level * count + middle)
        MsgpackParser().encode(Packet(PacketType.EVENT, data=["a", value]))
        with pytest.raises(EncodeError, match="more than 254 levels"):
            MsgpackParser().encode(
                Packet(PacketType.EVENT, data=["a", _around(value, 255 - count)])
            )
    for count in (MAX_DEPTH, MAX_DEPTH + 1, 1_000, 2_000):
        with pytest.raises(DecodeError):
            decode_values(level * count + middle)


def _around(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def test_the_traceback_of_a_refusal_is_short() -> None:
    for value in (_around(1, 300), _around(object(), 200), _around(Money(1), 5_000)):
        with pytest.raises(EncodeError) as caught:
            MsgpackParser().encode(Packet(PacketType.EVENT, data=["a", value]))
        assert len("".join(traceback.format_exception(caught.value))) < 4_000


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
