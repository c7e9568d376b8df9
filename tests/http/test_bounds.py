"""What a client can have the server keep, and for how long, before there is a whole request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from socketio_asgi.uvicorn_protocols import server_context
from socketio_asgi.uvicorn_protocols.http_reading import PIECE_SIZE
from socketio_asgi.websocket.headers import MAX_HEAD_SIZE
from tests.support.echo import Receive, Scope, Send
from tests.support.waiting import until

from .support import (
    Connection,
    HTTPClass,
    ServeHTTP,
    body,
    connect,
    echo_body,
    echo_path,
    length,
    ours_only,
    read_body,
    request,
    start,
)

pytestmark = ours_only

FLOOD = 64_000_000
"""Bytes, far more than the operating system takes on behalf of a server that does not read."""


async def flood(client: Connection, pieces: Iterator[bytes]) -> int:
    """Send until the server does not read or has closed; returns the bytes that it took."""
    sent = 0
    with suppress(anyio.BrokenResourceError, TimeoutError):
        for piece in pieces:
            with anyio.fail_after(0.5):
                await client.stream.send(piece)
            sent += len(piece)
    return sent


def repeated(piece: bytes, *before: bytes) -> Iterator[bytes]:
    """A stream that begins with something, and then is the same over and over."""
    yield from before
    for _ in range(FLOOD // len(piece)):
        yield piece


# -- heads -------------------------------------------------------------------------------------

HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (HEAD, b"X: y\r\n" * 100),
        (HEAD + b"X: ", b"y" * 1000),
        (b"GET /", b"x" * 1000),
        (b"", b"\r\n" * 500),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 100),
        (CHUNKED + b"1;", b"x" * 1000),
    ],
    ids=["headers", "header", "target", "empty lines", "trailers", "chunk extension"],
)
async def test_a_head_without_an_end(serve_http: ServeHTTP, before: bytes, piece: bytes) -> None:
    served = await serve_http(echo_body)
    async with connect(served) as client:
        assert await flood(client, repeated(piece, before)) < FLOOD
    async with connect(served) as client:
        assert (await client.ask(request(headers=["Connection: close"])))[9:12] == b"200"


async def test_the_answer_to_a_head_that_is_too_large(
    serve_http: ServeHTTP, http: HTTPClass
) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        await client.send(HEAD + b"X: " + b"y" * (MAX_HEAD_SIZE + PIECE_SIZE))
        answer = await client.read_until_closed()
    # h11 has a smaller limit of its own, and no other word for it.
    assert answer[9:12] == (b"431" if issubclass(http, HttpToolsProtocol) else b"400")


async def test_a_large_head_within_the_limit(serve_http: ServeHTTP, http: HTTPClass) -> None:
    size = MAX_HEAD_SIZE - 2 * PIECE_SIZE if issubclass(http, HttpToolsProtocol) else 10_000
    served = await serve_http(echo_path)
    async with connect(served) as client:
        for _ in range(3):
            await client.send(request(headers=["X: " + "y" * size]))
            assert (await client.read_response()).status == 200


# -- requests behind one another ---------------------------------------------------------------


async def test_requests_wait_for_the_answer_to_the_last(serve_http: ServeHTTP) -> None:
    """Outside of the server, although the application waits for the end of the client."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await receive()

    served = await serve_http(script)
    async with connect(served) as client:
        assert await flood(client, repeated(request() * 1000)) < FLOOD


async def test_requests_at_once_are_answered_in_their_order(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_body)
    # Some longer than a piece, some shorter; the last piece is that of several.
    bodies = [b"%d" % number * (1 + 700 * (number % 3)) for number in range(500)]
    async with connect(served) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.send, b"".join(request("POST", data=each) for each in bodies))
        for each in bodies:
            assert (await client.read_response()).body == each


async def test_all_is_read_before_the_end_of_the_client(serve_http: ServeHTTP) -> None:
    targets: list[str] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        targets.append(scope["path"])
        await echo_path(scope, receive, send)

    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(b"".join(request(target=f"/{number}") for number in range(500)))
        await until(lambda: len(targets) == 500)
    assert targets == [f"/{number}" for number in range(500)]


async def test_a_body_of_an_answered_request_is_dropped(serve_http: ServeHTTP) -> None:
    """However long it is: the client is to read the response."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, length(b"early")))
        await send(body(b"early"))

    served = await serve_http(script)
    async with connect(served) as client:
        data = request("POST", headers=["Content-Length: 3000000"]) + bytes(3_000_000)
        await client.send(data + request(target="/next"))
        for _ in range(2):
            assert (await client.read_response()).body == b"early"


# -- time --------------------------------------------------------------------------------------


@pytest.fixture
def short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients little time for the head of a request."""
    monkeypatch.setattr(server_context, "HEAD_SECONDS", 0.05)


@pytest.mark.usefixtures("short_time")
@pytest.mark.parametrize(
    ("beginning", "status"), [(b"", b""), (b"G", b"408"), (HEAD + b"X", b"408")]
)
async def test_a_client_that_sends_no_request(
    serve_http: ServeHTTP, beginning: bytes, status: bytes
) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        if beginning:
            await client.send(beginning)
        assert (await client.read_until_closed())[9:12] == status


@pytest.mark.usefixtures("short_time")
async def test_a_client_that_sends_a_head_byte_by_byte(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client, anyio.create_task_group() as tasks:

        async def drip() -> None:
            with suppress(anyio.BrokenResourceError):
                await client.send(HEAD)
                while True:
                    await client.send(b"x")
                    await anyio.sleep(0.005)

        tasks.start_soon(drip)
        assert (await client.read_until_closed())[9:12] == b"408"
        tasks.cancel_scope.cancel()


@pytest.mark.usefixtures("short_time")
async def test_half_of_another_request(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        await client.send(request())
        assert (await client.read_response()).status == 200
        await client.send(HEAD)
        assert (await client.read_until_closed())[9:12] == b"408"


@pytest.mark.usefixtures("short_time")
async def test_a_request_may_take_its_time(serve_http: ServeHTTP) -> None:
    """Its body, and the response; clients that time out meanwhile tell that the time is over."""
    answer = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await answer.wait()
        await echo_body(scope, receive, send)

    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(request("POST", headers=["Content-Length: 5"]) + b"12")
        for _ in range(3):
            async with connect(served) as silent:
                assert await silent.read_until_closed() == b""
        await client.send(b"345")
        answer.set()
        assert (await client.read_response()).body == b"12345"
