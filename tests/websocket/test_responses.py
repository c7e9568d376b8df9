"""Handshakes that end without a WebSocket: refused by the application, or failed.

Source: the ASGI specification of WebSocket, and its extension "WebSocket Denial Response"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.support.echo import Message, Receive, Scope, Send
from tests.support.frames import text
from tests.support.rawwebsocket import RawWebSocket
from tests.support.waiting import until

from .conftest import ServeAndLog, Serving
from .support import EchoApp, connect, ours_only, tcp, websocket_only

START = "websocket.http.response.start"
BODY = "websocket.http.response.body"


class Script:
    """Sends events, and notes what follows them."""

    def __init__(self, *events: Message, error: Exception | None = None) -> None:
        self.events = events
        self.error = error
        self.raised: Exception | None = None
        self.after: Message | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        assert "websocket.http.response" in scope["extensions"]
        assert await receive() == {"type": "websocket.connect"}
        try:
            for event in self.events:
                await send(event)
        except Exception as error:
            self.raised = error
            raise
        if self.error is not None:
            raise self.error
        with anyio.move_on_after(5):
            self.after = await receive()


def denial(status: int, headers: Sequence[tuple[bytes, bytes]], *pieces: bytes) -> list[Message]:
    """The events of a response of the application."""
    last = len(pieces) - 1
    return [
        {"type": START, "status": status, "headers": headers},
        *(
            {"type": BODY, "body": piece, "more_body": index < last}
            for index, piece in enumerate(pieces)
        ),
    ]


@asynccontextmanager
async def ask(
    serving: Serving, ws: str, http: str, app: Any, **options: Any
) -> AsyncIterator[tuple[RawWebSocket, bytes]]:
    """Ask for a WebSocket; gives the client that has read the response, and the body."""
    served = await serving(app, ws=ws, http=http, **options)
    async with tcp(served) as peer:
        await peer.request()
        body = await peer.read_response()
        yield peer, body


# -- responses of the application ------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 503, 599])
async def test_a_response(serving: Serving, ws: str, http: str, status: int) -> None:
    if status == 599 and ws == "websockets-sansio":
        pytest.skip("it has no phrase for it, and fails")
    app = Script(*denial(status, [(b"x-reason", b"because")], b"no entry"))
    async with ask(serving, ws, http, app) as (peer, body):
        assert peer.status == status
        assert peer.header("x-reason") == "because"
        assert peer.header("content-length") == "8"
        assert peer.header("connection") == "close"
        assert body == b"no entry"
    await until(lambda: app.after is not None)
    assert app.after is not None
    assert app.after["type"] == "websocket.disconnect"
    assert app.after["code"] == 1006


@pytest.mark.parametrize("pieces", [(b"a", b"b", b"c"), (b"a", b""), (b"", b"a"), (b"",)])
async def test_a_body_in_pieces(
    serving: Serving, ws: str, http: str, pieces: tuple[bytes, ...]
) -> None:
    async with ask(serving, ws, http, Script(*denial(401, [], *pieces))) as (peer, body):
        assert peer.status == 401
        assert body == b"".join(pieces)
        assert peer.header("content-length") in {None, str(len(body))}


async def test_a_length_that_the_application_gives(serving: Serving, ws: str, http: str) -> None:
    app = Script(*denial(401, [(b"Content-Length", b"2")], b"a", b"b"))
    async with ask(serving, ws, http, app) as (peer, body):
        assert peer.header("content-length") == "2"
        assert body == b"ab"


async def test_a_large_body(serving: Serving, ws: str, http: str) -> None:
    pieces = [bytes([number]) * 100_000 for number in range(50)]
    async with ask(serving, ws, http, Script(*denial(401, [], *pieces))) as (_, body):
        assert body == b"".join(pieces)


@ours_only  # the other one gathers it
async def test_a_body_waits_for_a_client_that_does_not_read(
    serving: Serving, ws: str, http: str
) -> None:
    sent = 0

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": START, "status": 401, "headers": []})
        while True:
            await send({"type": BODY, "body": b"x" * 100_000, "more_body": True})
            sent += 1

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await peer.read_head()
        with anyio.move_on_after(0.5):
            while True:
                before = sent
                await anyio.sleep(0.05)
                if sent == before:
                    break
        assert sent < 200
        await peer.abort()


@ours_only
@pytest.mark.parametrize(
    "header", [(b"x-a", b"1\r\nx-injected: 1"), (b"x-injected: 1\r\nx-a", b"1"), (b"", b"1")]
)
async def test_header_injection(
    serving: Serving, ws: str, http: str, header: tuple[bytes, bytes]
) -> None:
    app = Script(*denial(401, [header], b"no"))
    async with ask(serving, ws, http, app) as (peer, body):
        assert peer.status == 500
        assert peer.header("x-injected") is None
        assert b"injected" not in body
    assert isinstance(app.raised, ValueError)


@ours_only
@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, 1000])
async def test_a_status_that_is_none(serving: Serving, ws: str, http: str, status: int) -> None:
    app = Script(*denial(status, [], b"no"))
    async with ask(serving, ws, http, app) as (peer, _):
        assert peer.status == 500
    assert isinstance(app.raised, (ValueError, RuntimeError))


@ours_only
@pytest.mark.parametrize("error", [None, ValueError("on purpose")])
async def test_a_response_without_a_body(
    serving: Serving, ws: str, http: str, error: Exception | None
) -> None:
    app = Script({"type": START, "status": 401, "headers": []}, error=error)
    if error is None:
        app = websocket_only(return_after_start)  # type: ignore[assignment]
    async with ask(serving, ws, http, app) as (peer, body):
        assert peer.status == 500
        assert b"purpose" not in body


async def return_after_start(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": START, "status": 401, "headers": []})


async def test_an_error_within_a_body(serving: Serving, ws: str, http: str) -> None:
    events = denial(401, [(b"content-length", b"100")], b"a", b"b")[:-1]
    async with tcp(
        await serving(Script(*events, error=ValueError("on purpose")), ws=ws, http=http)
    ) as peer:
        await peer.request()
        rest = await peer.read_rest()
        assert b"500" not in rest  # no second response within the first
        assert b"purpose" not in rest


@pytest.mark.parametrize(
    "late",
    [
        {"type": "websocket.accept"},
        {"type": "websocket.send", "text": "late"},
        {"type": START, "status": 200, "headers": []},
    ],
)
async def test_what_does_not_fit_after_a_response(
    serving: Serving, ws: str, http: str, late: Message
) -> None:
    app = Script(*denial(401, [], b"no"), late)
    async with ask(serving, ws, http, app) as (peer, body):
        assert (peer.status, body) == (401, b"no")
    await until(lambda: app.raised is not None)
    assert isinstance(app.raised, (RuntimeError, OSError))


@ours_only  # the other one sends the response once more
async def test_a_body_after_the_last(serving: Serving, ws: str, http: str) -> None:
    app = Script(*denial(401, [], b"no"), {"type": BODY, "body": b"more"})
    async with ask(serving, ws, http, app) as (_, body):
        assert body == b"no"
    assert isinstance(app.raised, RuntimeError)


# -- closed before it is accepted ------------------------------------------------------------


async def test_a_close_before_accept(serving: Serving, ws: str, http: str) -> None:
    app = Script({"type": "websocket.close", "code": 4001, "reason": "no"})
    async with ask(serving, ws, http, app) as (peer, body):
        assert peer.status == 403
        assert body == b""
        assert peer.header("content-length") == "0"
        assert peer.header("connection") == "close"
    await until(lambda: app.after is not None)
    assert app.after is not None
    assert app.after["type"] == "websocket.disconnect"
    assert app.after["code"] == 1006


async def test_an_accept_after_a_close(serving: Serving, ws: str, http: str) -> None:
    app = Script({"type": "websocket.close"}, {"type": "websocket.accept"})
    async with ask(serving, ws, http, app) as (peer, _):
        assert peer.status == 403
    await until(lambda: app.raised is not None)
    assert isinstance(app.raised, (RuntimeError, OSError))


# -- failed ----------------------------------------------------------------------------------


async def test_an_error_before_accept(
    serving: Serving, ws: str, http: str, serve_and_log: ServeAndLog
) -> None:
    served, lines = await serve_and_log(Script(error=ValueError("on purpose")), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        body = await peer.read_response()
        assert peer.status == 500
        assert body == b"Internal Server Error"
        assert peer.header("content-length") == "21"
    assert lines("Exception in ASGI application")


async def test_the_application_returns_before_accept(
    serve_and_log: ServeAndLog, ws: str, http: str
) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    served, lines = await serve_and_log(websocket_only(script), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await peer.read_response()
        assert peer.status == 500
    assert lines("ASGI callable returned without completing handshake.")


async def test_an_error_after_a_refusal(serving: Serving, ws: str, http: str) -> None:
    app = Script({"type": "websocket.close"}, error=ValueError("on purpose"))
    async with ask(serving, ws, http, app) as (peer, body):
        assert (peer.status, body) == (403, b"")


async def test_the_connection_is_not_used_again(serving: Serving, ws: str, http: str) -> None:
    served = await serving(Script(*denial(401, [], b"no")), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await peer.request()
        assert await peer.read_head() == 401
        assert (await peer.read_rest()).count(b"HTTP/1.1") == 0


# -- too many --------------------------------------------------------------------------------


@ours_only  # the other one counts HTTP requests only
async def test_the_limit_of_connections(serve_and_log: ServeAndLog, ws: str, http: str) -> None:
    served, lines = await serve_and_log(EchoApp(), ws=ws, http=http, limit_concurrency=3)
    async with connect(served) as first, connect(served):
        async with tcp(served) as peer:
            await peer.request()
            body = await peer.read_response()
            assert peer.status == 503
            assert body == b"Service Unavailable"
        assert lines("Exceeded concurrency limit.")
        await first.send(text("hello"))
        assert await first.read_text() == "hello"
    status = 503
    with anyio.fail_after(5):
        while status != 101:  # the server may not have noticed yet that they have gone
            async with tcp(served) as peer:
                await peer.request()
                status = await peer.read_head()
