"""Short events and acknowledgements: in Python, in C, and on the general way, they are the same."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socketio_asgi.protocol import RESERVED_EVENTS, DecodeError, EncodeError, Packet, PacketType
from socketio_asgi.protocol.parser import DefaultDecoder, DefaultParser
from socketio_asgi.websocket import python_events, speedups
from socketio_asgi.websocket.frames import Opcode, Side, encode_frame, text_frame
from socketio_asgi.websocket.native_reader import native_reader
from socketio_asgi.websocket.python_reader import PythonFrameReader
from tests.support.frames import BINARY, TEXT, frame
from tests.support.requirements import missing

LONGEST = 131
"""The largest segment of a short frame."""

_PIECES = st.sampled_from(
    [
        *(b"42", b"43", b"4", b"2", b"0", b"5", b"1-", b"/", b"/a,", b",", b"[", b"]", b'["a"]'),
        *(
            b'"connect"',
            b"12",
            b"[]",
            b"007",
            b"9" * 19,
            b"9" * 20,
            b"9" * 21,
            b" ",
            b"{}",
            b"null",
        ),
        *(b"1e400", b'"\\ud800"', b'"\xff"', b'"\xc3\xa9"', b"\xd9\xa3", b'[{"b":[1]}]', b"\x1e"),
    ]
)
texts = st.one_of(
    st.lists(_PIECES, max_size=8).map(lambda pieces: b"42" + b"".join(pieces)),
    st.binary(max_size=30),
    st.builds(
        b"42%b%b".__mod__,
        st.tuples(
            st.integers(0, 10**21).map(lambda number: b"%d" % number),
            st.sampled_from(
                [
                    *(b'["a"]', b'["a",{"b":[1,null]}]', b'["connect"]', b"[1]", b"[true,1]"),
                    *(
                        b"[[]]",
                        b"{}",
                        b"[",
                        b"",
                        b'["a"] ',
                        b'["a"]x',
                        b'["a",18446744073709551616]',
                    ),
                    *(b'["a",NaN]', b'["\xed\xa0\x80"]', b'["a",' + b"[" * 40 + b"]" * 40 + b"]"),
                ]
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def native() -> speedups.Speedups:
    """The native piece, also where the environment has it switched off."""
    previous = os.environ.pop(speedups.VARIABLE, None)
    try:
        found = speedups.find()
    finally:
        if previous is not None:
            os.environ[speedups.VARIABLE] = previous
    if found is None:
        missing("socketio-asgi-speedups is not installed: make native")
    return found


def decoded(text: bytes) -> Any:
    """What the general way makes of a whole message: a packet, or what is wrong with it."""
    try:
        packet = DefaultDecoder()._add_text(text.decode()[1:])
    except DecodeError as error:
        return str(error)
    assert packet is not None
    return packet


def check(event: python_events.ShortEvent | None, text: bytes) -> None:
    """Check that a short event is the packet that the general way finds."""
    if event is None:
        return
    number, items = event
    if items[0] in RESERVED_EVENTS:  # its taker looks
        assert isinstance(decoded(text), str)
    else:
        assert decoded(text) == Packet(PacketType.EVENT, "/", items, number)


@given(texts)
@example(b'42["a"]')
@example(b"42[")
@example(b'42007["a"]')
@example(b'4218446744073709551616["a"]')
def test_an_event_is_what_the_general_way_makes_of_it(text: bytes) -> None:
    if text.startswith(python_events.EVENT):
        check(python_events.read_event(text), text)


def test_ordinary_events_take_the_short_cut(native: speedups.Speedups) -> None:
    for number in (None, 0, 7, 10**19 - 1):
        for items in (["a"], ["é", 1.5], ["a", {"b": [None]}, "x" * 60]):
            text = DefaultParser().encode(Packet(PacketType.EVENT, "/", items, number))[0]
            assert isinstance(text, str)
            data = b"4" + text.encode()
            assert python_events.read_event(data) == (number, items)
            assert native.read_event_frame(frame(TEXT, data), LONGEST) == (number, items)


@given(texts, st.binary(min_size=4, max_size=4), st.integers(0, 140))
def test_the_native_piece_reads_the_same_frames(
    native: speedups.Speedups, text: bytes, mask: bytes, longest: int
) -> None:
    data = frame(TEXT, text, mask=mask)
    event = native.read_event_frame(data, longest)
    if len(text) > 125 or len(data) > longest:
        assert event is None
    check(event, text)
    if event is None and len(text) <= 125 and len(data) <= longest and text.startswith(b"42"):
        in_python = python_events.read_event(text)
        assert in_python is None or len(str(in_python[0])) == 20  # beyond 64 bits, perhaps
    for other in (data[:-1], data + b"x", data[1:], frame(BINARY, text, mask=mask)):
        assert native.read_event_frame(other, 1000) is None
    assert native.read_event_frame(frame(TEXT, text, mask=mask, final=False), 1000) is None
    assert native.read_event_frame(frame(TEXT, text, mask=None), 1000) is None


@given(st.lists(st.binary(max_size=140), max_size=30))
def test_the_native_piece_survives_any_bytes(
    native: speedups.Speedups, segments: list[bytes]
) -> None:
    for data in segments:
        for beginning in (b"", b"\x81", b"\x81\x87\0\0\0\0", b"\x81\x87\0\0\0\x0042"):
            event = native.read_event_frame(beginning + data, LONGEST)
            assert event is None or type(event[1][0]) is str
    assert native.read_event_frame(bytearray(frame(TEXT, b'42["a"]')), LONGEST) is None  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        native.read_event_frame(b"")  # type: ignore[call-arg, misc]


values = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text()),
        st.sampled_from([b"binary", object(), "\ud800", {1: 2}, 1e400, ("t",)]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)


@given(st.integers(0, 10**20), st.lists(values, max_size=3))
@example(0, [])
@example(12, ["x" * 118])
@example(12, ["x" * 119])
@example(12, ["x" * 65528])
@example(12, ["x" * 65529])
def test_an_acknowledgement_is_what_the_parser_makes(
    native: speedups.Speedups, number: int, values: list[Any]
) -> None:
    in_python = python_events.ack_frame(number, values)
    in_c = native.ack_frame(number, values)
    assert in_c == (in_python if number < 2**64 else None)
    if in_python is not None:
        [text] = DefaultParser().encode(Packet(PacketType.ACK, "/", values, number))
        assert isinstance(text, str)
        assert in_python == text_frame(b"4" + text.encode())
    else:
        with suppress(EncodeError):  # the general way says what is wrong
            DefaultParser().encode(Packet(PacketType.ACK, "/", values, number))


# -- the reader ------------------------------------------------------------------------------------


class Sink(SimpleNamespace):
    """Notes what a reader reads; takes every event but those named ``no``."""

    def __init__(self, reader: type[PythonFrameReader], *, events: bool) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.reader = reader(self, self.seen.append, side=Side.SERVER, max_size=100)
        if events:
            self.reader.on_event = self.take
        self.reader.resume()

    def take(self, number: int | None, items: list[Any]) -> bool:
        if items[0] == "no":
            return False
        # As a client writes it, so that it compares with messages.
        text, *attachments = DefaultParser().encode(Packet(PacketType.EVENT, "/", items, number))
        assert isinstance(text, str)
        self.seen += ["4" + text, *attachments]
        return True

    def frame_failed(self, code: int, reason: str) -> None:
        self.seen.append(code)

    def pong_received(self) -> None:
        self.seen.append("pong")

    def ping_received(self, payload: bytes) -> None:
        self.seen.append(payload)

    def close_received(self, code: int, reason: str) -> None:
        self.seen.append((code, reason))
        self.reader.discard()

    def turn_exceeded(self) -> None:
        pass

    def backlog_exceeded(self) -> None:
        pass


def with_attachment(choose: random.Random) -> bytes:
    """A segment that is, more or less, an event with an attachment."""
    text = choose.choice(
        [
            *[
                '451-7["a",{"_placeholder":true,"num":0}]',
                '451-["é",1,{"_placeholder":true,"num":0}]',
            ]
            * 3,
            *('451-7["no",{"_placeholder":true,"num":0}]', '451-["a"]', "451-7[]", "451-"),
            *('452-["a",{"_placeholder":true,"num":0}]', '451-["a",{"_placeholder":true,"num":1}]'),
            *('451-["a",[{"_placeholder":true,"num":0}]]', '42["a"]', "2", '451-["a",{"num":0}]'),
            *('451-/b,["a",{"_placeholder":true,"num":0}]', "451-[" + "1" * 115 + "]"),
        ]
    )
    size = choose.choice([*range(4), 80, 100, 101, 125, 126, 127, 300])
    opcode = choose.choice([BINARY] * 9 + [TEXT])
    data = frame(opcode, b"x" * size, mask=choose.randbytes(4), final=choose.randrange(20) > 0)
    whole = frame(TEXT, text.encode(), mask=choose.randbytes(4)) + data
    return choose.choice([*[whole] * 8, whole[:-1], whole + b"\x81"])


binary_texts = st.builds(
    "451-{}{}".format,
    st.sampled_from(["", "1", "007", "12", "9" * 20, "9" * 21, "/a,", "/a,3", "٣", "-1"]),
    st.sampled_from(
        [
            *('["a",{"_placeholder":true,"num":0}]', '["a",1,{"_placeholder":true,"num":0},{}]'),
            *(
                '["a"]',
                '["a",{"_placeholder":true,"num":1}]',
                '["a",[{"_placeholder":true,"num":0}]]',
            ),
            *('[{"_placeholder":true,"num":0}]', "[1]", "[]", "{}", "[", '["connect",{"num":0}]'),
            '["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]',
        ]
    ),
)


@given(binary_texts, st.binary(max_size=3))
@example('451-1["a",{"_placeholder":true,"num":0}]', b"x")
def test_an_attachment_is_what_the_general_way_makes_of_it(text: str, attachment: bytes) -> None:
    event = python_events.read_binary_event(text.encode(), attachment)
    if event is None:
        return
    decoder = DefaultDecoder()
    assert decoder.add(text[1:]) is None
    number, items = event
    assert decoder.add(attachment) == Packet(PacketType.EVENT, "/", items, number)


def test_ordinary_attachments_take_the_short_cut() -> None:
    for number, items in ((None, ["a", b"x"]), (7, ["é", 1, b"x" * 1000, None])):
        packet = Packet(PacketType.EVENT, "/", list(items), number)
        text, attachment = DefaultParser().encode(packet)
        assert isinstance(text, str)
        assert isinstance(attachment, bytes)
        assert python_events.read_binary_event(b"4" + text.encode(), attachment) == (number, items)
        taken: list[Any] = []
        messages: list[Any] = []

        def take(number: int | None, items: list[Any], taken: list[Any] = taken) -> bool:
            taken.append((number, items))
            return True

        sink = Sink(PythonFrameReader, events=False)
        reader = PythonFrameReader(sink, messages.append, side=Side.SERVER, max_size=None)
        reader.on_event = take
        reader.resume()
        reader.feed(frame(TEXT, b"4" + text.encode()) + frame(BINARY, attachment))
        assert taken == [(number, items)]
        assert messages == []


@given(st.integers(0, 10**20), st.lists(values, max_size=3))
@example(1, [b"x"])
@example(1, ["a", b"x" * 200, None])
@example(1, [b"x", b"y"])
@example(1, [b"x", 2**70])
@example(1, [b"x", {"_placeholder": True}])
def test_an_acknowledgement_with_an_attachment(number: int, values: list[Any]) -> None:
    frames = python_events.binary_ack_frames(number, values)
    if frames is None:
        assert [type(value) for value in values] != [bytes]
        return
    packet = Packet(PacketType.ACK, "/", values, number)
    text, attachment = DefaultParser().encode(packet)
    assert isinstance(text, str)
    assert isinstance(attachment, bytes)
    assert frames == text_frame(b"4" + text.encode()) + encode_frame(Opcode.BINARY, attachment)


def test_all_readers_read_the_same(native: speedups.Speedups) -> None:
    choose = random.Random(5)
    names = ["a", "no", "é", "connect"]
    for _ in range(300):
        stream: list[bytes] = []
        for _ in range(choose.randrange(1, 8)):
            text = choose.choice(
                [
                    f'42{choose.randrange(10**6)}["{choose.choice(names)}",{choose.randrange(99)}]',
                    f'42["{choose.choice(names)}","{"x" * choose.randrange(99)}"]',
                    *('42/a,1["a"]', "2", "3", '431["a"]', "42[1]", '42["a"', "42[]", "40", "é"),
                ]
            ).encode()
            if not choose.randrange(40):
                text = b'42["\xff"]'
            stream.append(frame(TEXT, text, mask=choose.randbytes(4)))
            if not choose.randrange(3):
                stream.append(with_attachment(choose))
        if choose.randrange(2):
            data = b"".join(stream)
            place = choose.randrange(len(data))
            stream = [data[:place], data[place:]]
        sinks = [
            Sink(PythonFrameReader, events=False),
            Sink(PythonFrameReader, events=True),
            Sink(native_reader(native.read_event_frame), events=True),
            Sink(native_reader(native.read_event_frame), events=False),
        ]
        for sink in sinks:
            for segment in stream:
                sink.reader.feed(segment)
        first, *others = (sink.seen for sink in sinks)
        assert others == [first] * 3, stream


def test_a_paused_reader_takes_no_event(native: speedups.Speedups) -> None:
    for reader in (PythonFrameReader, native_reader(native.read_event_frame)):
        sink = Sink(reader, events=True)
        sink.reader.pause()
        sink.reader.feed(frame(TEXT, b'42["a"]'))
        assert sink.seen == []
        sink.reader.resume()
        assert sink.seen == ['42["a"]']


# -- the choice ------------------------------------------------------------------------------------

SHOW = "from socketio_asgi.websocket import reader, speedups; print(bool(speedups.speedups))"


def test_it_is_switched_off_by_the_environment(native: speedups.Speedups) -> None:
    for value, used in (("0", "False"), ("1", "True"), ("", "True")):
        done = subprocess.run(
            [sys.executable, "-c", SHOW],
            env={**os.environ, speedups.VARIABLE: value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == used


def test_another_interface_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(speedups.VARIABLE, raising=False)
    stranger = SimpleNamespace(INTERFACE=speedups.INTERFACE + 1)
    monkeypatch.setitem(sys.modules, "socketio_asgi_speedups", stranger)
    assert speedups.find() is None
    monkeypatch.setitem(sys.modules, "socketio_asgi_speedups", None)
    assert speedups.find() is None
