"""HTTP long-polling: https://socket.io/docs/v4/engine-io-protocol/#http-long-polling"""

from __future__ import annotations

import logging
from typing import Any

import anyio
import httpx
import pytest
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import Message, Receive, Scope, Send

from tests.support.clients import PollingClient, connect_raw, polling
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.runtime

SEPARATOR = "\x1e"


def polls(app: EngineApp) -> bool:
    """Whether a GET of the latest client waits."""
    return app.client.session.transport.writable


async def assert_ended(client: PollingClient) -> None:
    """The session is unknown by now."""
    response = await client.request("GET")
    assert (response.status_code, response.json()["code"]) == (400, 1)


class InOrder:
    """An application that notes the status of its answers, in their order."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.statuses: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
            await send(message)

        await self._app(scope, receive, note)


@pytest.mark.parametrize(
    ("body", "status"), [("4" + "x" * 200, 413), ("no packet", 400)], ids=["too large", "malformed"]
)
async def test_the_poll_is_answered_before_what_ends_the_session(
    start_engine: StartEngine, body: str, status: int
) -> None:
    # A client says that its connection has ended as the first of the two answers says.
    found: list[InOrder] = []

    def wrap(app: Any) -> InOrder:
        found.append(InOrder(app))
        return found[0]

    app = await start_engine(wrap=wrap, max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.request, "GET")
            await until(lambda: polls(app))
            response = await client.request("POST", content=body)
            assert response.status_code == status
    assert found[0].statuses == [200, 200, status]


# -- packets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "4hello",
        "4",
        "4test1\x1e4test2\x1e4test3",
        "4hello\x1ebAQIDBA==",
        "bAQIDBA==",
        "b",
        "4\x1e4\x1eb\x1e4",
        "4äöü€😀 \u2028\x00",
        SEPARATOR.join(f"4{number}" for number in range(100)),
    ],
)
async def test_echo(start_engine: StartEngine, body: str) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        response = await client.request("POST", content=body)
        assert (response.status_code, response.text) == (200, "ok")
        # Not text/plain, which some user agents offer for download.
        assert response.headers["content-type"] == "text/html"
        assert response.headers["cache-control"] == "no-store"
        response = await client.request("GET")
        assert response.content.decode() == body
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"


async def test_poll_waits_for_a_message(start_engine: StartEngine) -> None:
    app = await start_engine()
    got: list[Any] = []
    async with PollingClient(app.url) as client, anyio.create_task_group() as tasks:
        await client.open()
        assert not polls(app)

        async def poll() -> None:
            got.extend(await client.poll())

        tasks.start_soon(poll)
        await until(lambda: polls(app))
        app.client.send("one", b"\x02", "")
        assert not polls(app)
        app.client.send("as well")
        await until(lambda: got)
    assert got == ["4one", b"\x02", "4", "4as well"]


async def test_packets_that_do_not_matter_are_ignored(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("0{}", "5", "6", "3", "4after")
        assert await client.poll() == ["4after"]


# -- maxPayload --------------------------------------------------------------------------------


async def test_one_response_holds_no_more_than_max_payload(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        # Three records of 33 bytes and two separators make 101.
        app.client.send("a" * 32, "b" * 32, "c" * 32)
        assert await client.poll() == ["4" + "a" * 32, "4" + "b" * 32]
        assert await client.poll() == ["4" + "c" * 32]
        app.client.send("a" * 32, "b" * 32, "c" * 31)
        assert len(await client.poll()) == 3


async def test_a_message_beyond_max_payload_is_sent_alone(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send("first", "x" * 500, b"y" * 99, "last")
        assert await client.poll() == ["4first"]
        assert await client.poll() == ["4" + "x" * 500]
        assert await client.poll() == [b"y" * 99]
        assert await client.poll() == ["4last"]


async def test_max_payload_counts_bytes_and_base64(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send("€" * 20, "€" * 20)  # 61 bytes each
        assert [len(await client.poll()), len(await client.poll())] == [1, 1]
        app.client.send(b"x" * 39, b"y" * 39)  # 53 bytes each
        assert [len(await client.poll()), len(await client.poll())] == [1, 1]


# -- bodies ------------------------------------------------------------------------------------


async def test_body_of_exactly_the_limit(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("4" + "x" * 99)
        assert app.client.messages == ["x" * 99]


async def test_too_large_a_body_with_its_length(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        # The answer comes without the body.
        await raw.send_head("POST", client.target(), {"Content-Length": "101"})
        response = await raw.read_response()
        assert (response.status, response.body) == (413, b"")
        assert app.client.closed == ("transport error", "payload too large")
        await assert_ended(client)


async def test_too_large_a_body_without_length(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.start_chunked("POST", client.target())
        for _ in range(3):
            await raw.send_chunk(b"4" * 50)
        # Reading stops there: the body never ends.
        response = await raw.read_response()
        assert (response.status, response.body) == (413, b"")
        assert app.client.closed == ("transport error", "payload too large")
        await assert_ended(client)
    assert app.client.messages == []


async def test_too_large_a_body_ends_the_poll_that_waits(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            response = await client.request("POST", content="4" + "x" * 100)
            assert (response.status_code, response.content) == (413, b"")
        assert answer == ["1"]


async def test_body_in_chunks(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.start_chunked("POST", client.target())
        for byte in "4ä\x1ebAQ==".encode():
            await raw.send_chunk(bytes([byte]))
        await raw.send_chunk(b"")
        assert (await raw.read_response()).body == b"ok"
    assert app.client.messages == ["ä", b"\x01"]


async def test_slow_body(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.send_head("POST", client.target(), {"Content-Length": "6"})
        await raw.send_slowly(b"4hello")
        assert (await raw.read_response()).status == 200
        assert app.client.messages == ["hello"]


@pytest.mark.parametrize(
    "body",
    [
        b"abc",
        b"",
        b"9",
        b"4a\x1e",
        b"\x1e4a",
        b"bA",
        b"b!!!!",
        b"b===",
        b"4\xff",
        b"-1",
    ],
)
async def test_malformed_payload_ends_the_session(start_engine: StartEngine, body: bytes) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        response = await client.request("POST", content=body)
        assert (response.status_code, response.json()) == (
            400,
            {"code": 3, "message": "Bad request"},
        )
        assert app.client.reason == "parse error"
        await assert_ended(client)
    assert app.client.messages == []


async def test_binary_bodies_belong_to_revision_3(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        headers = {"Content-Type": "application/octet-stream"}
        response = await client.request("POST", content=b"4x", headers=headers)
        assert response.status_code == 400
        assert app.client.closed is not None


# -- overlapping and aborted requests ----------------------------------------------------------


async def test_overlapping_get_ends_the_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    first: list[httpx.Response] = []
    async with PollingClient(app.url) as client, anyio.create_task_group() as tasks:
        await client.open()

        async def poll() -> None:
            first.append(await client.request("GET"))

        tasks.start_soon(poll)
        await until(lambda: polls(app))
        second = await client.request("GET")
        assert (second.status_code, second.json()["code"]) == (400, 3)
        await until(lambda: first)
        assert (first[0].status_code, first[0].text) == (200, "1")
        assert app.client.closed == ("transport error", "overlap from client")
        await assert_ended(client)


async def test_overlapping_post_ends_the_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.start_chunked("POST", client.target())
        await raw.send_chunk(b"4half")
        await until(lambda: app.client.session.transport._posting)  # type: ignore[attr-defined]
        response = await client.request("POST", content="4second")
        assert (response.status_code, response.json()["code"]) == (400, 3)
        assert app.client.closed == ("transport error", "data request overlap from client")
        await raw.send_chunk(b"")
        await raw.read_response()  # the first one is answered as well
        await assert_ended(client)
    assert app.client.messages == []


async def test_aborted_get_ends_the_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.send_request("GET", client.target())
        await until(lambda: polls(app))
        await raw.abort()
        await until(lambda: app.client.closed)
        assert app.client.closed == ("transport error", "poll connection closed prematurely")
        await assert_ended(client)


async def test_aborted_get_is_answered_all_the_same(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    # Starlette's BaseHTTPMiddleware raises when the application returns without a response.
    def wrap(app: Any) -> BaseHTTPMiddleware:
        return BaseHTTPMiddleware(app, dispatch=lambda request, call_next: call_next(request))

    app = await start_engine(wrap=wrap)
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.send_request("GET", client.target())
        await until(lambda: polls(app))
        await raw.abort()
        await until(lambda: app.client.closed)
        await assert_ended(client)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_poll_below_a_middleware(start_engine: StartEngine) -> None:
    """Starlette's BaseHTTPMiddleware receives in a task group, which an answer interrupts."""

    def wrap(app: Any) -> BaseHTTPMiddleware:
        return BaseHTTPMiddleware(app, dispatch=lambda request, call_next: call_next(request))

    app = await start_engine(wrap=wrap)
    async with PollingClient(app.url) as client:
        await client.open()
        for _ in range(3):
            async with polling(client) as answer:
                await until(lambda: polls(app))
                await client.post("4hello")
            assert answer == ["4hello"]
    assert app.client.closed is None


