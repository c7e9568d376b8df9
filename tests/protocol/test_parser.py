from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import (
    DecodeError,
    Decoder,
    DefaultParser,
    EncodeError,
    Packet,
    PacketType,
    Parser,
)
from socketio_asgi.protocol.parser import MAX_ATTACHMENTS, MAX_ID_DIGITS
from tests.protocol import corpus
from tests.protocol.strategies import Pair, default, values
from tests.protocol.tracing import count_calls

PARSER: Parser = DefaultParser(default=default, max_attachments=1_000)

names = st.text(max_size=5).filter(lambda name: "connect" not in name)
namespaces = st.sampled_from(["/", "/chat", "/a/b", "/a?token=1&b=2", "/\u20ac", "/1-["])
ids = st.none() | st.integers(0, 10**MAX_ID_DIGITS - 1)
arguments = st.lists(values, max_size=4)


def decode(decoder: Decoder, messages: list[str | bytes]) -> Packet:
    for message in messages[:-1]:
        assert decoder.add(message) is None
    packet = decoder.add(messages[-1])
    assert packet is not None
    return packet


def round_trip(packet: Packet) -> Packet:
    return decode(PARSER.decoder(), PARSER.encode(packet))


@given(name=names, pairs=arguments, namespace=namespaces, number=ids)
def test_event_round_trip(name: str, pairs: list[Pair], namespace: str, number: int | None) -> None:
    sent = [name, *(value for value, _ in pairs)]
    expected = [name, *(value for _, value in pairs)]
    packet = round_trip(Packet(PacketType.EVENT, namespace, sent, number))
    assert packet == Packet(PacketType.EVENT, namespace, expected, number)


@given(pairs=arguments, namespace=namespaces, number=st.integers(0, 10**MAX_ID_DIGITS - 1))
def test_ack_round_trip(pairs: list[Pair], namespace: str, number: int) -> None:
    packet = round_trip(Packet(PacketType.ACK, namespace, [sent for sent, _ in pairs], number))
    assert packet == Packet(PacketType.ACK, namespace, [value for _, value in pairs], number)


@given(pair=values)
def test_plain_and_binary_payloads_are_alike(pair: Pair) -> None:
    packet = round_trip(Packet(PacketType.EVENT, "/", ["a", pair[0], b"attachment"]))
    assert packet.data == ["a", pair[1], b"attachment"]


@given(namespace=namespaces, data=st.none() | st.dictionaries(st.text(), st.text()))
def test_connect_round_trip(namespace: str, data: Any) -> None:
    packet = Packet(PacketType.CONNECT, namespace, data)
    assert round_trip(packet) == packet


@given(namespace=namespaces)
def test_disconnect_round_trip(namespace: str) -> None:
    packet = Packet(PacketType.DISCONNECT, namespace)
    assert round_trip(packet) == packet


@given(namespace=namespaces, data=st.text() | st.dictionaries(st.text(), st.text()))
def test_connect_error_round_trip(namespace: str, data: Any) -> None:
    packet = Packet(PacketType.CONNECT_ERROR, namespace, data)
    assert round_trip(packet) == packet


PLACE = '{"_placeholder":true,"num":0}'


# https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
@pytest.mark.parametrize(
    ("packet", "messages"),
    [
        (Packet(PacketType.CONNECT), ["0"]),
        (Packet(PacketType.CONNECT, data={"token": "123"}), ['0{"token":"123"}']),
        (Packet(PacketType.CONNECT, "/admin"), ["0/admin,"]),
        (Packet(PacketType.DISCONNECT, "/admin"), ["1/admin,"]),
        (Packet(PacketType.EVENT, data=["hello", 1]), ['2["hello",1]']),
        (Packet(PacketType.EVENT, "/admin", ["a"], 456), ['2/admin,456["a"]']),
        (Packet(PacketType.ACK, "/admin", [], 456), ["3/admin,456[]"]),
        (Packet(PacketType.CONNECT_ERROR, data={"message": "No"}), ['4{"message":"No"}']),
        (Packet(PacketType.EVENT, data=["a", b"x"]), [f'51-["a",{PLACE}]', b"x"]),
        (Packet(PacketType.EVENT, "/b", ["a", b""], 0), [f'51-/b,0["a",{PLACE}]', b""]),
        (Packet(PacketType.ACK, data=[b"x"], id=1), [f"61-1[{PLACE}]", b"x"]),
    ],
    ids=str,
)
def test_the_wire_format(packet: Packet, messages: list[str | bytes]) -> None:
    assert PARSER.encode(packet) == messages
    assert decode(PARSER.decoder(), messages) == packet


