from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import DecodeError, EnginePacket, EnginePacketType, OutgoingPacket
from socketio_asgi.protocol.engine_packet import (
    CLOSE,
    NOOP,
    PING,
    PONG,
    PROBE_PONG,
    decode_base64,
    decode_text,
    decode_utf8,
)


@given(st.sampled_from(EnginePacketType), st.text())
def test_text_round_trip(type_: EnginePacketType, data: str) -> None:
    text = OutgoingPacket.packet(type_, data).text
    assert text is not None
    assert decode_text(text) == EnginePacket(type_, data)


def test_the_digits_of_the_protocol() -> None:
    names = ["OPEN", "CLOSE", "PING", "PONG", "MESSAGE", "UPGRADE", "NOOP"]
    assert [type_.name for type_ in EnginePacketType] == names
    assert [type_.value for type_ in EnginePacketType] == list(range(7))
    assert [packet.text for packet in (CLOSE, PING, PONG, NOOP)] == ["1", "2", "3", "6"]
    assert PROBE_PONG.text == "3probe"


@given(st.text())
def test_any_text_is_a_packet_or_an_error(text: str) -> None:
    if text[:1] and text[0] in "0123456":
        assert decode_text(text).data == text[1:]
    else:
        with pytest.raises(DecodeError):
            decode_text(text)


@given(st.text())
def test_text_packet(data: str) -> None:
    packet = OutgoingPacket.message(data)
    assert (packet.text, packet.binary) == ("4" + data, None)
    assert packet.piece == ("4" + data).encode()
    assert packet.piece is packet.piece
    assert packet.size == len(packet.piece)


@given(st.binary())
def test_binary_packet(data: bytes) -> None:
    packet = OutgoingPacket.message(data)
    assert (packet.text, packet.binary) == (None, data)
    assert packet.piece == b"b" + base64.b64encode(data)
    assert packet.piece is packet.piece
    assert packet.size == len(data)


def test_a_lone_surrogate_does_not_break_a_packet() -> None:
    assert OutgoingPacket.message("\ud800").piece.decode() == "4?"


@pytest.mark.parametrize("compress", [True, False])
def test_packets_remember_whether_they_may_be_compressed(compress: bool) -> None:
    assert OutgoingPacket.message("a", compress=compress).compress is compress
    assert OutgoingPacket.message(b"a", compress=compress).compress is compress


def test_packets_do_not_show_what_they_carry() -> None:
    assert repr(OutgoingPacket.message("secret")) == "<OutgoingPacket MESSAGE 7 bytes>"
    assert repr(OutgoingPacket.message(b"secret")) == "<OutgoingPacket binary 6 bytes>"
    assert repr(PING) == "<OutgoingPacket PING 1 bytes>"


@given(st.binary())
def test_base64_round_trip(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode()) == data


@given(st.text(alphabet=st.sampled_from("aZ09+/=-_ \n\u00e9\ud800")))
def test_any_text_is_base64_or_an_error(text: str) -> None:
    try:
        data = decode_base64(text)
    except DecodeError:
        return
    digits = text.replace("\n", "")
    assert len(base64.b64encode(data)) == len(digits) + -len(digits) % 4


@given(st.binary(max_size=300), st.data())
def test_base64_with_line_breaks_and_without_padding(data: bytes, draw: st.DataObject) -> None:
    digits = base64.b64encode(data).decode()
    if draw.draw(st.booleans()):
        digits = digits.rstrip("=")
    width = draw.draw(st.integers(1, 100))
    line_break = draw.draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    lines = [digits[start : start + width] for start in range(0, len(digits), width)]
    assert decode_base64(line_break.join(lines)) == data
    assert decode_base64(line_break.join(["", *lines, ""])) == data


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 114, 115, 750_000])
def test_base64_of_the_java_client(size: int) -> None:
    data = bytes(number * 7 % 256 for number in range(size))
    assert decode_base64(base64.encodebytes(data).decode()) == data


# What the parser of io.socket:engine.io-client 2.1 makes of 58 bytes, each 7 more than the last.
JAVA = "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERgfJi00O0JJUFdeZWxzeoGI\njw==\n"


def test_recorded_base64_of_the_java_client() -> None:
    assert decode_base64(JAVA) == bytes(number * 7 % 256 for number in range(58))


@pytest.mark.parametrize(
    "text",
    [
        *("a", "aaaaa", "a\n"),  # a digit is missing
        *("=", "aaaa=", "aaa==", "aa===", "aa=a", "aa==\naa"),  # padding
        *("aa ", "aa\t", "aa\x0b", "aa\x0c", "aa\x00", "aa\x85", "aa\u2028", "aa\xa0"),
        *("a_-a", "\uff21aaa"),
    ],
    ids=ascii,
)
def test_what_is_no_base64(text: str) -> None:
    for spoiled in (text, "aaaa\r\n" + text):
        with pytest.raises(DecodeError):
            decode_base64(spoiled)


@given(st.binary())
def test_any_bytes_are_utf8_or_an_error(data: bytes) -> None:
    try:
        text = decode_utf8(data)
    except DecodeError:
        return
    assert text.encode() == data
