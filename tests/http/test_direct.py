"""Requests that are served without ASGI: the same answers and effects as with it.

Each conversation is led with uvicorn's own classes, with ours by ASGI, and with ours without.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.extensions.direct import DirectRequests, direct_requests_of
from socketio_asgi.integrations.uvicorn import ASGIHTTPProtocol, HTTPProtocol, WebSocketProtocol
from socketio_asgi.uvicorn_protocols.http_known_heads import FEW_REQUESTS, MAX_UNKNOWN, KnownHeads
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import close, text
from tests.support.ports import HOST
from tests.support.serving import Served, serve
from tests.support.waiting import until

from .conftest import PLAIN
from .support import Connection, connect, request

OURS = {"ws": WebSocketProtocol, "date_header": False, "server_header": False}
WAYS: dict[str, dict[str, Any]] = {
    "stock": {**PLAIN, "http": "httptools"},
    "asgi": {**OURS, "http": ASGIHTTPProtocol},
    "direct": {**OURS, "http": HTTPProtocol},
}
_SECRETS = re.compile(rb'("sid":")[^"]+|(io=)[\w-]{20}')
CLOSE = "Connection: close"


@pytest.fixture
def anyio_backend() -> Any:
    """Run on uvloop: the other loop is that of other tests."""
    return ("asyncio", {"use_uvloop": True})


@dataclass
class Watched:
    """A server, and all that the application and its middlewares could see.

    Attributes:
        scopes: The kinds of the scopes that came by ASGI.
        events: What happened, in words.
    """

    io: Server
    scopes: list[str] = field(default_factory=list[str])
    events: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        io = self.io

        @io.on("connection")
        async def connection(socket: Socket) -> None:
            handshake = socket.handshake
            scope = handshake.connection.scope
            seen = {key: scope[key] for key in sorted(scope) if key not in UNEQUAL}
            self.events.append(f"connection {handshake.address} {seen}")

        @io.on("disconnect")
        async def disconnect(_: Socket, reason: str) -> None:
            self.events.append(f"disconnect {reason}")

        @io.on("echo")
        async def echo(_: Socket, *values: Any) -> Any:
            self.events.append(f"echo {values}")
            return values

        @io.engine.on("connection_error")
        def refused(error: Any) -> None:
            self.events.append(f"refused {error.code} {error.message}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope["type"])
        await self.io(scope, receive, send)

    def __direct_requests__(self) -> Mapping[bytes, DirectRequests]:
        return direct_requests_of(self.io)


UNEQUAL = {"asgi", "client", "server", "headers", "extensions", "state", "query_string"}
"""Keys whose values differ between any two servers or connections."""


class Client:
    """A client of one way.

    Args:
        served: Where the server is.
        watched: The server.
    """

    def __init__(self, served: Served, watched: Watched) -> None:
        self._served = served
        self.watched = watched
        self.sid = ""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Talk]:
        async with connect(self._served) as connection:
            yield Talk(connection.stream, HOST)

    def target(self, **query: str) -> str:
        sid = {"sid": self.sid} if self.sid else {}
        words = {"EIO": "4", "transport": "polling", **sid, **query}
        return "/socket.io/?" + "&".join(f"{name}={value}" for name, value in words.items())

    async def ask(self, *requests: bytes) -> bytes:
        """Send requests together, of which the last closes; returns all that comes."""
        async with self.connect() as connection:
            return await connection.ask(*requests)

    async def open(self) -> None:
        """Open a session."""
        answer = await self.exchange(request("GET", self.target()))
        found = re.search(rb'"sid":"([^"]+)', answer)
        assert found is not None, answer
        self.sid = found[1].decode()

    async def join(self) -> bytes:
        """Open a session, and join the main namespace; returns the answer to that."""
        await self.open()
        assert b"ok" in await self.post(b"40")
        return await self.poll()

    async def exchange(self, data: bytes) -> bytes:
        """Send a request whose connection lasts; returns its response."""
        async with self.connect() as connection:
            await connection.send(data)
            return await whole_response(connection)

    async def post(self, body: bytes, *headers: str) -> bytes:
        return await self.exchange(request("POST", self.target(), headers, body))

    async def poll(self, *headers: str) -> bytes:
        return await self.exchange(request("GET", self.target(), headers))


class Talk(Connection):
    """A connection of which parts are read."""

    async def read_until(self, end: bytes) -> bytes:
        """All up to these bytes, and they."""
        while end not in self._pending:
            self._pending += await self.stream.receive()
        return self._take(self._pending.index(end) + len(end))

    async def read_exactly(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._pending) < size:
            self._pending += await self.stream.receive()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


async def whole_response(connection: Talk) -> bytes:
    """A response with a length."""
    head = await connection.read_until(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    body = await connection.read_exactly(int(length[1])) if length else b""
    return head + body


Conversation = Callable[[Client], Awaitable[bytes]]
CONVERSATIONS: dict[str, tuple[Conversation, dict[str, Any]]] = {}


def conversation(
    *, http: int | None = None, options: dict[str, Any] | None = None
) -> Callable[[Conversation], Conversation]:
    """Note a conversation.

    Args:
        http: The scopes that come by ASGI nevertheless; None when that does not matter.
        options: The options of the server.
    """

    def note(function: Conversation) -> Conversation:
        CONVERSATIONS[function.__name__] = (function, {"http": http, "options": options or {}})
        return function

    return note


# -- heads that are known --------------------------------------------------------------------------

Segments = Callable[[Client], list[bytes]]


def swapped(data: bytes, old: bytes, new: bytes) -> bytes:
    """Bytes with something else in the place of some of them."""
    assert old in data
    return data.replace(old, new, 1)


def post_of(client: Client, body: bytes = b'42["echo",1]') -> bytes:
    return request("POST", client.target(), (), body)


def get_of(client: Client, **query: str) -> bytes:
    return request("GET", client.target(**query))


def cut(data: bytes, at: int) -> list[bytes]:
    return [data[:at], data[at:]]


NEXT: dict[str, Segments] = {
    "another query": lambda client: [get_of(client, t="abc"), get_of(client, t="")],
    "an encoded query": lambda client: [get_of(client, t="%41+%C3%A9")],
    "another session": lambda client: [get_of(client, sid="none"), post_of(client)],
    "no session": lambda client: [get_of(client, sid="")],
    "another transport": lambda client: [get_of(client, transport="websocket")],
    "a query with a space": lambda client: [get_of(client, t="a b")],
    "a query with a fragment": lambda client: [get_of(client, t="#")],
    "a query with a control": lambda client: [get_of(client, t="\x01")],
    "a query with a tab": lambda client: [get_of(client, t="\t")],
    "a query with DEL": lambda client: [get_of(client, t="\x7f")],
    "a query beyond ASCII": lambda client: [get_of(client, t="\xe9")],
    "a query with a line": lambda client: [get_of(client, t="a HTTP/1.1\r\nX: y")],
    "a query with a head": lambda client: [get_of(client, t=" HTTP/1.1\r\nHost: a\r\n\r\nGET /a")],
    "another path": lambda client: [request("GET", "/other"), get_of(client), post_of(client)],
    "a longer path": lambda client: [request("GET", "/socket.io/x?EIO=4&transport=polling")],
    "another method": lambda client: [
        request("PUT", client.target(), (), b'42["echo",1]'),
        request("OPTIONS", client.target()),
    ],
    "another letter case": lambda client: [swapped(get_of(client), b"Host", b"HOST")],
    "another header": lambda client: [request("GET", client.target(), ["Origin: https://a.test"])],
    "a connection that is to close": lambda client: [request("GET", client.target(), [CLOSE])],
    "an older protocol": lambda client: [request("GET", client.target(), version="1.0")],
    "lines that end without a return": lambda client: [get_of(client).replace(b"\r\n", b"\n")],
    "an empty line before": lambda client: [b"\r\n" + get_of(client), post_of(client)],
    "an empty line behind": lambda client: [get_of(client) + b"\r\n", post_of(client)],
    "an empty line by itself": lambda client: [b"\r\n", post_of(client)],
    "bodies of many lengths": lambda client: [
        post_of(client, b'42["echo","%s"]' % (b"a" * size)) for size in (0, 1, 87, 88, 1000, 4000)
    ],
    "no body": lambda client: [post_of(client, b"")],
    "a body with a head": lambda client: [
        post_of(client, b'42["echo",1]' + post_of(client)),
        post_of(client, get_of(client)),
    ],
    "a length that is too small": lambda client: cut(
        swapped(post_of(client, b'42["echo"]]'), b"ength: 11", b"ength: 10"), -1
    ),
    "a length that is too large": lambda client: [
        swapped(post_of(client, b'42["echo",1'), b"ength: 11", b"ength: 12"),
        b"]",
        post_of(client),
    ],
    "a length with a zero before": lambda client: [
        swapped(post_of(client), b"ength: 12", b"ength: 012")
    ],
    "a length with a sign": lambda client: [swapped(post_of(client), b"ength: 12", b"ength: +12")],
    "a length with a space behind": lambda client: [
        swapped(post_of(client), b"ength: 12", b"ength: 12 ")
    ],
    "a length twice": lambda client: [
        swapped(post_of(client), b"ength: 12", b"ength: 12\r\nContent-Length: 12")
    ],
    "a length that is no number": lambda client: [
        swapped(post_of(client), b"ength: 12", b"ength: 1a")
    ],
    "no length": lambda client: [swapped(post_of(client), b"ength: 12", b"ength: ")],
    "chunks": lambda client: [
        request("POST", client.target(), ["Transfer-Encoding: chunked"])
        + b'c\r\n42["echo",1]\r\n0\r\n\r\n',
        post_of(client),
    ],
    "two in one segment": lambda client: [
        post_of(client) + post_of(client),
        post_of(client) + get_of(client),
        post_of(client),
    ],
    "half of another one behind": lambda client: cut(post_of(client) * 2, -30),
    "a head in two segments": lambda client: [*cut(post_of(client), 40), post_of(client)],
    "a body in two segments": lambda client: [*cut(post_of(client), -3), post_of(client)],
    "a body in the segment of its end": lambda client: [
        *cut(post_of(client, b'42["echo","%s"]' % (b"POST / HTTP/1.1" * 20)), 200),
        post_of(client),
    ],
    "a handshake": lambda client: [request("GET", client.target(transport="websocket"), HANDSHAKE)],
    "packets that break the rules": lambda client: [post_of(client, b"9"), post_of(client)],
}
"""What may come on a connection whose heads are known, and is to be read as if they were not."""


def behind_known_heads(segments: Segments) -> Conversation:
    async def talk(client: Client) -> bytes:
        await client.join()
        async with client.connect() as connection:
            seen = b""
            for number in range(FEW_REQUESTS + 2):
                await connection.send(post_of(client, b'42%d["echo"]' % number))
                seen += await whole_response(connection)
                await connection.send(get_of(client))
                seen += await whole_response(connection)
            for segment in [*segments(client), request("GET", "/last", [CLOSE])]:
                with suppress(anyio.BrokenResourceError):  # it was refused
                    await connection.send(segment)
                await anyio.sleep(0.02)
            for _ in range(8):  # polls that wait are answered one after the other
                await client.post(b'427["echo"]')
                await anyio.sleep(0.01)
            return seen + await connection.read_until_closed()

    return talk


for _name, _segments in NEXT.items():
    CONVERSATIONS[f"known heads: {_name}"] = (
        behind_known_heads(_segments),
        {"http": None, "options": {}, "ours": "handshake" in _name},
    )


# -- plain ones: nothing comes by ASGI -----------------------------------------------------------


@conversation(http=0)
async def an_event_with_its_acknowledgement(client: Client) -> bytes:
    joined = await client.join()
    return joined + await client.post(b'421["echo","a"]') + await client.poll()


@conversation(http=0)
async def short_events(client: Client) -> bytes:
    await client.join()
    answers = b""
    for body in (
        *(b'42["echo"]', b'421["echo",[{"a":null}],"\xc3\xa9"]', b'4212345678901234567890["echo"]'),
        *(b'422["unknown"]', b"42[1,2]", b'423["echo",1]\x1e424["echo",2]', b'42/,5["echo"]'),
        *(b'426["echo","%s"]' % (b"a" * length) for length in (112, 113, 114)),
    ):
        answers += await client.post(body) + await client.post(b'420["echo"]') + await client.poll()
    return answers


@conversation(http=0)
async def a_poll_that_waits(client: Client) -> bytes:
    await client.join()
    async with client.connect() as connection:
        await connection.send(request("GET", client.target()))
        await anyio.sleep(0.05)
        await client.post(b'42["echo"]')
        await client.post(b'421["echo","late"]')
        return await whole_response(connection)


@conversation(http=0)
async def many_requests_of_one_connection(client: Client) -> bytes:
    await client.join()
    answers = b""
    async with client.connect() as connection:
        for number in range(20):
            data = b'42%d["echo",%d]' % (number, number)
            await connection.send(request("POST", client.target(), (), data))
            answers += await whole_response(connection)
            await connection.send(request("GET", client.target()))
            answers += await whole_response(connection)
    return answers


@conversation(http=0)
async def several_packets_in_a_request(client: Client) -> bytes:
    await client.join()
    answer = await client.post(b'420["echo",0]\x1e421["echo",1]\x1e41')
    return answer + await client.poll()


@conversation(http=0)
async def binary_data(client: Client) -> bytes:
    await client.join()
    packets = b'451-7["echo",{"_placeholder":true,"num":0}]\x1ebAQIDBA=='
    return await client.post(packets) + await client.poll()


@conversation(http=0)
async def a_path_without_a_slash(client: Client) -> bytes:
    return await client.exchange(request("GET", "/socket.io?EIO=4&transport=polling"))


@conversation(http=0, options={"cors": "https://example.com"})
async def an_origin(client: Client) -> bytes:
    headers = ["Origin: https://example.com"]
    await client.open()
    first = await client.exchange(request("GET", "/socket.io/?EIO=4&transport=polling", headers))
    return first + await client.post(b"40", *headers) + await client.poll(*headers)


@conversation(http=0, options={"http_compression": 1})
async def an_answer_that_is_compressed(client: Client) -> bytes:
    await client.join()
    await client.post(b'421["echo","%s"]' % (b"a" * 500))
    return await client.poll("Accept-Encoding: gzip, deflate")


@conversation(http=0, options={"cookie": True})
async def a_cookie(client: Client) -> bytes:
    return await client.exchange(request("GET", client.target()))


@conversation(http=0, options={"allow_eio3": True})
async def revision_3(client: Client) -> bytes:
    return await client.exchange(request("GET", client.target(EIO="3", b64="1")))


@conversation(http=0)
async def a_client_that_closes(client: Client) -> bytes:
    await client.join()
    return await client.post(b"1")


@conversation(http=0)
async def a_client_that_leaves_its_poll(client: Client) -> bytes:
    await client.join()
    async with client.connect() as connection:
        await connection.send(request("GET", client.target()))
        await anyio.sleep(0.05)
    await until(lambda: any("disconnect" in event for event in client.watched.events))
    return b""


# -- others: they come by ASGI, with the same result -----------------------------------------------


def refused(target: str, *lines: str, method: str = "GET", body: bytes = b"") -> Conversation:
    """One request, which is refused."""

    async def ask(client: Client) -> bytes:
        return await client.ask(request(method, target, [*lines, CLOSE], body))

    return ask


REFUSED = {
    "an unknown transport": refused("/socket.io/?EIO=4&transport=carrier"),
    "no transport": refused("/socket.io/?EIO=4"),
    "no query": refused("/socket.io/"),
    "an empty query": refused("/socket.io/?"),
    "an unknown session": refused("/socket.io/?EIO=4&transport=polling&sid=none"),
    "a message for an unknown session": refused(
        "/socket.io/?EIO=4&transport=polling&sid=none", method="POST", body=b"40"
    ),
    "a POST without a session": refused("/socket.io/?EIO=4&transport=polling", method="POST"),
    "another method": refused("/socket.io/?EIO=4&transport=polling", method="PUT"),
    "HEAD": refused("/socket.io/?EIO=4&transport=polling", method="HEAD"),
    "OPTIONS": refused("/socket.io/?EIO=4&transport=polling", method="OPTIONS"),
    "revision 9": refused("/socket.io/?EIO=9&transport=polling"),
    "revision 3": refused("/socket.io/?EIO=3&transport=polling"),
    "JSONP": refused("/socket.io/?EIO=4&transport=polling&j=0"),
    "WebSocket in a GET": refused("/socket.io/?EIO=4&transport=websocket"),
    "another origin": refused("/socket.io/?EIO=4&transport=polling", "Origin: https://evil.test"),
    "an origin with control characters": refused(
        "/socket.io/?EIO=4&transport=polling", "Origin: https://e\x0bvil"
    ),
    "another path": refused("/other?EIO=4&transport=polling"),
    "a deeper path": refused("/socket.io/x?EIO=4&transport=polling"),
    "an encoded session": refused("/socket.io/?EIO=4&transport=polling&s%69d=none"),
    "a fragment": refused("/socket.io/?EIO=4#&transport=polling"),
    "a query beyond ASCII": refused("/socket.io/?EIO=4&transport=polling&sid=\xe9"),
    "an absolute target": refused("http://a/socket.io/?EIO=9&transport=polling"),
    "two slashes": refused("//socket.io/?EIO=4&transport=polling"),
    "h2c": refused("/socket.io/?EIO=9&transport=polling", "Upgrade: h2c", "Connection: Upgrade"),
}
for _name, _function in REFUSED.items():
    CONVERSATIONS[_name] = (_function, {"http": None, "options": {}})


@conversation()
async def another_path_after_a_plain_request(client: Client) -> bytes:
    await client.open()
    async with client.connect() as connection:
        await connection.send(request("GET", "/other"))
        first = await whole_response(connection)
        await connection.send(request("POST", client.target(), (), b"40"))
        return first + await whole_response(connection)


@conversation()
async def two_polls_at_a_time(client: Client) -> bytes:
    await client.join()
    async with client.connect() as connection:
        await connection.send(request("GET", client.target()))
        await anyio.sleep(0.05)
        second = await client.ask(request("GET", client.target(), [CLOSE]))
        return await whole_response(connection) + second


@conversation()
async def a_body_in_two_segments(client: Client) -> bytes:
    await client.join()
    data = request("POST", client.target(), (), b'421["echo","halves"]')
    async with client.connect() as connection:
        await connection.send(data[:-5])
        await anyio.sleep(0.05)
        await connection.send(data[-5:])
        return await whole_response(connection) + await client.poll()


@conversation()
async def a_head_in_two_segments(client: Client) -> bytes:
    await client.join()
    data = request("POST", client.target(), (), b'421["echo","halves"]')
    async with client.connect() as connection:
        await connection.send(data[:30])
        await anyio.sleep(0.05)
        await connection.send(data[30:])
        return await whole_response(connection) + await client.poll()


@conversation()
async def chunks(client: Client) -> bytes:
    await client.join()
    head = request("POST", client.target(), ["Transfer-Encoding: chunked"])
    await client.exchange(head + b'6\r\n421["e\r\n8\r\ncho","a"\r\n1\r\n]\r\n0\r\n\r\n')
    return await client.poll()


@conversation()
async def chunks_that_break_the_rules(client: Client) -> bytes:
    await client.join()
    head = request("POST", client.target(), ["Transfer-Encoding: chunked"])
    return await client.ask(head + b"zz\r\n")


@conversation()
async def a_length_and_chunks(client: Client) -> bytes:
    await client.join()
    return await client.ask(
        request("POST", client.target(), ["Transfer-Encoding: chunked"], b"0\r\n\r\n")
    )


@conversation()
async def expectation(client: Client) -> bytes:
    await client.join()
    head, _, body = request("POST", client.target(), ["Expect: 100-continue"], b"2").rpartition(
        b"\r\n\r\n"
    )
    async with client.connect() as connection:
        await connection.send(head + b"\r\n\r\n")
        answer = await connection.read_until(b"\r\n\r\n")
        await connection.send(body)
        return answer + await whole_response(connection)


@conversation()
async def a_get_with_a_body(client: Client) -> bytes:
    await client.open()
    await client.post(b"40")
    return await client.exchange(request("GET", client.target(), (), b"body"))


@conversation()
async def http_1_0(client: Client) -> bytes:
    await client.open()
    await client.post(b"40")
    return await client.ask(request("GET", client.target(), version="1.0"))


@conversation()
async def a_connection_that_is_to_close(client: Client) -> bytes:
    await client.open()
    await client.post(b"40")
    return await client.ask(request("GET", client.target(), [CLOSE]))


@conversation()
async def requests_in_one_segment(client: Client) -> bytes:
    await client.join()
    posts = [
        request("POST", client.target(), (), b'42%d["echo",%d]' % (number, number))
        for number in range(5)
    ]
    return await client.ask(*posts, request("GET", client.target(), [CLOSE]))


@conversation()
async def another_path_behind_a_poll(client: Client) -> bytes:
    await client.join()
    async with client.connect() as connection:
        await connection.send(request("GET", client.target()) + request("GET", "/x", [CLOSE]))
        await anyio.sleep(0.05)
        await client.post(b'421["echo"]')
        return await connection.read_until_closed()


@conversation(options={"max_http_buffer_size": 100})
async def a_body_that_is_too_large(client: Client) -> bytes:
    await client.join()
    return await client.ask(request("POST", client.target(), [CLOSE], b"4" * 101))


@conversation()
async def a_large_body(client: Client) -> bytes:
    await client.join()
    await client.post(b'421["echo","%s"]' % (b"a" * 100_000))
    return await client.poll()


@conversation()
async def packets_that_break_the_rules(client: Client) -> bytes:
    await client.join()
    return await client.ask(request("POST", client.target(), [CLOSE], b"9"))


@conversation()
async def short_events_that_break_the_rules(client: Client) -> bytes:
    answers = b""
    for body in (
        *(b'42["connect"]', b"42[]", b"42{}", b"42", b'42-1["echo"]', b'42["echo"', b"42[null]"),
        *(b'42["echo"]]', b'42\xd9\xa3["echo"]', b'42999999999999999999999["echo"]'),
    ):
        client.sid = ""
        await client.join()
        answers += await client.ask(request("POST", client.target(), [CLOSE], body))
    return answers


@conversation(options={"allow_eio3": True})
async def an_event_without_its_length(client: Client) -> bytes:
    answer = await client.exchange(request("GET", client.target(EIO="3", b64="1")))
    found = re.search(rb'"sid":"([^"]+)', answer)
    assert found is not None, answer
    target = client.target(EIO="3", sid=found[1].decode())
    return await client.ask(request("POST", target, [CLOSE], b'42["echo"]'))


@conversation()
async def bad_text(client: Client) -> bytes:
    await client.join()
    return await client.ask(request("POST", client.target(), [CLOSE], b'42["\xff"]'))


@conversation()
async def a_packet_in_the_wrong_place(client: Client) -> bytes:
    await client.open()
    return await client.post(b'42["echo"]') + await client.poll()


@conversation(options={"max_clients": 1})
async def too_many_clients(client: Client) -> bytes:
    await client.open()
    client.sid = ""
    return await client.ask(request("GET", client.target(), [CLOSE]))


@conversation(options={"allowed_hosts": ["example.com"]})
async def another_host(client: Client) -> bytes:
    return await client.ask(request("GET", client.target(), [CLOSE]))


@conversation(options={"allow_request": lambda _request: False})
async def a_client_that_the_application_refuses(client: Client) -> bytes:
    return await client.ask(request("GET", client.target(), [CLOSE]))


# -- WebSockets ------------------------------------------------------------------------------------

HANDSHAKE: tuple[str, ...] = (
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def handshake(*lines: str, without: str = "-", method: str = "GET", **query: str) -> Conversation:
    """A handshake alone; what is accepted is closed by the client."""

    async def shake(client: Client) -> bytes:
        headers = [*(line for line in HANDSHAKE if not line.startswith(without)), *lines]
        target = client.target(**{"transport": "websocket", **query})
        async with client.connect() as connection:
            await connection.send(request(method, target, headers))
            head = await connection.read_until(b"\r\n\r\n")
            if b" 101 " in head:
                await connection.send(close(1000))
            return head + await connection.read_until_closed()

    return shake


HANDSHAKES = {
    "a handshake": handshake(),
    "an origin in a handshake": handshake("Origin: https://evil.test"),
    "a subprotocol": handshake("Sec-WebSocket-Protocol: chat, superchat"),
    "an extension": handshake("Sec-WebSocket-Extensions: permessage-deflate"),
    "a key that is missing": handshake(without="Sec-WebSocket-Key"),
    "two keys": handshake("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "a key that is not valid": handshake("Sec-WebSocket-Key: short", without="Sec-WebSocket-Key"),
    "a version that is missing": handshake(without="Sec-WebSocket-Version"),
    "another version": handshake("Sec-WebSocket-Version: 8", without="Sec-WebSocket-Version"),
    "two Upgrade headers": handshake("Upgrade: h2c"),
    "POST": handshake(method="POST"),
    "polling in a handshake": handshake(transport="polling"),
    "an unknown session in a handshake": handshake(sid="none"),
    "an upper-case protocol": handshake("Upgrade: WebSocket", without="Upgrade"),
    "a cookie in a handshake": handshake("Cookie: a=b"),
}
for _name, _function in HANDSHAKES.items():
    CONVERSATIONS[f"WebSocket: {_name}"] = (_function, {"http": None, "options": {}, "ours": True})


async def _talk(connection: Talk) -> bytes:
    await connection.send(text("40"))
    answer = await connection.read_until(b"}")
    await connection.send(text('421["echo","a"]'))
    answer += await connection.read_until(b'431["a"]')
    await connection.send(close(1000))
    return answer + await connection.read_until_closed()


async def _websocket(client: Client) -> bytes:
    async with client.connect() as connection:
        await connection.send(request("GET", client.target(transport="websocket"), HANDSHAKE))
        head = await connection.read_until(b"\r\n\r\n")
        return head + await _talk(connection)


async def _upgrade(client: Client) -> bytes:
    await client.open()
    async with client.connect() as poll, client.connect() as connection:
        await poll.send(request("GET", client.target()))
        await connection.send(request("GET", client.target(transport="websocket"), HANDSHAKE))
        answer = await connection.read_until(b"\r\n\r\n")
        await connection.send(text("2probe"))
        answer += await connection.read_until(b"3probe")
        answer += await whole_response(poll)
        await connection.send(text("5"))
        return answer + await _talk(connection)


CONVERSATIONS["WebSocket: an event"] = (_websocket, {"http": 0, "options": {}, "ours": True})
CONVERSATIONS["WebSocket: an upgrade"] = (_upgrade, {"http": 0, "options": {}, "ours": True})
CONVERSATIONS["WebSocket: a cookie of ours"] = (
    _websocket,
    {"http": 0, "options": {"cookie": True}, "ours": True},
)
CONVERSATIONS["WebSocket: no upgrades"] = (
    handshake(),
    {"http": None, "options": {"allow_upgrades": False}, "ours": True},
)


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_the_same_answers_and_effects(name: str) -> None:
    function, how = CONVERSATIONS[name]
    outcomes: dict[str, tuple[bytes, list[str]]] = {}

    async def lead(way: str) -> None:
        watched = Watched(Server(ping_interval=300, **how["options"]))
        async with serve(watched, **WAYS[way]) as served:
            with anyio.fail_after(20):
                answer = await function(Client(served, watched))
        outcomes[way] = _SECRETS.sub(rb"\1\2S", answer), watched.events
        if way == "direct" and how["http"] is not None:
            scopes = [kind for kind in watched.scopes if kind != "lifespan"]
            assert len(scopes) == how["http"], scopes

    async with anyio.create_task_group() as tasks:  # most of each is waiting
        for way in WAYS:
            # uvicorn's own class for WebSockets has answers of its own.
            if way != "stock" or not how.get("ours"):
                tasks.start_soon(lead, way)
    expected = outcomes.pop("asgi")
    for way, outcome in outcomes.items():
        assert outcome == expected, way


async def test_most_heads_of_a_client_that_polls_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[bool] = []
    read = KnownHeads.read

    def note(self: KnownHeads, request: bytes) -> Any:
        found = read(self, request)
        known.append(found is not None)
        return found

    monkeypatch.setattr(KnownHeads, "read", note)
    watched = Watched(Server())
    async with serve(watched, **WAYS["direct"]) as served:
        await many_requests_of_one_connection(Client(served, watched))
    assert len(known) >= 2 * (20 - FEW_REQUESTS)
    assert known.count(False) <= 2


async def test_heads_that_change_are_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    add = KnownHeads.add

    def note(self: KnownHeads, *args: Any, **named: Any) -> None:
        kept.append(args[4])
        add(self, *args, **named)

    monkeypatch.setattr(KnownHeads, "add", note)
    watched = Watched(Server())
    async with serve(watched, **WAYS["direct"]) as served:
        client = Client(served, watched)
        await client.join()
        async with client.connect() as connection:
            for number in range(2 * MAX_UNKNOWN):
                headers = [f"X-Forwarded-For: 192.0.2.{number}"]
                await connection.send(request("POST", client.target(), headers, b'42["echo"]'))
                assert (await whole_response(connection)).endswith(b"ok")
    assert len(kept) == MAX_UNKNOWN + 1
    assert watched.scopes.count("http") == 0


def test_without_httptools_every_request_goes_by_asgi() -> None:
    code = (
        "import sys; sys.modules['httptools'] = None\n"
        "from socketio_asgi.integrations.uvicorn import HTTPProtocol\n"
        "print(*(each.__name__ for each in HTTPProtocol.__mro__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "H11Protocol" in done.stdout.split()
    assert "DirectServing" not in done.stdout.split()
