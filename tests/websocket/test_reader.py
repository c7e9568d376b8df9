"""The frame reader alone: whatever the stream and however it is cut, the same messages come.

Fuzzed bytes give messages or one failure, and nothing else. wsproto reads what the encoder makes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
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
    Side,
    close_frame,
    encode_frame,
    text_frame,
)
from socketio_asgi.websocket.python_reader import MAX_BACKLOG, TURN_SIZE, PythonFrameReader
from socketio_asgi.websocket.reader import FrameReader
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


class Recorder:
    """A sink that notes what its reader reads."""

    def __init__(
        self,
        max_size: int | None = MAX_SIZE,
        side: Side = Side.SERVER,
        reader: type[PythonFrameReader] = FrameReader,
    ) -> None:
        self.events: list[Event] = []
        self.backlogs = self.turns = 0
        self.reader = reader(self, self.message_received, side=side, max_size=max_size)
        self.reader.resume()

    def message_received(self, data: str | bytes) -> None:
        self.events.append(("message", data))

    def ping_received(self, payload: bytes) -> None:
        self.events.append(("ping", payload))

    def pong_received(self) -> None:
        self.events.append(("pong",))

    def close_received(self, code: int, reason: str) -> None:
        self.events.append(("close", code, reason))
        self.reader.discard()

    def frame_failed(self, code: int, reason: str) -> None:
        assert reason
        self.events.append(("failure", code))

    def backlog_exceeded(self) -> None:
        self.backlogs += 1

    def turn_exceeded(self) -> None:
        assert self.reader.read_on_due
        self.turns += 1

    def read_to_the_end(self) -> None:
        while self.reader.read_on_due:
            self.reader.read_on()


def read(
    pieces: Iterable[bytes], max_size: int | None = MAX_SIZE, side: Side = Side.SERVER
) -> list[Event]:
    """The events of a stream in these pieces."""
    recorder = Recorder(max_size, side)
    for piece in pieces:
        recorder.reader.feed(piece)
        recorder.read_to_the_end()
    return recorder.events


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


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("size", [0, 2, 3, 125, 126])
def test_control_frames_do_not_count_as_messages(opcode: int, size: int) -> None:
    payload = b"\x03\xe8"[:size] + b"a" * (size - 2)
    data = frame(opcode, payload)
    assert read([data], max_size=1) == read(one_by_one(data), max_size=1)
    assert (read([data], max_size=1)[0][0] == "failure") == (size > 125)


@given(streams(), places, st.lists(st.booleans(), max_size=25))
def test_pauses_change_nothing(
    stream: tuple[bytes, list[Event]], places: list[int], pauses: list[bool]
) -> None:
    data, expected = stream
    recorder = Recorder()
    reader = recorder.reader
    for index, piece in enumerate(cut(data, places)):
        if index < len(pauses) and pauses[index]:
            reader.pause()
            before = list(recorder.events)
            reader.feed(piece)
            assert recorder.events == before
            reader.resume()
        else:
            reader.feed(piece)
        recorder.read_to_the_end()
    assert recorder.events == expected


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


# -- the short cut for one short text in one segment -----------------------------------------


short_payloads = st.one_of(
    st.text("aä€", max_size=20).map(str.encode),
    st.integers(120, 127).map(lambda size: b"x" * size),
    st.binary(min_size=1, max_size=4),
)


@st.composite
def nearly_short_texts(draw: st.DrawFn, side: Side) -> bytes:
    """A segment that the short cut takes, or one that differs from that a little."""
    right = masks if side is Side.SERVER else st.none()
    data = frame(
        draw(st.sampled_from([TEXT, TEXT, TEXT, CONTINUATION, BINARY])),
        draw(short_payloads),
        final=draw(st.booleans()),
        mask=draw(st.one_of(*[right] * 7, masks, st.none())),
    )
    start, end, rest = draw(
        st.one_of(
            *[st.just((b"", len(data), b""))] * 9,
            st.tuples(st.binary(max_size=2), st.just(len(data)), st.just(b"")),
            st.tuples(st.just(b""), st.integers(0, len(data)), st.just(b"")),
            st.tuples(st.just(b""), st.just(len(data)), st.binary(max_size=3)),
        )
    )
    segment: bytes = start + data[len(start) : end] + rest
    return segment


@st.composite
def nearly_short_streams(draw: st.DrawFn) -> tuple[Side, list[bytes]]:
    """Segments of this kind, for one side."""
    side = draw(st.sampled_from(Side))
    return side, draw(st.lists(nearly_short_texts(side), min_size=1, max_size=5))


@given(nearly_short_streams(), st.sampled_from([None, 125, 124, 60, 3, 0]))
@example((Side.SERVER, [frame(TEXT, b"x" * 125), frame(TEXT, b"\xff")]), 125)
@example((Side.CLIENT, [frame(TEXT, b"x" * 125, mask=None), frame(TEXT, b"\xff", mask=None)]), 125)
@example((Side.SERVER, [frame(TEXT, final=False), frame(TEXT)]), None)
def test_the_short_cut_reads_as_the_general_branch_does(
    stream: tuple[Side, list[bytes]], max_size: int | None
) -> None:
    side, segments = stream
    short = read(segments, max_size, side)
    general = read([half for data in segments for half in (data[:1], data[1:])], max_size, side)
    assert short == general


def calls_of(function: Callable[[bytes], object], data: bytes) -> list[str]:
    """The Python functions that are called, by name."""
    names: list[str] = []
    previous = sys.getprofile()
    sys.setprofile(lambda frame, event, _: event == "call" and names.append(frame.f_code.co_name))  # type: ignore[func-returns-value]
    try:
        function(data)
    finally:
        sys.setprofile(previous)
    return names


@pytest.mark.parametrize("size", [0, 5, 125])
def test_a_short_text_passes_no_call_on_its_way(size: int) -> None:
    recorder = Recorder(reader=PythonFrameReader)
    assert calls_of(recorder.reader.feed, text("x" * size)) == ["feed", "message_received"]


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
        recorder = Failing()
        with pytest.raises(UnicodeDecodeError):
            recorder.reader.feed(data)
        assert recorder.events == []


def test_little_is_kept_while_nothing_is_read() -> None:
    recorder = Recorder()
    recorder.reader.pause()
    piece, count = text("x" * 500) * 10, 0
    while not recorder.backlogs:
        recorder.reader.feed(piece)
        count += 1
        assert count * len(piece) <= MAX_BACKLOG + len(piece)
    assert count > 1
    recorder.reader.resume()
    recorder.read_to_the_end()
    assert recorder.events == [("message", "x" * 500)] * (10 * count)


# Frames of a flood, as small as they can be, and what comes of each.
floods = pytest.mark.parametrize(
    ("unit", "event"),
    [
        (text("x"), ("message", "x")),
        (frame(PING), ("ping", b"")),
        (text("x", final=False) + frame(CONTINUATION), ("message", "x")),
    ],
    ids=["texts", "pings", "fragments"],
)


@floods
def test_of_a_large_segment_little_is_read_at_a_time(unit: bytes, event: Event) -> None:
    count = 50_000 // len(unit)
    recorder = Recorder()
    recorder.reader.feed(unit * count)
    done = 0
    while recorder.reader.read_on_due:
        assert (len(recorder.events) - done) * len(unit) <= TURN_SIZE + len(unit)
        done = len(recorder.events)
        recorder.reader.read_on()
    assert recorder.events == [event] * count
    assert recorder.turns >= 50_000 // TURN_SIZE - 1


def test_what_comes_meanwhile_waits_for_its_turn() -> None:
    recorder = Recorder()
    recorder.reader.feed(text("x" * 500) * 100)
    before = list(recorder.events)
    for value in ("short", "y" * 500):
        recorder.reader.feed(text(value))
    assert recorder.events == before
    recorder.read_to_the_end()
    assert recorder.events[-3:] == [("message", value) for value in ("x" * 500, "short", "y" * 500)]
    assert len(recorder.events) == 102


def test_a_receiver_that_pauses_all_the_time_gets_no_more_in_a_turn() -> None:
    recorder = Pausing()
    recorder.reader.feed(text("x") * 10_000)
    while not recorder.reader.read_on_due:
        assert not recorder.reader.resume()
    assert len(recorder.events) * len(text("x")) <= TURN_SIZE + len(text("x"))
    recorder.reader.pause()
    assert not recorder.reader.read_on()
    recorder.reader.discard()
    assert not recorder.reader.read_on()


class Pausing(Recorder):
    """Pauses its reader with each message."""

    def message_received(self, data: str | bytes) -> None:
        super().message_received(data)
        self.reader.pause()


def test_a_receiver_that_pauses_within_a_segment() -> None:
    recorder = Pausing()
    recorder.reader.feed(text("a") + text("b") + text("c"))
    for value in "abc":
        assert recorder.events[-1] == ("message", value)
        recorder.reader.resume()
    assert len(recorder.events) == 3


def test_reading_tells_whether_it_goes_on() -> None:
    """So that the network is not read for a receiver that has paused again."""
    recorder = Pausing()
    recorder.reader.feed(text("a") + text("b"))
    assert not recorder.reader.resume()
    assert recorder.reader.resume()
    assert recorder.reader.resume()
    recorder.reader.discard()
    assert not recorder.reader.resume()


def test_nothing_is_read_after_the_end() -> None:
    recorder = Recorder()
    recorder.reader.feed(text("in fragments", final=False))
    for _ in range(2):
        recorder.reader.discard()
        recorder.reader.resume()
        for data in (frame(CONTINUATION), text("a"), text("b") * 10, frame(5), bytes(100_000)):
            recorder.reader.feed(data)
    assert recorder.events == []
    assert recorder.backlogs == 0


def test_no_limit_of_size() -> None:
    recorder = Recorder(max_size=None)
    reader = recorder.reader
    reader.feed(frame(BINARY, bytes(100_000)))
    assert recorder.events == [("message", bytes(100_000))]
    reader.pause()  # as when the connection is taken over
    reader.limit_size(5)
    reader.resume()
    reader.feed(text("123456"))
    assert recorder.events[1:] == [("failure", CloseCode.MESSAGE_TOO_BIG)]


def test_a_limit_is_not_raised() -> None:
    recorder = Recorder(max_size=5)
    recorder.reader.limit_size(1000)
    recorder.reader.feed(text("123456"))
    assert recorder.events == [("failure", CloseCode.MESSAGE_TOO_BIG)]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("max_size", [1, 50])
def test_the_limit_holds_for_the_shortest_messages(max_size: int, later: bool) -> None:
    """Also on the path of short texts, and when it is set while reading."""
    recorder = Recorder(max_size=None if later else max_size)
    recorder.reader.limit_size(max_size)
    recorder.reader.feed(text("x" * max_size))
    recorder.reader.feed(text("x" * (max_size + 1)))
    kinds = [event[0] for event in recorder.events]
    assert kinds == ["message", "failure"]


# -- masks and frames of the server ----------------------------------------------------------


@given(st.binary(max_size=300), masks)
def test_both_ways_to_mask(data: bytes, mask: bytes) -> None:
    assert masking.xor_mask(data, mask) == masking.apply_mask(data, mask) == xor(data, mask)


def parse(data: bytes) -> list[events.Event]:
    """The events that wsproto, as a client, finds in frames of a server."""
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


@given(st.binary(max_size=300))
@example(b"x" * 125)
@example(b"x" * 126)
def test_the_header_from_the_table_is_the_one_that_is_made(payload: bytes) -> None:
    assert text_frame(payload) == encode_frame(Opcode.TEXT, payload)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000, -1])
def test_codes_that_must_not_be_sent(code: int) -> None:
    with pytest.raises(ValueError, match="close code"):
        close_frame(code)
