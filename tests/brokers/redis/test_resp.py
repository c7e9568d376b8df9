"""The protocol of Redis: both readers give the same, whatever pieces the bytes come in."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.brokers.redis.errors import RedisReplyError
from socketio_asgi.brokers.redis.resp import (
    INCOMPLETE,
    Push,
    PythonReader,
    RespError,
    encode_command,
    make_reader,
)


def replies_of(reader: Any, pieces: list[bytes]) -> list[Any]:
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.gets()) is not INCOMPLETE:
            found.append(comparable(reply))
    return found


def comparable(reply: Any) -> Any:
    """A reply with the types of both readers on one name."""
    match reply:
        case RedisReplyError():
            return ("error", str(reply))
        case Push() | hiredis.PushNotification():
            return ("push", [comparable(item) for item in reply])
        case list():
            return [comparable(item) for item in reply]
        case dict():
            return {key: comparable(value) for key, value in reply.items()}
        case float():
            return ("float", repr(reply))
        case bool():
            return ("bool", reply)
        case _:
            return reply


line = st.binary(max_size=20).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b""))
bulk = st.binary(max_size=100).map(lambda data: b"$%d\r\n%b\r\n" % (len(data), data))
scalar = st.one_of(
    bulk,
    line.map(lambda data: b"+%b\r\n" % data),
    st.text("abc XYZ", max_size=20).map(lambda text: b"-ERR %b\r\n" % text.encode()),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b":%d\r\n" % number),
    st.integers().map(lambda number: b"(%d\r\n" % number),
    st.floats().map(lambda number: b",%b\r\n" % repr(number).encode()),
    st.sampled_from([b"#t\r\n", b"#f\r\n", b"_\r\n", b"$-1\r\n", b"*-1\r\n"]),
    st.just(b"=7\r\ntxt:abc\r\n"),
)


def aggregates(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    lists = st.lists(children, max_size=4)
    pairs = st.dictionaries(bulk, children, max_size=3)
    return st.one_of(
        lists.map(lambda items: b"*%d\r\n%b" % (len(items), b"".join(items))),
        lists.map(lambda items: b"~%d\r\n%b" % (len(items), b"".join(items))),
        pairs.map(
            lambda pairs: (
                b"%%%d\r\n%b" % (len(pairs), b"".join(key + value for key, value in pairs.items()))
            )
        ),
    )


reply = st.recursive(scalar, aggregates, max_leaves=8)
push = st.lists(reply, min_size=1, max_size=4).map(
    lambda items: b">%d\r\n%b" % (len(items), b"".join(items))
)
stream = st.lists(st.one_of(reply, push), max_size=6).map(b"".join)


@given(stream, st.lists(st.integers(0, 400), max_size=8))
def test_both_readers_read_the_same(data: bytes, cuts: list[int]) -> None:
    ends = sorted({*(cut for cut in cuts if cut < len(data)), len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    fast, _ = make_reader()
    assert isinstance(fast, hiredis.Reader)
    assert replies_of(PythonReader(), pieces) == replies_of(fast, pieces)


@given(st.binary(max_size=200))
def test_nonsense_raises_nothing_but_its_own_error(data: bytes) -> None:
    reader = PythonReader()
    with suppress(RespError):
        replies_of(reader, [data])


@pytest.mark.parametrize(
    "make", [PythonReader, lambda: make_reader()[0]], ids=["python", "hiredis"]
)
@pytest.mark.parametrize("data", [b"?\r\n", b":x\r\n", b"#x\r\n"])
def test_nonsense_is_refused(make: Callable[[], Any], data: bytes) -> None:
    with pytest.raises(RespError):
        replies_of(make(), [data])


def test_a_long_text_in_many_pieces_is_put_together_once() -> None:
    text = b"x" * 2_000_000
    data = b"$%d\r\n%b\r\n" % (len(text), text)
    reader = PythonReader()
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    assert replies_of(reader, pieces) == [text]


def test_a_text_ends_where_it_says() -> None:
    with pytest.raises(RespError):
        replies_of(PythonReader(), [b"$3\r\nabcde"])


def test_attributes_are_left_out() -> None:
    reader = PythonReader()
    assert replies_of(reader, [b"|1\r\n+ttl\r\n:3600\r\n$1\r\na\r\n"]) == [b"a"]


def test_infinity_is_a_float() -> None:
    assert replies_of(PythonReader(), [b",inf\r\n,-inf\r\n"]) == [
        ("float", repr(math.inf)),
        ("float", repr(-math.inf)),
    ]


def test_a_command_is_an_array_of_texts() -> None:
    command = encode_command(("PUBLISH", "é", b"\x00\r\n", 12))
    assert command == b"*4\r\n$7\r\nPUBLISH\r\n$2\r\n\xc3\xa9\r\n$3\r\n\x00\r\n\r\n$2\r\n12\r\n"