def test_a_namespace_needs_no_comma_at_the_end() -> None:
    assert decode(PARSER.decoder(), ["0/admin"]) == Packet(PacketType.CONNECT, "/admin")
    assert decode(PARSER.decoder(), ["1/admin"]) == Packet(PacketType.DISCONNECT, "/admin")


@pytest.mark.parametrize("messages", corpus.REFUSED_BY_SOCKET_PARSER, ids=lambda m: ascii(m)[:40])
def test_bad_messages_are_refused(messages: list[str | bytes]) -> None:
    decoder = DefaultParser().decoder()
    for message in messages[:-1]:
        assert decoder.add(message) is None
    with pytest.raises(DecodeError) as caught:
        decoder.add(messages[-1])
    assert caught.value.layer == "Socket.IO"
    decoder.reset()
    assert decoder.add('2["still alive"]') == Packet(PacketType.EVENT, "/", ["still alive"])


@pytest.mark.parametrize(
    ("messages", "data"), corpus.ACCEPTED_BY_SOCKET_PARSER, ids=lambda m: ascii(m)[:40]
)
def test_odd_messages_are_accepted(messages: list[str | bytes], data: list[object]) -> None:
    decoder = DefaultParser().decoder()
    assert decode(decoder, messages) == Packet(PacketType.EVENT, "/", data)


_TOKENS = [
    *"0123456789-/,[]{}:.",
    '"a"',
    "null",
    "true",
    "NaN",
    "1e999",
    '"\\ud800"',
    PLACE,
    '{"_placeholder":true,"num":',
    '51-["a",',
    '["disconnect"]',
    "[1",
    '{"it":true,"num":0}',
    "\u0661",
    "\ud800",
]
nasty_texts = st.lists(st.sampled_from(_TOKENS), max_size=12).map("".join)
messages_of_anyone = st.lists(
    st.one_of(
        nasty_texts,
        st.text(),
        st.binary(max_size=4),
        st.sampled_from(
            [message for messages in corpus.REFUSED_BY_SOCKET_PARSER for message in messages]
        ),
    ),
    max_size=6,
)


@given(messages_of_anyone)
def test_any_messages_are_packets_or_errors(messages: list[str | bytes]) -> None:
    decoder = DefaultParser().decoder()
    for message in messages:
        try:
            packet = decoder.add(message)
        except DecodeError as error:
            assert error.layer == "Socket.IO"
            decoder.reset()
            continue
        if packet is not None:
            _check_decoded(packet)


def _check_decoded(packet: Packet) -> None:
    """What the layers above rely on."""
    assert packet.type not in (PacketType.BINARY_EVENT, PacketType.BINARY_ACK)
    assert packet.namespace.startswith("/")
    assert packet.id is None or 0 <= packet.id < 10**MAX_ID_DIGITS
    if packet.type is PacketType.EVENT:
        assert type(packet.data[0]) is str
    if packet.type is PacketType.ACK:
        assert isinstance(packet.data, list)
        assert packet.id is not None


@given(text=nasty_texts)
def test_the_short_cut_changes_nothing(text: str) -> None:
    """An event that names the main namespace takes the long way."""
    assert _outcome(f"2{text}") == _outcome(f"2/,{text}") or text.startswith("/")


def _outcome(message: str) -> Any:
    try:
        return repr(decode(DefaultParser().decoder(), [message]).data)
    except DecodeError as error:
        return str(error)


