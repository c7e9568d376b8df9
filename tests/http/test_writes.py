"""All that a connection writes in one turn of the event loop goes out with one write."""

from __future__ import annotations

import anyio
import pytest

from socketio_asgi.uvicorn_protocols.server_context import MAX_BUFFERED
from tests.support.echo import Message, Receive, Scope, Send

from .support import (
    Script,
    ServeHTTP,
    answers,
    body,
    connect,
    echo_path,
    length,
    ours_only,
    request,
    start,
)

RESPONSES: dict[str, list[Message]] = {
    "length": [start(200, length(b"hello")), body(b"hello")],
    "chunked": [start(), body(b"hello")],
    "pieces": [start(), *(body(b"hello", more=True) for _ in range(10)), body()],
    "error": [start(500, length(b"hello")), body(b"hello")],
}


@pytest.mark.parametrize("messages", RESPONSES.values(), ids=RESPONSES)
async def test_a_response_is_one_segment(
    serve_http: ServeHTTP, ours: bool, messages: list[Message]
) -> None:
    served = await serve_http(answers(*messages))
    async with connect(served) as client:
        for number in range(1, 4):
            await client.send(request())
            response = await client.read_response()
            assert response.body == b"".join(message.get("body", b"") for message in messages)
            # Uvicorn's own class has at least one for the head and one for the body.
            assert client.segments == number if ours else client.segments > number


@ours_only
async def test_answers_to_pipelined_requests_are_joined(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        await client.send(b"".join(request(target=f"/{number}") for number in range(20)))
        for number in range(20):
            assert (await client.read_response()).body == b"/%d" % number
        # One write each, not two. Linux may send a segment again whose receipt it has not heard of.
        assert client.segments < 30


@ours_only
@pytest.mark.parametrize("script", [answers(start(), body(b"last words"))])
async def test_a_last_response_is_one_segment(serve_http: ServeHTTP, script: Script) -> None:
    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(request(headers=["Connection: close"]))
        assert (await client.read_response()).body == b"last words"
        assert await client.read_until_closed() == b""
        assert client.segments == 1


@ours_only
async def test_a_malformed_request_is_answered_with_one_segment(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_path)
    async with connect(served) as client:
        assert (await client.ask(b"no request\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert client.segments == 1


async def test_what_is_written_does_not_wait_for_more(serve_http: ServeHTTP) -> None:
    """Each part of a stream comes when it is there, the head too."""
    tickets = [anyio.Event() for _ in range(4)]

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"4")))
        for ticket in tickets:
            await ticket.wait()
            await send(body(b"x", more=ticket is not tickets[-1]))

    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(request())
        with anyio.fail_after(5):
            assert (await client.stream.receive()).endswith(b"\r\n\r\n")
            for ticket in tickets:
                ticket.set()
                assert await client.stream.receive() == b"x"


async def test_a_buffer_that_changes_after_it_was_sent(serve_http: ServeHTTP) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        buffer = bytearray(b"first")
        await send(start(200, (b"content-length", b"10")))
        await send(body(buffer, more=True))
        buffer[:] = b"other"
        await send(body(memoryview(buffer)))
        buffer[:] = b"xxxxx"

    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(request())
        assert (await client.read_response()).body == b"firstother"


SIZES = {
    "small": [1] * 500,
    "just buffered": [MAX_BUFFERED - 200],
    "just too large": [MAX_BUFFERED + 1],
    "together too large": [1000] * 200,
    "alternating": [1, MAX_BUFFERED * 2, 2, MAX_BUFFERED * 2, 3],
    "large": [5_000_000],
    "several large": [1_000_000] * 5,
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("chunked", [False, True])
async def test_nothing_is_reordered(serve_http: ServeHTTP, sizes: list[int], chunked: bool) -> None:
    pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    whole = b"".join(pieces)
    headers = [] if chunked else [length(whole)]
    messages = [start(200, *headers), *(body(piece, more=True) for piece in pieces), body()]
    served = await serve_http(answers(*messages))
    async with connect(served) as client:
        for _ in range(2):
            await client.send(request())
            assert (await client.read_response()).body == whole