async def test_a_body_that_takes_too_long_ends_the_session(
    start_engine: StartEngine,
) -> None:
    app = await start_engine(http_request_body_timeout=0.05)
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.send_head("POST", client.target(), {"Content-Length": "10"})
        await raw.send(b"4hel")
        response = await raw.read_response()
        assert (response.status, response.body) == (408, b"")
        assert app.client.closed == ("transport error", "http request timeout")
        await assert_ended(client)
    assert app.client.messages == []


async def test_aborted_post_ends_the_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        await raw.send_head("POST", client.target(), {"Content-Length": "10"})
        await raw.send(b"4hel")
        await until(lambda: app.client.session.transport._posting)  # type: ignore[attr-defined]
        await raw.abort()
        await until(lambda: app.client.closed)
        assert app.client.closed == (
            "transport error",
            "data request connection closed prematurely",
        )
    assert app.client.messages == []


# -- closing -----------------------------------------------------------------------------------


async def test_client_closes(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: polls(app))
            await client.post("1", "4too late")
        assert answer == ["6"]
        assert app.client.reason == "transport close"
        await assert_ended(client)
    assert app.client.messages == []
    assert app.engine.clients_count == 0


async def test_server_closes_while_a_poll_waits(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: polls(app))
            app.client.session.close()
        assert answer == ["1"]
        assert app.client.reason == "forced close"
        await assert_ended(client)


