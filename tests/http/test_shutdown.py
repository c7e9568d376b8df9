"""The end of the server while connections are open: all that was written arrives before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from anyio import to_thread

from tests.conftest import StartServer
from tests.support.echo import Receive, Scope, Send
from tests.support.processes import BOTH_PATHS
from tests.support.rawhttp import connect_raw
from tests.support.serving import serve
from tests.support.waiting import until

from .conftest import PLAIN
from .support import (
    Connection,
    HTTPClass,
    Script,
    body,
    connect,
    echo_path,
    http_only,
    length,
    request,
    start,
)


@asynccontextmanager
async def ending(script: Script, http: HTTPClass, grace: int = 1) -> AsyncIterator[Connection]:
    """A client of a server that ends with the block; what comes at its end is in ``rest``."""
    async with AsyncExitStack() as clients:
        with anyio.fail_after(grace + 8):
            async with serve(http_only(script), http=http, grace=grace, **PLAIN) as served:
                client = await clients.enter_async_context(connect(served))
                yield client
        client.rest = await client.read_until_closed()


async def test_a_connection_that_waits_for_requests(http: HTTPClass) -> None:
    async with ending(echo_path, http) as client:
        await client.send(request())
        assert (await client.read_response()).body == b"/"
    assert client.rest == b""


async def test_a_connection_without_a_request(http: HTTPClass) -> None:
    async with ending(echo_path, http) as client:
        await client.send(request()[:10])
    assert client.rest == b""


async def test_a_response_that_is_complete_in_time(http: HTTPClass) -> None:
    asked, told = anyio.Event(), anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"200003")))
        await send(body(b"one", more=True))
        asked.set()
        await told.wait()
        await send(body(b"2" * 100_000, more=True))
        await send(body(b"3" * 100_000))

    async with ending(script, http) as client:
        await client.send(request())
        await asked.wait()
        asyncio.get_running_loop().call_later(0.2, told.set)
    assert client.rest.endswith(b"\r\n\r\none" + b"2" * 100_000 + b"3" * 100_000)


Ending = Callable[[Send], Awaitable[None]]


async def says_more(send: Send) -> None:
    await send(body(b"more", more=True))


async def ends(send: Send) -> None:
    await send(body(b"last"))


async def fails(send: Send) -> None:
    await send(body(b"more", more=True))
    raise ValueError("on purpose")


ENDINGS = {"more": (says_more, b"more"), "the end": (ends, b"last"), "fails": (fails, b"more")}


@pytest.mark.parametrize(("end", "expected"), ENDINGS.values(), ids=ENDINGS)
async def test_an_application_that_is_cancelled(
    http: HTTPClass, end: Ending, expected: bytes
) -> None:
    """The rest, which it writes then, arrives as well."""
    asked = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"9")))
        await send(body(b"first", more=True))
        asked.set()
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            await end(send)

    async with ending(script, http) as client:
        await client.send(request())
        await asked.wait()
    assert client.rest.partition(b"\r\n\r\n")[2] == b"first" + expected


async def test_an_application_that_did_not_answer(http: HTTPClass) -> None:
    asked = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await anyio.sleep_forever()

    async with ending(script, http) as client:
        await client.send(request())
        await asked.wait()
    assert client.rest.startswith(b"HTTP/1.1 500 ")
    assert b"Internal Server Error" in client.rest


async def test_a_response_of_the_same_turn(http: HTTPClass) -> None:
    """It is buffered when the connection is told that the server ends."""
    sent = anyio.Event()
    connections: list[Any] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start(200, length(b"hello")))
        await send(body(b"hello"))
        for connection in connections:
            connection.shutdown()
        sent.set()

    class Known(cast("Any", http)):  # type: ignore[misc]
        """Shows its connections."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.append(self)

    async with ending(script, Known) as client:
        await client.send(request())
        await sent.wait()
        data = await client.read_until_closed()
        assert data.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("server_name", BOTH_PATHS)
@pytest.mark.parametrize(("path", "expected"), [("/soon", b"first,last"), ("/never", b"first,")])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_process_that_is_told_to_end(
    start_server: StartServer, server_name: str, path: str, expected: bytes, anyio_backend: str
) -> None:
    app = "tests.http.apps:ending"
    options = ["--timeout-graceful-shutdown", "1" if path == "/never" else "5"]
    server = await to_thread.run_sync(lambda: start_server(server_name, app, options=options))
    async with connect_raw(server.url) as raw:
        await raw.send_head("GET", path)
        head = b""
        while b"first," not in head:
            head += await raw.stream.receive()
        server.signal()
        rest = head.partition(b"\r\n\r\n")[2] + await raw.read_until_closed()
    pieces = rest.split(b"\r\n")
    assert b"".join(pieces[1::2]) == expected
    await until(lambda: not server.running)