def test_the_limit_of_attachments() -> None:
    attachments = [b""] * MAX_ATTACHMENTS
    messages = DefaultParser().encode(Packet(PacketType.EVENT, data=["a", *attachments]))
    assert decode(DefaultParser().decoder(), messages).data == ["a", *attachments]
    with pytest.raises(DecodeError, match="10 attachments, allowed are 1 to 9"):
        DefaultParser(max_attachments=9).decoder().add(messages[0])


@pytest.mark.parametrize("type_", [PacketType.EVENT, PacketType.ACK])
def test_the_limit_of_attachments_holds_for_what_is_sent(type_: PacketType) -> None:
    """A client would end the connection: the caller is told before."""
    packet = Packet(type_, data=["a", {"deep": [b""] * (MAX_ATTACHMENTS + 1)}], id=1)
    with pytest.raises(EncodeError) as caught:
        DefaultParser().encode(packet)
    for part in ("11 binary values", "10 are allowed", "max_attachments", "MsgpackParser"):
        assert part in str(caught.value)
    assert len(DefaultParser(max_attachments=11).encode(packet)) == 12


def test_the_limit_of_id_digits() -> None:
    """Every unsigned integer of 64 bits has no more, and comes back as it was."""
    assert len(str(2**64 - 1)) == MAX_ID_DIGITS
    digits = "9" * MAX_ID_DIGITS
    for text in (f'2{digits}["a"]', f'2/,{digits}["a"]', f"3{digits}[]"):
        assert decode(PARSER.decoder(), [text]).id == int(digits)
    for text in (f'29{digits}["a"]', f'2/,9{digits}["a"]', f"39{digits}[]"):
        with pytest.raises(DecodeError):
            PARSER.decoder().add(text)


def test_reset_forgets_a_packet_that_is_not_complete() -> None:
    decoder = PARSER.decoder()
    assert decoder.add(f'52-["a",{PLACE},{PLACE}]') is None
    assert decoder.add(b"one") is None
    decoder.reset()
    assert decoder.add('2["b"]') == Packet(PacketType.EVENT, "/", ["b"])
    assert decode(decoder, [f'51-["a",{PLACE}]', b"two"]).data == ["a", b"two"]
    with pytest.raises(DecodeError):
        decoder.add(b"three")


def test_decoders_of_one_parser_are_independent() -> None:
    first, second = PARSER.decoder(), PARSER.decoder()
    assert first.add(f'51-["a",{PLACE}]') is None
    assert second.add('2["b"]') == Packet(PacketType.EVENT, "/", ["b"])
    assert first.add(b"x") == Packet(PacketType.EVENT, "/", ["a", b"x"])


@pytest.mark.parametrize("type_", [PacketType.CONNECT, PacketType.CONNECT_ERROR])
def test_only_events_and_acks_carry_binary_data(type_: PacketType) -> None:
    with pytest.raises(EncodeError, match="only events"):
        PARSER.encode(Packet(type_, "/", {"a": b"x"}))


def test_data_that_has_no_json_form_is_refused() -> None:
    with pytest.raises(EncodeError, match="'object'"):
        PARSER.encode(Packet(PacketType.EVENT, "/", ["a", object()]))


@pytest.mark.parametrize(
    "make",
    [
        lambda count: ['2["a"' + ",[]" * count + "]"],
        lambda count: ["2/" + "n" * count],
        lambda count: ["2" + "1" * count],
        lambda count: ["5" + "1" * count + "-"],
        lambda count: ["2" + "[" * count],
        lambda count: ['51-["a",' + PLACE + ",[{}]" * count + "]", b""],
    ],
)
def test_decoding_is_linear(make: Any) -> None:
    def work(count: int) -> int:
        messages = make(count)

        def add() -> None:
            decoder = DefaultParser().decoder()
            try:
                for message in messages:
                    decoder.add(message)
            except DecodeError:
                pass

        return count_calls(add)

    assert work(20_000) <= 10 * work(2_000) + 100
