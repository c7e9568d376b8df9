"""The frame reader alone: whatever the stream and however it is cut, the same messages come.

Fuzzed bytes give messages or one failure, and nothing else. wsproto reads what the encoder makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto import ConnectionType, events
from wsproto.connection import Connection as WSProtoConnection

from socketio_asgi.websocket import masking
from socketio_asgi.websocket.frames import (
    CloseCode,
    Opcode,
    close_frame,
    encode_frame,
    text_frame,
)
from socketio_asgi.websocket.reader import MAX_UNREAD, FrameReader
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    frame,
    header,
    text,
    xor,
)

MAX_SIZE = 1000

Event = tuple[Any, ...]


class Recorder(FrameReader):
    """A reader that notes what it reads."""

    def __init__(self, max_size: int | None = MAX_SIZE) -> None:
        super().__init__(max_size)
        self.on_message = self.message_received
        self.events: list[Event] = []
        self.held = False
        self.start_reading()

    def message_received(self, data: str | bytes) -> None:
        self.events.append(("message", data))

    def ping_received(self, payload: bytes) -> None:
        self.events.append(("ping", payload))

    def pong_received(self) -> None:
        self.events.append(("pong",))

    def close_received(self, code: int, reason: str) -> None:
        self.events.append(("close", code, reason))
        self.discard()

    def frame_failed(self, code: CloseCode, reason: str) -> None:
        assert reason
        self.events.append(("failure", code))

    def hold_network(self) -> None:
        self.held = True


def read(pieces: Iterable[bytes]) -> list[Event]:
    """What comes of a stream in these pieces."""
    reader = Recorder()
    for piece in pieces:
        reader.data_received(piece)
    return reader.events


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut a stream at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def one_by_one(data: bytes) -> list[bytes]:
    """Cut a stream into bytes."""
    return [data[index : index + 1] for index in range(len(data))]


masks = st.binary(min_size=4, max_size=4)
places = st.lists(st.integers(0, 1 << 16), max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
binaries = st.binary(max_size=200)


@st.composite
def controls(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """Control frames, and what comes of them."""
    data, expected = b"", list[Event]()
    for opcode in draw(st.lists(st.sampled_from([PING, PONG]), max_size=2)):
        payload = draw(st.binary(max_size=125))
        data += frame(opcode, payload, mask=draw(masks))
        expected.append(("ping", payload) if opcode == PING else ("pong",))
    return data, expected


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """A message in any number of fragments, with control frames between them."""
    value: str | bytes = draw(st.one_of(texts, binaries))
    payload = value.encode() if isinstance(value, str) else value
    fragments = cut(payload, draw(st.lists(st.integers(0, 1000), max_size=4))) or [b""]
    if draw(st.booleans()):
        fragments.insert(draw(st.integers(0, len(fragments))), b"")
    data, expected = b"", list[Event]()
    for index, fragment in enumerate(fragments):
        between, events_between = draw(controls()) if index else (b"", [])
        first = TEXT if isinstance(value, str) else BINARY
        data += between + frame(
            CONTINUATION if index else first,
            fragment,
            final=index == len(fragments) - 1,
            mask=draw(masks),
        )
        expected += events_between
    return data, [*expected, ("message", value)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """All that a client sends, perhaps with a close in the end, and what comes of it."""
    data, expected = b"", list[Event]()
    for more, events_of_it in draw(st.lists(st.one_of(messages(), controls()), max_size=8)):
        data += more
        expected += events_of_it
    if draw(st.booleans()):
        code = draw(st.sampled_from([1000, 1001, 1011, 3000, 4999]))
        reason = draw(st.text("aä€", max_size=40))
        data += frame(CLOSE, code.to_bytes(2, "big") + reason.encode()) + text("late")
        expected.append(("close", code, reason))
    return data, expected


EXAMPLE = ("", "a", "x" * 125, "x" * 126)


@given(streams(), places)
@example((b"".join(map(text, EXAMPLE)), [("message", value) for value in EXAMPLE]), [])
def test_a_stream_is_read_the_same_however_it_is_cut(
    stream: tuple[bytes, list[Event]], places: list[int]
) -> None:
    data, expected = stream
    assert read([data]) == expected
    assert read(one_by_one(data)) == expected
    assert read(cut(data, places)) == expected


@given(streams(), places, st.lists(st.booleans(), max_size=25))
def test_pauses_change_nothing(
    stream: tuple[bytes, list[Event]], places: list[int], pauses: list[bool]
) -> None:
    data, expected = stream
    reader = Recorder()
    for index, piece in enumerate(cut(data, places)):
        if index < len(pauses) and pauses[index]:
            reader.stop_reading()
            before = list(reader.events)
            reader.data_received(piece)
            assert reader.events == before
            reader.start_reading()
        else:
            reader.data_received(piece)
    assert reader.events == expected


hostile = st.one_of(
    st.binary(max_size=300),
    st.builds(
        frame,
        st.integers(0, 15),
        st.one_of(st.binary(max_size=200), st.just(b"x" * 1100)),
        final=st.booleans(),
        reserved=st.sampled_from([0, 0, 0, 0, 1, 4]),
        mask=st.one_of(masks, masks, masks, st.none()),
    ),
    st.builds(header, st.integers(0, 15), st.integers(0, (1 << 64) - 1), final=st.booleans()),
)


@given(st.lists(hostile, max_size=8), places)
def test_any_bytes_give_messages_or_one_failure(pieces: list[bytes], places: list[int]) -> None:
    data = b"".join(pieces)
    found = read([data])
    assert found == read(one_by_one(data)) == read(cut(data, places))
    kinds = [event[0] for event in found]
    assert set(kinds) <= {"message", "ping", "pong", "close", "failure"}
    assert all(kind not in {"close", "failure"} for kind in kinds[:-1]), "there was more after"
    for event in found:
        if event[0] == "failure":
            assert event[1] in {1002, 1007, 1009}
        if event[0] == "message":
            value = event[1]
            assert len(value.encode() if isinstance(value, str) else value) <= MAX_SIZE


@given(st.binary(max_size=50), places)
def test_texts_are_what_python_takes_for_utf8(payload: bytes, places: list[int]) -> None:
    try:
        expected: Event = ("message", payload.decode())
    except UnicodeDecodeError:
        expected = ("failure", CloseCode.INVALID_PAYLOAD)
    data = frame(TEXT, payload)
    assert read([data]) == read(one_by_one(data)) == read(cut(data, places)) == [expected]


def test_what_a_receiver_raises_is_not_blamed_on_the_client() -> None:
    class Failing(Recorder):
        def message_received(self, data: str | bytes) -> None:
            b"\xff".decode()

    for data in (
        text("short"),
        text("in fragments", final=False) + frame(CONTINUATION),
        text("x" * 300),
    ):
        reader = Failing()
        with pytest.raises(UnicodeDecodeError):
            reader.data_received(data)
        assert reader.events == []


def test_little_is_kept_while_nothing_is_read() -> None:
    reader = Recorder()
    reader.stop_reading()
    piece, count = text("x" * 500) * 10, 0
    while not reader.held:
        reader.data_received(piece)
        count += 1
        assert count * len(piece) <= MAX_UNREAD + len(piece)
    assert count > 1
    reader.start_reading()
    assert reader.events == [("message", "x" * 500)] * (10 * count)


def test_a_receiver_that_stops_within_a_segment() -> None:
    class Stopping(Recorder):
        def message_received(self, data: str | bytes) -> None:
            super().message_received(data)
            self.stop_reading()

    reader = Stopping()
    reader.data_received(text("a") + text("b") + text("c"))
    for value in "abc":
        assert reader.events[-1] == ("message", value)
        reader.start_reading()
    assert len(reader.events) == 3


def test_no_limit_of_size() -> None:
    reader = Recorder(max_size=None)
    reader.data_received(frame(BINARY, bytes(100_000)))
    assert reader.events == [("message", bytes(100_000))]
    reader.stop_reading()  # as when the connection is taken over
    reader.limit_size(5)
    reader.start_reading()
    reader.data_received(text("123456"))
    assert reader.events[1:] == [("failure", CloseCode.MESSAGE_TOO_BIG)]


def test_a_limit_is_not_raised() -> None:
    reader = Recorder(max_size=5)
    reader.limit_size(1000)
    reader.data_received(text("123456"))
    assert reader.events == [("failure", CloseCode.MESSAGE_TOO_BIG)]


@pytest.mark.parametrize("max_size", [1, 50])
def test_the_limit_holds_for_the_shortest_messages(max_size: int) -> None:
    """Also on the way that short texts take."""
    reader = Recorder(max_size=max_size)
    reader.data_received(text("x" * max_size))
    reader.data_received(text("x" * (max_size + 1)))
    kinds = [event[0] for event in reader.events]
    assert kinds == ["message", "failure"]


# -- masks and frames of the server ----------------------------------------------------------


@given(st.binary(max_size=300), masks)
def test_both_ways_to_mask(data: bytes, mask: bytes) -> None:
    assert masking.xor_mask(data, mask) == masking.apply_mask(data, mask) == xor(data, mask)


def parse(data: bytes) -> list[events.Event]:
    """What wsproto, as a client, takes frames of a server for."""
    connection = WSProtoConnection(ConnectionType.CLIENT)
    connection.receive_data(data)
    return list(connection.events())


sizes = st.one_of(
    st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, 65_537, 200_000])
)


@given(sizes)
@example(125)
@example(126)
@example(65_535)
@example(65_536)
def test_frames_of_texts_and_bytes(size: int) -> None:
    for data in (text_frame(b"x" * size), encode_frame(Opcode.TEXT, b"x" * size)):
        found = parse(data)
        assert all(isinstance(event, events.TextMessage) for event in found)
        assert "".join(event.data for event in found) == "x" * size  # type: ignore[attr-defined]
        assert found[-1].message_finished  # type: ignore[attr-defined]
    found = parse(encode_frame(Opcode.BINARY, b"x" * size))
    assert b"".join(bytes(event.data) for event in found) == b"x" * size  # type: ignore[attr-defined]


@given(texts)
def test_frames_of_any_text(value: str) -> None:
    found = parse(text_frame(value.encode()))
    assert "".join(event.data for event in found) == value  # type: ignore[attr-defined]


@given(st.binary(max_size=125))
def test_frames_of_pings_and_pongs(payload: bytes) -> None:
    assert parse(encode_frame(Opcode.PING, payload)) == [events.Ping(payload=payload)]
    assert parse(encode_frame(Opcode.PONG, payload)) == [events.Pong(payload=payload)]


@given(st.sampled_from([1000, 1001, 1011, 1012, 3000, 4999]), st.text(max_size=200))
def test_frames_of_closes(code: int, reason: str) -> None:
    data = close_frame(code, reason)
    assert len(data) <= 127
    (found,) = parse(data)
    assert isinstance(found, events.CloseConnection)
    assert found.code == code
    clean = reason.encode("utf-8", "replace").decode()
    assert clean.startswith(found.reason or "")
    assert len(clean.encode()) <= 123 or len((found.reason or "").encode()) > 119


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000, -1])
def test_codes_that_must_not_be_sent(code: int) -> None:
    with pytest.raises(ValueError, match="close code"):
        close_frame(code)
