"""Applications inside the test's loop, and the raw clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import sniffio

from socketio_asgi import Server
from tests.support.backends import not_fast, only_fast, serves
from tests.support.clients import (
    PollingClient,
    WebSocketClosed,
    WebSocketRejected,
    connect_engine,
    connect_raw,
    connect_websocket,
)
from tests.support.echo import EchoApp
from tests.support.residue import no_residue
from tests.support.serving import Served, serve
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]


@serves
async def test_lifespan_surrounds_the_block() -> None:
    app = EchoApp()
    async with serve(app) as served:
        assert app.started == 1
        async with connect_websocket(served.ws_url + "/ws?a=b") as ws:
            await ws.send_fragments("hel", "lo")
            assert await ws.receive() == "hello"
            await ws.ping()
            await ws.send(b"x" * 100_000)
            assert await ws.receive() == b"x" * 100_000
    assert app.started == 0


@serves
async def test_failed_startup() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        async with serve(app):
            pytest.fail("was served")


@serves
async def test_errors_of_the_block_stay_what_they_are() -> None:
    with pytest.raises(LookupError, match="from the block"):
        async with serve(EchoApp()):
            raise LookupError("from the block")


@serves
async def test_open_requests_do_not_hold_up_the_end() -> None:
    async with no_residue():
        with anyio.fail_after(8):
            async with serve(EchoApp(), grace=1) as served, connect_raw(served.url) as raw:
                await raw.send_request("GET", "/wait")
                async with connect_websocket(served.ws_url + "/ws"):
                    pass


@not_fast  # there is no engine
async def test_a_connection_ends_with_its_client(serving: Serving) -> None:
    """However long the server would wait for another request."""
    trio = sniffio.current_async_library() == "trio"
    patience = {"keep_alive_timeout" if trio else "timeout_keep_alive": 3600}
    served = await serving(EchoApp(), **patience)
    async with no_residue():
        async with connect_raw(served.url) as raw:
            await raw.send_request("GET", "/")
            assert (await raw.read_response()).body == b"ok"
        async with connect_raw(served.url) as raw:
            await raw.send_request("GET", "/")
        async with connect_raw(served.url):
            pass


async def test_close_codes_and_refusals(serving: Serving) -> None:
    served = await serving(EchoApp())
    with pytest.raises(WebSocketRejected) as refused:
        async with connect_websocket(served.ws_url + "/deny"):
            pass
    assert (refused.value.status, refused.value.body) == (401, b"denied")
    async with connect_websocket(served.ws_url + "/close") as ws:
        with pytest.raises(WebSocketClosed, match="4001 'bye'"):
            await ws.receive()
    async with connect_websocket(served.ws_url + "/ws") as ws:
        assert (await ws.close(3000, "done")).code == 3000
    async with connect_websocket(served.ws_url + "/ws") as ws:
        await ws.abort()


async def test_hand_written_http(serving: Serving) -> None:
    served = await serving(EchoApp())
    async with connect_raw(served.url) as raw:
        await raw.send_request("GET", "/")
        await raw.send_request("POST", "/echo", b"first")
        assert (await raw.read_response()).body == b"ok"
        assert (await raw.read_response()).body == b"first"
        await raw.start_chunked("POST", "/echo")
        await raw.send_chunk(b"hello ")
        await raw.send_chunk(b"world")
        await raw.send_chunk(b"")
        assert (await raw.read_response()).body == b"hello world"
        await raw.send_head("POST", "/echo", {"Content-Length": "5", "Connection": "close"})
        await raw.send_slowly(b"slow!")
        response = await raw.read_response()
        assert (response.status, response.header("Content-Length")) == (200, "5")
        assert await raw.read_until_closed() == b""
    async with connect_raw(served.url) as raw:
        await raw.send_head("POST", "/echo", {"Content-Length": "5"})
        await raw.abort()


@not_fast  # there is no engine
async def test_engine_clients_speak_the_protocol(serving: Serving) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        packet = '0{"sid":"abc"}'
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": packet})
            await receive()
            await receive()
        elif scope["type"] == "http":
            body = "ok" if scope["method"] == "POST" else packet
            if b"sid=abc" in scope["query_string"]:
                body = {"GET": "4a\x1ebAAE=", "POST": "ok"}[scope["method"]]
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body.encode()})
        else:
            raise NotImplementedError("no lifespan")

    served = await serving(app)
    async with PollingClient(served.url) as client:
        assert await client.open() == {"sid": "abc"}
        await client.post("4a", b"\x00\x01")
        assert await client.poll() == ["4a", b"\x00\x01"]
        assert "transport=websocket&EIO=4&sid=abc" in client.websocket_url()
    async with connect_engine(served.url) as (ws, handshake):
        assert handshake == {"sid": "abc"}
        await ws.close()


@only_fast
async def test_an_engine_that_does_not_take_its_websockets_over() -> None:
    io = Server()

    async def unaware(scope: Any, receive: Any, send: Any) -> None:
        await io({**scope, "extensions": {}}, receive, send)

    async with serve(io) as served, connect_engine(served.url):
        pass
    with pytest.raises(AssertionError, match="not taken over"):
        async with serve(unaware) as served, connect_engine(served.url):
            pass


async def test_until() -> None:
    values = iter([0, 0, 3])
    assert await until(lambda: next(values)) == 3
    with pytest.raises(AssertionError, match="never"):
        await until(lambda: False, timeout=0.05, message="never")
