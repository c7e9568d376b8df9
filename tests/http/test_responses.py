"""Conversations of all kinds: our class answers with the bytes of uvicorn's own."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.support.echo import Message, Receive, Scope, Send
from tests.support.waiting import until

from .conftest import PLAIN
from .support import (
    OURS,
    STOCK,
    HTTPClass,
    Script,
    ServeHTTP,
    Serving,
    answers,
    body,
    connect,
    echo_body,
    echo_path,
    http_only,
    length,
    request,
    start,
)

HELLO = (start(200, length(b"hello")), body(b"hello"))


def raises_after(*messages: Message) -> Script:
    """An application that fails after it has sent these messages."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await answers(*messages)(scope, receive, send)
        raise ValueError("on purpose")

    return script


async def returns_something(scope: Scope, receive: Receive, send: Send) -> Any:
    await answers(*HELLO)(scope, receive, send)
    return "something"


async def pauses(scope: Scope, receive: Receive, send: Send) -> None:
    """The first requests take longer than those that follow."""
    await anyio.sleep(0.03 / (1 + int(scope["path"].strip("/"))))
    await echo_path(scope, receive, send)


CLOSE = ["Connection: close"]
GET = request(headers=CLOSE)
NO_LENGTH = request("POST", "/", ["Transfer-Encoding: chunked", "Connection: close"])
CONVERSATIONS: dict[str, tuple[Script, bytes]] = {
    "length": (answers(*HELLO), GET),
    "chunked": (answers(start(), body(b"a", more=True), body(b"b")), GET),
    "an empty body": (answers(start(), body()), GET),
    "an empty body with its length": (answers(start(200, length(b"")), body()), GET),
    "no body in the message": (answers(start(), {"type": "http.response.body"}), GET),
    "204": (answers(start(204), body()), GET),
    "304": (answers(start(304), body()), GET),
    "304 with a length": (answers(start(304, length(b"hello")), body()), GET),
    "HEAD": (answers(*HELLO), request("HEAD", "/", CLOSE)),
    "HEAD in pieces": (
        answers(start(), body(b"a", more=True), body(b"b")),
        request("HEAD", "/", CLOSE),
    ),
    "headers": (answers(start(200, (b"X-A", b"1"), (b"x-a", b"2"), length(b"")), body()), GET),
    "the application closes": (
        answers(start(200, (b"connection", b"close")), body(b"a")),
        request(),
    ),
    "HTTP/1.0": (answers(*HELLO), request(version="1.0")),
    "too much": (answers(start(200, length(b"hello")), body(b"hello!")), GET),
    "too much in pieces": (answers(HELLO[0], body(b"hello", more=True), body(b"!")), GET),
    "too little": (answers(start(200, length(b"hello")), body(b"hell")), GET),
    "no start": (answers(body(b"hello")), GET),
    "two starts": (answers(start(), start(), body(b"hello")), GET),
    "more after the end": (answers(*HELLO, body(b"more")), GET),
    "nothing": (answers(), GET),
    "no end": (answers(start(), body(b"a", more=True)), GET),
    "only the start": (answers(start()), GET),
    "a header that is none": (answers(start(200, (b"x-a", b"1\r\nx-b: 2")), body(b"a")), GET),
    "an error at once": (raises_after(), GET),
    "an error after the start": (raises_after(start()), GET),
    "an error within the body": (raises_after(start(), body(b"a", more=True)), GET),
    "an error after the end": (raises_after(*HELLO), GET),
    "something is returned": (returns_something, GET),
    "a body": (echo_body, request("POST", "/", CLOSE, b"hello")),
    "a body in chunks": (echo_body, NO_LENGTH + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    "a body that is not read": (answers(*HELLO), request("POST", "/", CLOSE, b"x" * 1000)),
    "expected": (echo_body, request("POST", "/", ["Expect: 100-continue", *CLOSE], b"hello")),
    "expected in vain": (answers(*HELLO), request("POST", "/", ["Expect: 100-continue", *CLOSE])),
    "several": (echo_path, b"".join(map(request, ["GET", "PUT", "DELETE"])) + GET),
    "pipelined": (
        pauses,
        b"".join(request(target=f"/{number}") for number in range(5)) + request("GET", "/9", CLOSE),
    ),
    "pipelined with bodies": (
        echo_body,
        b"".join(request("POST", data=b"%d" % number * 9) for number in range(1, 6)) + GET,
    ),
    "pipelined, with HEAD": (echo_path, request("HEAD") + request() + request("HEAD") + GET),
    "pipelined after an error": (raises_after(), request() + GET),
    "malformed": (echo_path, b"no request\r\n\r\n"),
    "malformed after another": (echo_path, request() + b"no request\r\n\r\n"),
    "a malformed header": (echo_path, b"GET / HTTP/1.1\r\nHost: x\r\n\x00: y\r\n\r\n"),
    "malformed chunks": (echo_body, NO_LENGTH + b"xyz\r\n"),
    "an upgrade to something else": (
        echo_path,
        request(headers=["Upgrade: h2c", "Connection: Upgrade, close"]),
    ),
}  # fmt: skip


async def exchange(serving: Serving, http: HTTPClass, script: Script, data: bytes) -> bytes:
    """Have a conversation; returns all that the server says."""
    served = await serving(http_only(script), http=http, **PLAIN)
    async with connect(served) as client:
        return await client.ask(data)


@pytest.mark.parametrize(("script", "data"), CONVERSATIONS.values(), ids=CONVERSATIONS)
async def test_the_bytes_are_the_same(
    serving: Serving, parser: str, script: Script, data: bytes
) -> None:
    expected = await exchange(serving, STOCK[parser], script, data)
    assert await exchange(serving, OURS[parser], script, data) == expected


WHOLE = ("length", "HEAD", "a body", "a body in chunks", "expected", "several", "pipelined")
"""Conversations in which nothing is answered for good before it has come."""


@pytest.mark.parametrize("name", WHOLE)
async def test_requests_byte_by_byte(serving: Serving, parser: str, name: str) -> None:
    script, data = CONVERSATIONS[name]
    transcripts: list[bytes] = []
    for http in (STOCK[parser], OURS[parser]):
        served = await serving(http_only(script), http=http, **PLAIN)
        async with connect(served) as client:
            await client.send_slowly(data, interval=0)
            transcripts.append(await client.read_until_closed())
    assert transcripts[0] == transcripts[1]


async def test_keep_alive(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        for number in range(20):
            await client.send(request(target=f"/{number}"))
            response = await client.read_response()
            assert (response.status, response.body) == (200, b"/%d" % number)


async def test_the_time_of_keep_alive(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path, timeout_keep_alive=0.05)
    async with connect(served) as client:
        await client.send(request())
        assert (await client.read_response()).status == 200
        assert await client.read_until_closed(timeout=5) == b""


async def test_many_clients_at_once(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)

    async def talk(name: int) -> None:
        async with connect(served) as client:
            for number in range(10):
                await client.send(request(target=f"/{name}/{number}"))
                assert (await client.read_response()).body == f"/{name}/{number}".encode()

    async with anyio.create_task_group() as tasks:
        for name in range(30):
            tasks.start_soon(talk, name)


async def test_too_many_connections(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path, limit_concurrency=2)
    async with connect(served) as first:
        await first.send(request())
        assert (await first.read_response()).status == 200
        async with connect(served) as second:
            await second.send(request())
            response = await second.read_response()
            assert (response.status, response.body) == (503, b"Service Unavailable")
            assert await second.read_until_closed() == b""

        async def answered() -> bool:
            await first.send(request())
            return (await first.read_response()).status == 200

        await until(answered)
