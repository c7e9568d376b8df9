"""What holds for every revision of Engine.IO."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import (
    DecodeError,
    EngineCodec,
    EngineCodecV3,
    EngineCodecV4,
    EnginePacket,
    EnginePacketType,
    OutgoingPacket,
)
from tests.protocol import corpus

CODECS: list[EngineCodec] = [EngineCodecV3(), EngineCodecV4()]
codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"revision {codec.revision}")
# The separator of revision 4 may not occur in a packet, as JSON never holds it.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1e"))
packets = st.one_of(
    st.builds(EnginePacket, st.sampled_from(EnginePacketType), texts),
    st.builds(EnginePacket, st.just(EnginePacketType.MESSAGE), st.binary()),
)
payloads = st.lists(packets, min_size=1, max_size=8)


def as_outgoing(packet: EnginePacket) -> OutgoingPacket:
    if isinstance(packet.data, str):
        return OutgoingPacket.packet(packet.type, packet.data)
    return OutgoingPacket.message(packet.data)


@codecs
@given(packet=packets)
def test_message_round_trip(codec: EngineCodec, packet: EnginePacket) -> None:
    outgoing = as_outgoing(packet)
    sent = codec.encode_binary(outgoing.binary or b"") if outgoing.text is None else outgoing.text
    assert codec.decode(sent) == packet


@codecs
@pytest.mark.parametrize("supports_binary", [True, False])
@given(packets=payloads)
def test_payload_round_trip(
    codec: EngineCodec, supports_binary: bool, packets: list[EnginePacket]
) -> None:
    outgoing = [as_outgoing(packet) for packet in packets]
    payload = codec.encode_payload(outgoing, supports_binary=supports_binary)
    assert codec.decode_payload(payload.body, binary=payload.binary) == packets
    holds_binary = any(packet.text is None for packet in outgoing)
    assert payload.binary is (codec.revision == 3 and supports_binary and holds_binary)


@codecs
@pytest.mark.parametrize("supports_binary", [True, False])
@given(packets=payloads, limit=st.integers(0, 200))
def test_as_many_packets_as_fit(
    codec: EngineCodec, supports_binary: bool, packets: list[EnginePacket], limit: int
) -> None:
    outgoing = [as_outgoing(packet) for packet in packets]
    count = codec.fitting(outgoing, limit)
    assert 1 <= count <= len(outgoing)
    body = codec.encode_payload(outgoing[:count], supports_binary=supports_binary).body
    assert len(body) <= limit or count == 1


@codecs
@given(packets=payloads)
def test_everything_fits_into_enough_space(codec: EngineCodec, packets: list[EnginePacket]) -> None:
    assert codec.fitting(map(as_outgoing, packets), 10_000) == len(packets)


def test_fitting_is_exact_in_revision_4() -> None:
    codec = EngineCodecV4()
    outgoing = [OutgoingPacket.message("a" * size) for size in range(10)]
    bodies = [
        len(codec.encode_payload(outgoing[: n + 1], supports_binary=True).body) for n in range(10)
    ]
    for count, size in enumerate(bodies, 1):
        assert codec.fitting(outgoing, size) == count
        assert codec.fitting(outgoing, size - 1) == max(1, count - 1)


@codecs
@given(data=st.one_of(st.text(), st.binary()))
def test_any_message_is_a_packet_or_an_error(codec: EngineCodec, data: str | bytes) -> None:
    try:
        packet = codec.decode(data)
    except DecodeError as error:
        assert error.layer == "Engine.IO"
    else:
        assert isinstance(packet, EnginePacket)


_NASTY = [
    *corpus.REFUSED_BY_ENGINE_4,
    *corpus.REFUSED_BY_ENGINE_3_TEXT,
    *corpus.REFUSED_BY_ENGINE_3_BINARY,
]
_BITS = [
    b"4",
    b"b",
    b"2:4a",
    b"\x1e",
    b":",
    b"\xff",
    b"\x00\x01\xff4",
    b"\x01",
    b"YQ==",
    b"\xf0\x9f\x98\x80",
    b"9",
]
bodies = st.one_of(
    st.binary(),
    st.lists(st.sampled_from(_BITS), max_size=12).map(b"".join),
    st.sampled_from(_NASTY),
    st.tuples(st.sampled_from(_NASTY), st.sampled_from(_NASTY)).map(b"".join),
)


@codecs
@pytest.mark.parametrize("binary", [True, False])
@given(body=bodies)
def test_any_body_is_packets_or_an_error(codec: EngineCodec, binary: bool, body: bytes) -> None:
    try:
        packets = codec.decode_payload(body, binary=binary)
    except DecodeError as error:
        assert error.layer == "Engine.IO"
        return
    assert packets
    assert all(isinstance(packet, EnginePacket) for packet in packets)


@codecs
@pytest.mark.parametrize("text", ["", "7", "x", "\u0664a", " 4a"])
def test_messages_without_a_type_are_refused(codec: EngineCodec, text: str) -> None:
    with pytest.raises(DecodeError):
        codec.decode(text)


@codecs
@pytest.mark.parametrize("supports_binary", [True, False])
def test_payloads_can_be_cut_between_packets_only(
    codec: EngineCodec, supports_binary: bool
) -> None:
    """Fed whole, or cut at any place: what is not a sequence of packets is refused."""
    outgoing = [
        OutgoingPacket.message("\u20ac"),
        OutgoingPacket.message(b"abc"),
        OutgoingPacket.message("\U0001f600x"),
    ]
    payload = codec.encode_payload(outgoing, supports_binary=supports_binary)
    sizes = [
        len(codec.encode_payload([packet], supports_binary=supports_binary).body)
        for packet in outgoing
    ]
    if payload.binary:
        sizes = [len(_binary_body(codec, packet)) for packet in outgoing]
    ends = set(accumulate(sizes))
    if codec.revision == 4:
        return  # a text packet may end anywhere
    for cut in range(len(payload.body)):
        if cut in ends:
            assert codec.decode_payload(payload.body[:cut], binary=payload.binary)
        else:
            with pytest.raises(DecodeError):
                codec.decode_payload(payload.body[:cut], binary=payload.binary)


def _binary_body(codec: EngineCodec, packet: OutgoingPacket) -> bytes:
    """The record of one packet in a binary payload."""
    marker = OutgoingPacket.message(b"")
    body = codec.encode_payload([marker, packet], supports_binary=True).body
    return body[len(codec.encode_payload([marker], supports_binary=True).body) :]
