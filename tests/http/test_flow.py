"""Clients that do not read, and requests that come slowly or in masses."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import anyio
import pytest

from socketio_asgi.uvicorn_protocols.server_context import MAX_BUFFERED
from tests.support.echo import Receive, Scope, Send
from tests.support.waiting import until

from .support import (
    Connection,
    ServeHTTP,
    answers,
    body,
    connect,
    echo_body,
    echo_path,
    length,
    read_body,
    request,
    start,
)

TOTAL = 30_000_000
"""Bytes of a response, far more than the operating system takes for a client that does not read."""
MOST = 15_000_000
"""More than all buffers together may hold."""


class Flooding:
    """Streams a response of ``TOTAL`` bytes, as fast as it may."""

    def __init__(self, size: int, pause: Callable[[], Awaitable[None]] | None = None) -> None:
        self.size = size
        self.pause = pause
        self.sent = 0
        self.returned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % TOTAL)))
        while self.sent < TOTAL:
            piece = flood(self.sent, min(self.size, TOTAL - self.sent))
            self.sent += len(piece)
            await send(body(piece, more=self.sent < TOTAL))
            if self.pause is not None:
                await self.pause()
        self.returned = True


def flood(offset: int, size: int) -> bytes:
    """A part of the response."""
    return (b"%016d" % offset).ljust(size, b"x")[:size]


async def settled(app: Flooding) -> int:
    """Wait until the application is held back; returns how much it has sent."""
    before = -1
    while before != app.sent:
        before = app.sent
        await anyio.sleep(0.05)
    return before


@pytest.mark.parametrize(
    ("size", "pause"),
    [
        (20_000, None),  # several are buffered together
        (MAX_BUFFERED - 100, None),  # the head is too much with the first, and each with the next
        (100_000, anyio.lowlevel.checkpoint),
        (3_000_000, None),
    ],
)
async def test_a_client_that_does_not_read(
    serve_http: ServeHTTP, size: int, pause: Callable[[], Awaitable[None]] | None
) -> None:
    """The application is held back, goes on when the client reads, and nothing is lost."""
    app = Flooding(size, pause)
    served = await serve_http(app)
    async with connect(served) as client:
        await client.send(request(headers=["Connection: close"]))
        assert 0 < await settled(app) < MOST
        assert not app.returned
        digest, count = await receive_all(client)
    assert count == TOTAL
    assert digest == expected_digest(size)
    await until(lambda: app.returned)


async def receive_all(client: Connection) -> tuple[bytes, int]:
    """The hash and the size of the body of a response, which is not kept."""
    head, digest, count = b"", hashlib.blake2b(), 0
    while b"\r\n\r\n" not in head:
        head += await client.stream.receive()
    data = head.partition(b"\r\n\r\n")[2]
    try:
        while True:
            digest.update(data)
            count += len(data)
            data = await client.stream.receive(1 << 20)
    except anyio.EndOfStream:
        return digest.digest(), count


def expected_digest(size: int) -> bytes:
    digest = hashlib.blake2b()
    for offset in range(0, TOTAL, size):
        digest.update(flood(offset, min(size, TOTAL - offset)))
    return digest.digest()


async def test_one_response_of_64_megabytes(serve_http: ServeHTTP) -> None:
    data = bytes(64_000_000)
    served = await serve_http(answers(start(200, length(data)), body(data)))
    async with connect(served) as client:
        await client.send(request(headers=["Connection: close"]))
        assert (await receive_all(client))[1] == len(data)


@pytest.mark.parametrize("size", [1_000, 100_000])
async def test_a_client_that_leaves_without_reading(serve_http: ServeHTTP, size: int) -> None:
    """The application that was held back comes to its end."""
    app = Flooding(size)
    served = await serve_http(app)
    async with connect(served) as client:
        await client.send(request())
        await settled(app)
        await client.abort()
    await until(lambda: app.returned)


async def test_other_clients_are_served_meanwhile(serve_http: ServeHTTP) -> None:
    app = Flooding(100_000)

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await (app if scope["path"] == "/flood" else echo_path)(scope, receive, send)

    served = await serve_http(script)
    async with connect(served) as stuck, connect(served) as client:
        await stuck.send(request(target="/flood"))
        await settled(app)
        for _ in range(20):
            await client.send(request(target="/other"))
            assert (await client.read_response()).body == b"/other"
        await stuck.abort()


# -- requests --------------------------------------------------------------------------------


async def test_a_body_in_pieces(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_body)
    async with connect(served) as client:
        for _ in range(3):
            await client.send_head("POST", "/", {"Content-Length": "30"})
            for _ in range(10):
                await client.send(b"abc")
                await anyio.sleep(0.001)
            assert (await client.read_response()).body == b"abc" * 10


async def test_a_large_body(serve_http: ServeHTTP) -> None:
    served = await serve_http(echo_body)
    data = b"".join(b"%07d\n" % number for number in range(500_000))
    async with connect(served) as client:
        await client.send(request("POST", data=data))
        assert (await client.read_response()).body == data


async def test_a_body_that_nobody_reads_is_not_kept(serve_http: ServeHTTP) -> None:
    """The client is held back while the application does not receive."""
    finish = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await finish.wait()
        await echo_size(scope, receive, send)

    async def echo_size(scope: Scope, receive: Receive, send: Send) -> None:
        data = b"%d" % len(await read_body(receive))
        await send(start(200, length(data)))
        await send(body(data))

    served = await serve_http(script)
    sent = 0
    piece = bytes(100_000)
    async with connect(served) as client:
        await client.send_head("POST", "/", {"Content-Length": str(TOTAL)})

        async def upload() -> None:
            nonlocal sent
            while sent < TOTAL:
                await client.send(piece)
                sent += len(piece)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upload)
            before = -1
            while before != sent:
                before = sent
                await anyio.sleep(0.05)
            assert sent < MOST
            finish.set()
            assert (await client.read_response()).body == b"%d" % TOTAL


async def test_100_continue(serve_http: ServeHTTP) -> None:
    """It comes at once when the application wants the body, and before the response."""
    served = await serve_http(echo_body)
    async with connect(served) as client:
        await client.send(request("POST", headers=["Expect: 100-continue", "Content-Length: 5"]))
        with anyio.fail_after(5):
            # h11 has no reason phrase of its own, and an empty line for no header.
            assert (await client.stream.receive()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"hello")
        response = await client.read_response()
        assert (response.status, response.body) == (200, b"hello")


async def test_a_response_instead_of_100_continue(serve_http: ServeHTTP) -> None:
    head = start(413, (b"content-length", b"0"), (b"connection", b"close"))
    served = await serve_http(answers(head, body()))
    async with connect(served) as client:
        data = await client.ask(
            request("POST", headers=["Expect: 100-continue", "Content-Length: 5"])
        )
        assert data.startswith(b"HTTP/1.1 413 ")
        assert data.count(b"HTTP/1.1") == 1
