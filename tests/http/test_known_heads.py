"""Heads that are known are read as the parser would read them, or left to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httptools
from hypothesis import example, given
from hypothesis import strategies as st

from socketio_asgi.extensions.direct import DirectRequests
from socketio_asgi.uvicorn_protocols.http_known_heads import KnownHeads
from socketio_asgi.websocket.headers import Header

NOWHERE: Any = object()
GET = b"GET /io/?t=1&sid=a HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\n\r\n"
POST = b"POST /io/?t=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nAccept: */*\r\n\r\nabc"
PIECES = [
    *(
        b"",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\t",
        b"\0",
        b"\x7f",
        b"\xe9",
        b"#",
        b"?",
        b"&t=2",
    ),
    *(b"3", b"0", b"03", b"+3", b"4", b"10", b"a", b"abc", b"X: y\r\n", b"Content-Length: 3\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b" HTTP/1.1\r\n", GET, POST),
]


class Parsed:
    """What the parser of uvicorn calls back."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.url = self.body = b""
        self.headers: list[Header] = []

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


def parse(data: bytes) -> tuple[Parsed, Any]:
    parsed = Parsed()
    parser = httptools.HttpRequestParser(parsed)
    parser.feed_data(data)
    assert parsed.begun == parsed.ended == 1
    return parsed, parser


def known() -> KnownHeads:
    heads = KnownHeads()
    for data in (GET, POST):
        parsed, parser = parse(data)
        method = parser.get_method().decode()
        head = data[: len(data) - len(parsed.body)]
        requests: DirectRequests = NOWHERE
        has_body = bool(parsed.body)
        heads.add(requests, method, parsed.url, parsed.headers, head, has_body=has_body)
    return heads


def without_length(headers: list[Header]) -> Mapping[bytes, bytes]:
    return {name: value for name, value in headers if name != b"content-length"}


def changed(data: bytes, start: int, size: int, piece: bytes) -> bytes:
    start %= len(data) + 1
    return data[:start] + piece + data[start + size :]


changes = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 4), st.sampled_from(PIECES)), max_size=3
)


@given(st.sampled_from([GET, POST]), changes)
@example(GET, [(17, 0, b"&t=2")])
@example(POST, [(55, 1, b"10"), (75, 0, b"a" * 7)])
@example(POST, [(55, 1, b"0"), (75, 3, b"")])
@example(GET + POST, [])
@example(POST + GET, [])
def test_it_is_read_as_by_the_parser(data: bytes, mutations: list[tuple[int, int, bytes]]) -> None:
    for mutation in mutations:
        data = changed(data, *mutation)
    found = known().read(data) if data else None
    if found is None:
        return
    head, query, body = found
    parsed, parser = parse(data)
    assert parser.get_method() == head.method.encode()
    assert parser.get_http_version() == "1.1"
    assert parser.should_keep_alive()
    assert not parser.should_upgrade()
    assert parsed.url == head.path + b"?" + query
    assert parsed.body == body
    assert len(parsed.headers) == len(head.headers)
    assert without_length(parsed.headers) == without_length(head.headers)


def test_what_is_known() -> None:
    heads = known()
    for data in (
        *(GET, POST, GET.replace(b"t=1", b"t=22"), POST.replace(b"t=1", b"")),
        POST.replace(b"3", b"12").replace(b"abc", b"a" * 12),
    ):
        assert heads.read(data) is not None, data
    for data in (
        *(GET + b"\r\n", POST[:-1], POST + b"d", GET[:-1], POST.replace(b"3", b"03")),
        *(GET.replace(b"c", b"d"), b"PUT" + GET[3:], GET.replace(b"/io/", b"/")),
        *(GET.replace(b"t=1", b"t= "), b"\r\n" + GET, GET + GET, POST + POST),
    ):
        assert heads.read(data) is None, data


def test_what_cannot_be_known() -> None:
    for head, target in (
        (GET + GET, b"/io/?t=1&sid=a"),
        (GET[:-2], b"/io/?t=1&sid=a"),
        (GET, b"/io/?t=1"),
        (b"GET /io/ HTTP/1.1\r\nHost: a\r\n\r\n", b"/io/"),
    ):
        heads = KnownHeads()
        heads.add(NOWHERE, "GET", target, [], head, has_body=False)
        assert heads.read(head) is None
    heads = KnownHeads()
    chunked = b"POST /io/?t=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    heads.add(NOWHERE, "POST", b"/io/?t=1", [], chunked, has_body=True)
    assert heads.read(chunked + b"3\r\nabc\r\n0\r\n\r\n") is None
