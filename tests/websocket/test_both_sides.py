"""Frames between a client and a server: ours on both sides, and ours with independent peers.

What one side encodes the other reads, whole and however it is cut. The peers are wsproto and
websockets, each as a client and as a server.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, events
from wsproto.connection import Connection as WSProtoConnection

from socketio_asgi.websocket.frames import (
    CloseCode,
    Opcode,
    Side,
    close_payload,
    encode_frame,
    encode_masked_frame,
)
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

from .test_reader import Event, cut, one_by_one, places, read

OTHER = {Side.CLIENT: Side.SERVER, Side.SERVER: Side.CLIENT}
sides = st.sampled_from(Side)


class Item(NamedTuple):
    """Something that is sent, with what the other side is to make of it."""

    opcode: int
    payload: bytes
    event: Event


def item(opcode: int, payload: bytes) -> Item:
    """A message, a ping or a pong."""
    made: dict[int, Event] = {
        PING: ("ping", payload),
        PONG: ("pong",),
        BINARY: ("message", payload),
    }
    return Item(opcode, payload, made.get(opcode) or ("message", payload.decode()))


items = st.one_of(
    st.builds(item, st.just(TEXT), st.text(max_size=200).map(str.encode)),
    st.builds(item, st.just(BINARY), st.binary(max_size=200)),
    st.builds(item, st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    st.builds(item, st.just(BINARY), st.sampled_from([125, 126, 127, 65_535, 65_536]).map(bytes)),
)
endings = st.tuples(st.sampled_from([1000, 1001, 3000, 4999]), st.text("aä€", max_size=30))


def encode(side: Side, opcode: int, payload: bytes) -> bytes:
    """A frame of one side."""
    return (encode_masked_frame if side is Side.CLIENT else encode_frame)(opcode, payload)


# -- ours on both sides ----------------------------------------------------------------------


@given(sides, st.lists(items, max_size=8), endings, places)
def test_one_side_reads_what_the_other_sends(
    sender: Side, sent: list[Item], end: tuple[int, str], places: list[int]
) -> None:
    data = b"".join(encode(sender, opcode, payload) for opcode, payload, _ in sent)
    data += encode(sender, CLOSE, close_payload(*end))
    expected: list[Event] = [*(event for _, _, event in sent), ("close", *end)]
    pieces = [[data], cut(data, places)]
    if len(data) < 2000:
        pieces.append(one_by_one(data))
    for stream in pieces:
        assert read(stream, None, OTHER[sender]) == expected


@given(sides, items)
def test_frames_of_ones_own_side_are_an_error(side: Side, sent: Item) -> None:
    """A client must mask, and a server must not (section 5.1)."""
    data = encode(side, sent.opcode, sent.payload)
    failure = [("failure", CloseCode.PROTOCOL_ERROR)]
    assert read([data], None, side) == read(one_by_one(data[:3]), None, side) == failure


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.sampled_from([TEXT, BINARY]))
def test_a_client_reads_fragments(pings: list[bool], opcode: int) -> None:
    data, expected = frame(opcode, "ä".encode()[:1], final=False, mask=None), list[Event]()
    for ping in pings:
        if ping:
            data += frame(PING, b"p", mask=None)
            expected.append(("ping", b"p"))
        data += frame(CONTINUATION, "ä".encode()[1:], final=False, mask=None)
        data += frame(CONTINUATION, "ä".encode()[:1], final=False, mask=None)
    data += frame(CONTINUATION, "ä".encode()[1:], mask=None)
    whole = ("ä" * (len(pings) + 1)).encode()
    expected.append(("message", whole.decode() if opcode == TEXT else whole))
    assert read([data], side=Side.CLIENT) == read(one_by_one(data), side=Side.CLIENT) == expected


def test_masks_are_new_and_random() -> None:
    masks = {encode_masked_frame(Opcode.BINARY, b"")[2:] for _ in range(100)}
    assert len(masks) == 100
    assert {len(mask) for mask in masks} == {4}
    frames = {encode_masked_frame(Opcode.BINARY, bytes(50))[6:] for _ in range(100)}
    assert len(frames) == 100


@pytest.mark.parametrize("size", [0, 5, 125])
def test_the_limit_of_a_client(size: int) -> None:
    for too_much in (0, 1):
        data = encode_frame(Opcode.TEXT, b"x" * (size + too_much))
        expected = ("failure", 1009) if too_much else ("message", "x" * size)
        assert read([data], size, Side.CLIENT) == [expected]


# -- wsproto ---------------------------------------------------------------------------------


def wsproto(side: Side) -> WSProtoConnection:
    """The other side of ours."""
    kind = ConnectionType.CLIENT if side is Side.CLIENT else ConnectionType.SERVER
    return WSProtoConnection(kind)


def heard_by_wsproto(side: Side, data: bytes) -> list[Event]:
    """The events that wsproto finds in a stream."""
    connection, heard = wsproto(side), list[Event]()
    connection.receive_data(data)
    parts: list[Any] = []
    for event in connection.events():
        match event:
            case events.TextMessage() | events.BytesMessage():
                parts.append(event.data)
                if event.message_finished:
                    empty: Any = "" if isinstance(event, events.TextMessage) else b""
                    heard.append(("message", empty.join(parts)))
                    parts = []
            case events.Ping():
                heard.append(("ping", event.payload))
            case events.Pong():
                heard.append(("pong",))
            case events.CloseConnection():
                heard.append(("close", event.code, event.reason or ""))
            case _:
                raise AssertionError(event)
    return heard


def wsproto_event(sent: Item) -> events.Event:
    """The same as an event of wsproto."""
    match sent.opcode:
        case Opcode.TEXT:
            return events.TextMessage(data=sent.payload.decode())
        case Opcode.BINARY:
            return events.BytesMessage(data=sent.payload)
        case Opcode.PING:
            return events.Ping(payload=sent.payload)
        case _:
            return events.Pong(payload=sent.payload)


@given(sides, st.lists(items, max_size=5), endings)
def test_wsproto_reads_our_frames(side: Side, sent: list[Item], end: tuple[int, str]) -> None:
    data = b"".join(encode(side, opcode, payload) for opcode, payload, _ in sent)
    data += encode(side, CLOSE, close_payload(*end))
    expected = [*(event for _, _, event in sent), ("close", *end)]
    assert heard_by_wsproto(OTHER[side], data) == expected


@given(sides, st.lists(items, max_size=5), endings, places)
def test_we_read_the_frames_of_wsproto(
    side: Side, sent: list[Item], end: tuple[int, str], places: list[int]
) -> None:
    connection = wsproto(OTHER[side])
    data = b"".join(connection.send(wsproto_event(each)) for each in sent)
    data += connection.send(events.CloseConnection(code=end[0], reason=end[1]))
    expected = [*(event for _, _, event in sent), ("close", *end)]
    assert read([data], None, side) == read(cut(data, places), None, side) == expected


# -- websockets ------------------------------------------------------------------------------


def websockets(side: Side) -> ClientProtocol | ServerProtocol:
    """The other side of ours, with an open connection."""
    if side is Side.CLIENT:
        return ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    return ServerProtocol(state=State.OPEN, max_size=None)


def heard_by_websockets(side: Side, data: bytes) -> list[Event]:
    """The events that websockets finds in a stream."""
    connection, heard = websockets(side), list[Event]()
    connection.receive_data(data)
    for event in connection.events_received():
        assert isinstance(event, Frame)
        if event.opcode == CLOSE:
            assert connection.close_rcvd is not None
            heard.append(("close", connection.close_rcvd.code, connection.close_rcvd.reason))
        else:
            heard.append(item(event.opcode, bytes(event.data)).event)
    assert connection.parser_exc is None
    return heard


def send_with_websockets(connection: ClientProtocol | ServerProtocol, sent: Item) -> None:
    """Send a message, a ping or a pong."""
    send = {
        TEXT: connection.send_text,
        BINARY: connection.send_binary,
        PING: connection.send_ping,
        PONG: connection.send_pong,
    }[sent.opcode]
    send(sent.payload)


@given(sides, st.lists(items, max_size=5), endings)
def test_websockets_reads_our_frames(side: Side, sent: list[Item], end: tuple[int, str]) -> None:
    data = b"".join(encode(side, opcode, payload) for opcode, payload, _ in sent)
    data += encode(side, CLOSE, close_payload(*end))
    expected = [*(event for _, _, event in sent), ("close", *end)]
    assert heard_by_websockets(OTHER[side], data) == expected


@given(sides, st.lists(items, max_size=5), endings, places)
def test_we_read_the_frames_of_websockets(
    side: Side, sent: list[Item], end: tuple[int, str], places: list[int]
) -> None:
    connection = websockets(OTHER[side])
    for each in sent:
        send_with_websockets(connection, each)
    connection.send_close(*end)
    data = b"".join(connection.data_to_send())
    expected = [*(event for _, _, event in sent), ("close", *end)]
    assert read([data], None, side) == read(cut(data, places), None, side) == expected
