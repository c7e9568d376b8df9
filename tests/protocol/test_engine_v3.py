from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import (
    DecodeError,
    EngineCodecV3,
    EnginePacket,
    EnginePacketType,
    OutgoingPacket,
)
from tests.protocol import corpus
from tests.protocol.tracing import count_calls

CODEC = EngineCodecV3()
MESSAGE = EnginePacketType.MESSAGE
BYTES = b"\x01\x02\x03\x04"


def test_lengths_count_characters() -> None:
    outgoing = [OutgoingPacket.message("hello"), OutgoingPacket.message("\u20ac")]
    payload = CODEC.encode_payload(outgoing, supports_binary=True)
    assert payload == ("6:4hello2:4\u20ac".encode(), False)


def test_lengths_count_utf16_units() -> None:
    payload = CODEC.encode_payload([OutgoingPacket.message("\U0001f600")], supports_binary=True)
    assert payload == ("3:4\U0001f600".encode(), False)


def test_the_binary_example_of_the_specification() -> None:
    outgoing = [OutgoingPacket.message("\u20ac"), OutgoingPacket.message(BYTES)]
    payload = CODEC.encode_payload(outgoing, supports_binary=True)
    assert payload == (b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04" + BYTES, True)


def test_the_base64_example_of_the_specification() -> None:
    outgoing = [OutgoingPacket.message("\u20ac"), OutgoingPacket.message(BYTES)]
    payload = CODEC.encode_payload(outgoing, supports_binary=False)
    assert payload == ("2:4\u20ac10:b4AQIDBA==".encode(), False)


@pytest.mark.parametrize("body", corpus.REFUSED_BY_ENGINE_3_TEXT)
def test_bad_text_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_payload(body, binary=False)


@pytest.mark.parametrize("body", corpus.REFUSED_BY_ENGINE_3_BINARY)
def test_bad_binary_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_payload(body, binary=True)


def test_websocket_messages() -> None:
    assert CODEC.decode("2probe") == EnginePacket(EnginePacketType.PING, "probe")
    assert CODEC.decode("b4AQIDBA==") == EnginePacket(MESSAGE, BYTES)
    assert CODEC.decode(b"\x04" + BYTES) == EnginePacket(MESSAGE, BYTES)
    assert CODEC.encode_binary(BYTES) == b"\x04" + BYTES


@pytest.mark.parametrize("data", [b"", b"\x00", b"4", b"\x07", "b", "b2", "b2YQ==", "b4!"])
def test_only_messages_are_binary(data: str | bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode(data)


def test_leading_zeros_of_a_length_are_tolerated() -> None:
    assert CODEC.decode_payload(b"002:4a", binary=False) == [EnginePacket(MESSAGE, "a")]
    assert CODEC.decode_payload(b"\x00\x00\x02\xff4a", binary=True) == [EnginePacket(MESSAGE, "a")]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("padding", ["", "==", "=\n="])
def test_base64_with_line_breaks_or_without_padding(line_break: str, padding: str) -> None:
    text = f"b4AQ{line_break}IDBA{padding}{line_break}"
    assert CODEC.decode(text) == EnginePacket(MESSAGE, BYTES)
    body = f"2:4a{len(text)}:{text}3:4\u20ac\n{len(text)}:{text}"
    expected = [EnginePacket(MESSAGE, data) for data in ("a", BYTES, "\u20ac\n", BYTES)]
    assert CODEC.decode_payload(body.encode(), binary=False) == expected
    record = b"\x00" + bytes(map(int, str(len(text)))) + b"\xff" + text.encode()
    assert CODEC.decode_payload(record * 2, binary=True) == [expected[1]] * 2


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=6))
def test_astral_characters_anywhere(texts: list[str]) -> None:
    body = "".join(f"{1 + len(t.encode('utf-16-le')) // 2}:4{t}" for t in texts).encode()
    assert CODEC.decode_payload(body, binary=False) == [EnginePacket(MESSAGE, t) for t in texts]


@pytest.mark.parametrize("text", ["a", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("binary", [True, False])
def test_decoding_is_linear(text: str, binary: bool) -> None:
    def decode(count: int) -> int:
        outgoing = [OutgoingPacket.message(text), OutgoingPacket.message(b"a")] * count
        body = CODEC.encode_payload(outgoing, supports_binary=binary).body
        return count_calls(lambda: CODEC.decode_payload(body, binary=binary))

    assert decode(2_000) <= 10 * decode(200)


def test_a_large_body_of_small_astral_packets() -> None:
    # Quadratic code takes minutes here.
    packets = CODEC.decode_payload("3:4\U0001f600".encode() * 140_000, binary=False)
    assert len(packets) == 140_000
