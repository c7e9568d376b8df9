"""The packet that adapters carry, and its values in plain types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SharedPacket
from socketio_asgi.adapters.packet import to_plain
from socketio_asgi.protocol import (
    DecodeError,
    Decoder,
    DefaultParser,
    EncodeError,
    Packet,
    PacketType,
    Parser,
    PlainConverter,
)
from socketio_asgi.protocol.msgpack_parser import MsgpackParser


class Plain(Parser):
    """A parser of somebody's own, with nothing but what is demanded."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, packet: Packet) -> list[str | bytes]:
        self.encoded += 1
        return DefaultParser().encode(packet)

    def decoder(self) -> Decoder:
        return DefaultParser().decoder()


PARSERS: dict[str, Parser] = {
    "json": DefaultParser(),
    "msgpack": MsgpackParser(),
    "own": Plain(),
}

parsers = pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)


def event(*data: Any, namespace: str = "/", id: int | None = None) -> Packet:
    return Packet(PacketType.EVENT, namespace, list(data), id)


def test_it_is_encoded_once_and_late() -> None:
    parser = Plain()
    packet = SharedPacket(event("hello"), parser)
    before = packet.encoded, parser.encoded
    assert before == (None, 0)
    assert packet.encode() is packet.encode() is packet.encoded
    assert parser.encoded == 1


@parsers
def test_ready_messages_are_decoded_late(parser: Parser) -> None:
    sent = SharedPacket(event("hello", b"1", {"a": b"2"}, namespace="/chat"), parser)
    received = SharedPacket.of_messages(sent.messages(), parser, compress=False)
    assert received.messages() == sent.messages()
    assert received.packet == sent.packet
    assert received.packet is received.packet
    assert [item.compress for item in received.encode()] == [False] * len(received.encode())


def test_ready_messages_that_are_none() -> None:
    for messages in (["rubbish"], ['51-["a",{"_placeholder":true,"num":0}]']):
        packet = SharedPacket.of_messages(messages, DefaultParser())
        with pytest.raises(DecodeError):
            _ = packet.packet


@parsers
@pytest.mark.parametrize("early", [True, False], ids=["encoded", "not encoded"])
@pytest.mark.parametrize("ready", [True, False], ids=["received", "made"])
def test_one_argument_more(parser: Parser, early: bool, ready: bool) -> None:
    packet = SharedPacket(event("hello", b"1", {"a": [b"2"]}, namespace="/chat"), parser)
    if early:
        packet.encode()
    if ready:
        packet = SharedPacket.of_messages(packet.messages(), parser)
    longer = packet.with_argument('an "offset"')
    expected = SharedPacket(
        event("hello", b"1", {"a": [b"2"]}, 'an "offset"', namespace="/chat"), parser
    )
    assert longer.messages() == expected.messages()
    assert longer.packet == expected.packet
    assert packet.packet.data == ["hello", b"1", {"a": [b"2"]}]


@pytest.mark.parametrize("namespace", ["/", "/chat[1]"])
@pytest.mark.parametrize("id", [None, 7, 1234567])
def test_the_text_of_the_data(namespace: str, id: int | None) -> None:
    packet = SharedPacket(event("hi", "[", {"a": 1}, namespace=namespace, id=id), DefaultParser())
    assert packet.json() == '["hi","[",{"a":1}]'
    assert SharedPacket(event("hi", b"1"), DefaultParser()).json() is None
    assert SharedPacket(event("hi"), MsgpackParser()).json() is None


def test_other_numbers_and_namespaces() -> None:
    packet = SharedPacket(event("hi", id=5), DefaultParser(), compress=False)
    assert packet.with_id(None).messages() == ['2["hi"]']
    assert packet.with_id(7).messages() == ['27["hi"]']
    assert packet.for_namespace("/chat").messages() == ['2/chat,5["hi"]']
    assert packet.with_id(None).compress is packet.for_namespace("/chat").compress is False
    assert packet.with_argument("x").compress is False


# -- plain values --------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    photo: bytes


RICH: list[tuple[Any, Any]] = [
    (Colour.RED, "red"),
    (Point(1, b"\x00"), {"x": 1, "photo": b"\x00"}),
    (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), "2030-01-02T03:04:05+00:00"),
    (date(2030, 1, 2), "2030-01-02"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Decimal("1.50"), "1.50"),
    ((1, (2,)), [1, [2]]),
    ({"a": bytearray(b"1"), "b": [memoryview(b"2")]}, {"a": b"1", "b": [b"2"]}),
    ({1: {None: True}}, {"1": {"null": True}}),
    ([b""] * 9, [b""] * 9),
    (2**63, 2**63),
    ("é\n", "é\n"),
]


@parsers
@pytest.mark.parametrize(("value", "plain"), RICH, ids=[type(value).__name__ for value, _ in RICH])
def test_rich_values(parser: Parser, value: Any, plain: Any) -> None:
    assert to_plain(value, parser) == plain
    assert SharedPacket(event("e", value), parser).plain() == ["e", plain]


def test_values_as_clients_get_them() -> None:
    assert to_plain(float("nan"), DefaultParser()) is None
    assert to_plain("\ud800", DefaultParser()) == "\ud800"
    assert to_plain([b"x"] * 50, DefaultParser()) == [b"x"] * 50  # no client counts them here


@parsers
def test_what_has_no_plain_form(parser: Parser) -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (object(), [object()], {"a": {object()}}, circle):
        with pytest.raises(EncodeError):
            to_plain(value, parser)


def test_the_types_of_users() -> None:
    class Money:
        pass

    def default(value: object) -> object:
        if isinstance(value, Money):
            return {"amount": b"5"}
        raise TypeError

    for parser in (DefaultParser(default=default), MsgpackParser(default=default)):
        assert to_plain([Money()], parser) == [{"amount": b"5"}]
        assert isinstance(parser, PlainConverter)


def test_a_placeholder_is_no_attachment() -> None:
    value = {"_placeholder": True, "num": 0}
    assert to_plain(value, DefaultParser()) == value
    with pytest.raises(EncodeError, match="looks like the placeholder"):
        to_plain([value, b"1"], DefaultParser())


def test_keys_that_are_no_text_at_any_depth() -> None:
    value: Any = 1
    for _ in range(5000):
        value = {1: value}
    for parser in (DefaultParser(), MsgpackParser()):
        with pytest.raises(EncodeError):
            to_plain(value, parser)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), children)
    ),
    max_leaves=9,
)


@given(PLAIN)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    for parser in PARSERS.values():
        assert to_plain(value, parser) == value
