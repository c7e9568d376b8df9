from __future__ import annotations

import base64
import tracemalloc

import pytest

from socketio_asgi.protocol import (
    DecodeError,
    EngineCodecV4,
    EnginePacket,
    EnginePacketType,
    OutgoingPacket,
)
from tests.protocol import corpus
from tests.protocol.tracing import count_calls

CODEC = EngineCodecV4()
MESSAGE = EnginePacketType.MESSAGE


def test_the_example_of_the_specification() -> None:
    outgoing = [
        OutgoingPacket.message("hello"),
        OutgoingPacket.packet(EnginePacketType.PING),
        OutgoingPacket.message("world"),
    ]
    payload = CODEC.encode_payload(outgoing, supports_binary=True)
    assert payload == (b"4hello\x1e2\x1e4world", False)


def test_the_binary_example_of_the_specification() -> None:
    outgoing = [OutgoingPacket.message("hello"), OutgoingPacket.message(b"\x01\x02\x03\x04")]
    payload = CODEC.encode_payload(outgoing, supports_binary=True)
    assert payload == (b"4hello\x1ebAQIDBA==", False)


@pytest.mark.parametrize("body", corpus.REFUSED_BY_ENGINE_4)
def test_bad_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_payload(body, binary=False)


def test_binary_bodies_are_refused() -> None:
    with pytest.raises(DecodeError, match="revision 3"):
        CODEC.decode_payload(b"4hello", binary=True)


def test_base64_on_websocket_is_binary_data() -> None:
    # What a JavaScript client sends with forceBase64.
    assert CODEC.decode("bAQIDBA==") == EnginePacket(MESSAGE, b"\x01\x02\x03\x04")
    assert CODEC.decode("b") == EnginePacket(MESSAGE, b"")
    with pytest.raises(DecodeError):
        CODEC.decode("b!")


@pytest.mark.parametrize("sizes", [[0], [1], [58], [200], [0, 58, 1, 57, 3]], ids=str)
def test_payloads_of_the_java_client(sizes: list[int]) -> None:
    """It breaks the lines of base64, also behind the last one; other packets lie between."""
    attachments = [bytes(range(size)) for size in sizes]
    records = ["b" + base64.encodebytes(data).decode() for data in attachments]
    body = "\x1e4\n\x1e".join(["4first", *records, "2"]).encode()
    packets = CODEC.decode_payload(body, binary=False)
    assert packets[::2] == [
        EnginePacket(MESSAGE, "first"),
        *(EnginePacket(MESSAGE, data) for data in attachments),
        EnginePacket(EnginePacketType.PING, ""),
    ]
    assert set(packets[1::2]) == {EnginePacket(MESSAGE, "\n")}  # text is left as it is


@pytest.mark.parametrize("record", ["bAQID\r\nBA==", "bAQIDBA", "bAQIDBA\n", "bAQIDBA=\n=\n"])
def test_base64_with_line_breaks_or_without_padding(record: str) -> None:
    expected = EnginePacket(MESSAGE, b"\x01\x02\x03\x04")
    assert CODEC.decode(record) == expected
    assert CODEC.decode_payload(record.encode(), binary=False) == [expected]


def test_bytes_on_websocket_are_a_message() -> None:
    assert CODEC.decode(b"") == EnginePacket(MESSAGE, b"")
    assert CODEC.decode(b"\x00") == EnginePacket(MESSAGE, b"\x00")
    assert CODEC.encode_binary(b"\x00") == b"\x00"


def test_decoding_is_linear() -> None:
    def decode(count: int) -> int:
        body = "\x1e".join(["4\u20ac", "bYQ=="] * count).encode()
        return count_calls(lambda: CODEC.decode_payload(body, binary=False))

    assert decode(2_000) <= 10 * decode(200)


def test_many_small_packets_take_little_memory() -> None:
    body = b"\x1e".join([b"6"] * 100_000)
    tracemalloc.start()
    try:
        packets = EngineCodecV4().decode_payload(body, binary=False)
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(packets) == 100_000
    assert size < 10 * len(packets)
