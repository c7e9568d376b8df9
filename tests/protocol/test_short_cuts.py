"""The short cuts of decoding and encoding an event do what the general branches do."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socketio_asgi.protocol import (
    DecodeError,
    DefaultParser,
    EncodeError,
    Packet,
    PacketType,
    binary,
    parser,
)
from socketio_asgi.protocol.parser import DefaultDecoder

_PIECES = st.sampled_from(
    [
        *("2", "3", "4", "0", "5", "1-", "/", "/a,", ",", "[", "]", '"a"', '"connect"', "12", "[]"),
        *("٣", " ", "{}", "null", "1e400", '"\\ud800"', "9" * 16, "9" * 17, '[{"b":[1]}]', "\x1e"),
    ]
)
texts = st.one_of(
    st.lists(_PIECES, max_size=8).map("".join),
    st.text(max_size=30),
    st.builds(
        "2{}{}".format,
        st.integers(0, 10**18),
        st.sampled_from(['["a"]', '["a",{"b":[1,null]}]', '["connect"]', "[1]", "{}", "[", ""]),
    ),
)


def outcome(function: Any, text: str) -> Any:
    try:
        return function(text)
    except DecodeError as error:
        return str(error)


binary_texts = st.builds(
    "5{}{}{}".format,
    st.sampled_from(["1-", "2-", "9-", "10-", "11-", "0-", "01-", "-", "1", "a-", "٣-"]),
    st.sampled_from(["", "1", "12", "9" * 20, "9" * 21, "/a,", "/a,3", "٣"]),
    st.sampled_from(['["a"]', '["a",{"b":[1,null]}]', '["connect"]', "[1]", "[]", "{}", "[", ""]),
)


@given(st.one_of(texts, binary_texts), st.sampled_from([10, 9, 8, 1]))
def test_an_event_with_attachments(text: str, most: int) -> None:
    short, general = DefaultDecoder(most), DefaultDecoder(most)
    assert outcome(short.add, text) == outcome(general._add_text, text)
    assert short.partial == general.partial
    assert short._expected == general._expected


placeholders = st.builds(
    lambda number, more: {"_placeholder": True, "num": number, **more},
    st.one_of(st.integers(0, 2), st.booleans(), st.none()),
    st.sampled_from([{}, {}, {"x": 1}]),
)
places = st.recursive(
    st.one_of(placeholders, st.just({"_placeholder": False, "num": 0}), st.just({}), st.just("x")),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.just("k"), inner)),
    max_leaves=3,
)


def reconstructed(data: list[Any], attachments: list[bytes]) -> Any:
    data = deepcopy(data)
    try:
        binary.reconstruct(data, attachments)
    except DecodeError as error:
        return str(error)
    return data


@given(st.lists(places, max_size=4), st.integers(0, 3))
@example([{"_placeholder": True, "num": 0}, {"_placeholder": True, "num": 1}], 2)
def test_attachments_in_their_order(data: list[Any], count: int) -> None:
    attachments = [bytes([number]) for number in range(count)]
    short = reconstructed(data, attachments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binary, "place_in_order", lambda data, attachments: False)
        assert reconstructed(data, attachments) == short


values = st.recursive(
    st.one_of(st.binary(max_size=3), st.binary(max_size=3).map(bytearray), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(values, max_size=4))
@example([b"x"] * 10)
@example([b"x"] * 11)
@example([b"x", 2**70])
def test_bytes_among_the_values_of_an_event(data: list[Any]) -> None:
    def encoded() -> Any:
        try:
            return DefaultParser().encode(Packet(PacketType.EVENT, "/a", ["e", *data], 7))
        except EncodeError as error:
            return str(error)

    short = encoded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser, "take_bytes", lambda data, attachments: data)
        assert encoded() == short


@given(st.integers(0, 10**20), st.lists(values, max_size=3))
@example(0, ["\ud800"])
@example(1, [2**64])
@example(2, [{5: None}])
def test_an_acknowledgement(number: int, data: list[Any]) -> None:
    text = parser.encode_ack(number, data)
    try:
        expected = DefaultParser().encode(Packet(PacketType.ACK, "/", data, number))
    except EncodeError:
        expected = None
    assert text is None or [text] == expected


@given(texts)
@example("0")
@example('2["a"]')
@example('212["a",1]')
@example('2٣["a"]')
@example('2-["a"]')
@example("2[")
def test_an_event_of_the_main_namespace(text: str) -> None:
    short, general = DefaultDecoder(), DefaultDecoder()
    assert outcome(short.add, text) == outcome(general._add_text, text)