async def test_server_closes_between_polls(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send("a" * 80, "b" * 80)
        app.client.session.close()
        app.client.send("never sent")
        assert app.client.session.ready_state == "closing"
        assert await client.poll() == ["4" + "a" * 80]
        assert app.client.closed is None
        assert await client.poll() == ["4" + "b" * 80]
        assert await client.poll() == ["1"]  # alone: clients take it before what is beside it
        assert app.client.reason == "forced close"
        await assert_ended(client)


# -- back-pressure -----------------------------------------------------------------------------


async def test_post_waits_while_reading_is_paused(start_engine: StartEngine) -> None:
    app = await start_engine()
    answered = anyio.Event()
    async with PollingClient(app.url) as client, anyio.create_task_group() as tasks:
        await client.open()
        session = app.client.session
        session.pause_reading()

        async def post() -> None:
            await client.post("4later")
            answered.set()

        tasks.start_soon(post)
        await until(lambda: session.transport._posting)  # type: ignore[attr-defined]
        assert app.client.messages == []
        session.resume_reading()
        await answered.wait()
    assert app.client.messages == ["later"]


async def test_failing_listener_ends_its_session_only(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, PollingClient(app.url) as other:
        await client.open()
        failing = app.client

        def fail(data: object) -> None:
            raise LookupError("from a listener")

        failing.on_message = fail  # type: ignore[method-assign]
        await other.open()
        await client.post("4x", "4y")
        assert failing.closed == ("transport error", "internal error")
        assert "from a listener" in caplog.text
        await other.post("4fine")
        assert await other.poll() == ["4fine"]


async def test_a_connection_for_each_request(start_engine: StartEngine) -> None:
    """The end of a connection is not that of the session, when every response came."""
    app = await start_engine()
    async with PollingClient(app.url, headers={"Connection": "close"}) as client:
        await client.open()
        for _ in range(2):
            await client.post("4hello")
            assert await client.poll() == ["4hello"]
    assert app.client.closed is None


async def test_a_proxy_that_knows_no_websocket(start_engine: StartEngine) -> None:
    """What it makes of the upgrade is a plain request: refused, and the session stays."""
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        headers = {"Connection": "close"}
        response = await client.request("GET", query={"transport": "websocket"}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (400, 3)
        await client.post("4echo")
        assert await client.poll() == ["4echo"]


async def test_closing_a_client_that_has_gone(start_engine: StartEngine) -> None:
    """It polls no more, so that it cannot be told: its time runs out."""
    app = await start_engine(ping_interval=0.1, ping_timeout=0.1)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send("never fetched")
        app.client.session.close()
        await until(lambda: app.client.closed)
    assert app.engine.clients_count == 0
    assert app.client.session.buffered == 0
