"""Clients that leave, before, within and after a response; and halves of connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from tests.support.echo import Message, Receive, Scope, Send
from tests.support.waiting import until

from .support import (
    Connection,
    ServeHTTP,
    body,
    connect,
    echo_path,
    length,
    request,
    start,
)

Leave = Callable[[Connection], Awaitable[None]]


async def abort(client: Connection) -> None:
    await client.abort()


async def close(client: Connection) -> None:
    await client.stream.aclose()


WAYS = {"abort": abort, "close": close}
leaving = pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS)


class Stages:
    """Stops before a part of its response, and notes what comes after the client has left."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.reached = anyio.Event()
        self.left = anyio.Event()
        self.message: Message | None = None
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            await self._wait("before")
            await send(start(200, length(b"hello")))
            await self._wait("started")
            await send(body(b"he", more=True))
            await self._wait("within")
            await send(body(b"llo"))
            self.message = await receive()
        except (OSError, RuntimeError) as error:
            self.error = error

    async def _wait(self, stage: str) -> None:
        if stage == self.stage:
            self.reached.set()
            await self.left.wait()


@leaving
@pytest.mark.parametrize("stage", ["before", "started", "within"])
async def test_the_application_is_told(
    serve_http: ServeHTTP, stage: str, leave: Leave, caplog: pytest.LogCaptureFixture
) -> None:
    app = Stages(stage)
    served = await serve_http(app)
    async with connect(served) as client:
        await client.send(request())
        await app.reached.wait()
        await leave(client)
        await anyio.sleep(0.02)  # until the server has noticed it
        app.left.set()
        await until(lambda: app.message or app.error)
    assert app.error is None
    assert app.message == {"type": "http.disconnect"}
    assert caplog.records == []


@leaving
async def test_a_client_that_leaves_while_the_response_is_held(
    serve_http: ServeHTTP, leave: Leave, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes in the same turn of the event loop, before the response is sent."""
    clients: list[Connection] = []
    done = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, length(b"hello")))
        await send(body(b"hello"))
        await leave(clients[0])
        done.set()

    served = await serve_http(script)
    async with connect(served) as client:
        clients.append(client)
        await client.send(request())
        await done.wait()
        await anyio.sleep(0.02)
    assert caplog.records == []
    done = anyio.Event()
    async with connect(served) as other:  # the server goes on
        clients[:] = [other]
        await other.send(request())
        await done.wait()


async def test_a_client_that_leaves_between_requests(
    serve_http: ServeHTTP, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve_http(echo_path)
    for leave in WAYS.values():
        async with connect(served) as client:
            await client.send(request())
            await client.read_response()
            await leave(client)
    async with connect(served) as client:
        await client.send(request(target="/again"))
        assert (await client.read_response()).body == b"/again"
    assert caplog.records == []


@pytest.mark.parametrize("turns", range(6))
async def test_a_client_that_sends_no_more(serve_http: ServeHTTP, turns: int) -> None:
    """It gets the whole response, or none when the server has closed the connection before."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        await send(start(200, length(b"hello")))
        await send(body(b"hello"))

    served = await serve_http(script)
    async with connect(served) as client:
        await client.send(request())
        await client.half_close()
        data = await client.read_until_closed()
    assert data == b"" or data.endswith(b"hello")


async def test_a_response_that_was_written_before_a_client_sends_no_more(
    serve_http: ServeHTTP,
) -> None:
    """As ``nc -N`` does: the request, and the end of the client's half right behind it."""
    served = await serve_http(echo_path)
    for number in range(20):
        async with connect(served) as client:
            await client.send(request(target=f"/{number}"))
            await client.half_close()
            assert (await client.read_response()).body == b"/%d" % number
            assert await client.read_until_closed() == b""
