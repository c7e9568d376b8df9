"""Connections that become WebSockets, of uvicorn's own classes and of ours."""

from __future__ import annotations

import gc
import os
import re
import socket
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from socketio_asgi.uvicorn_protocols.http_writing import BufferingTransport
from socketio_asgi.uvicorn_protocols.open_websocket import OpenWebSocket
from socketio_asgi.uvicorn_protocols.server_context import ServerContext
from tests.support.echo import Message, Receive, Scope, Send
from tests.support.frames import BINARY, close, frame, text
from tests.support.ports import listening_socket
from tests.support.residue import instances
from tests.support.serving import Served
from tests.support.waiting import until
from tests.websocket.support import OURS as OUR_WEBSOCKETS
from tests.websocket.support import EchoApp, connect, tcp, websocket_only

from .support import HTTPClass, Serving, ours_only, request

WEBSOCKETS = {"sansio": "websockets-sansio", "wsproto": "wsproto", "ours": OUR_WEBSOCKETS}


@pytest.fixture(params=WEBSOCKETS)
def ws(request: pytest.FixtureRequest) -> str:
    """The class that serves WebSockets."""
    name: str = WEBSOCKETS[request.param]
    return name


async def test_a_conversation(serving: Serving, http: HTTPClass, ws: str) -> None:
    app = EchoApp()
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        for size in (0, 5, 200, 70_000, 900_000):
            await peer.send(frame(BINARY, bytes(size)))
            assert await peer.read() == (BINARY, bytes(size))
        await peer.send(*(text(str(number)) for number in range(100)))
        for number in range(100):
            assert await peer.read_text() == str(number)
        await peer.send(close(4000))
        assert (await peer.read_end())[0] == 4000
    await until(lambda: app.closed)
    assert app.closed == (4000, "")


@ours_only
async def test_our_class_has_the_network_for_itself(serving: Serving, http: HTTPClass) -> None:
    """Frames, which it buffers itself, are not buffered twice."""
    served = await serving(EchoApp(), ws=OUR_WEBSOCKETS, http=http)
    async with connect(served):
        connections = instances(OpenWebSocket)
        assert connections
        assert not any(isinstance(each._transport, BufferingTransport) for each in connections)


@ours_only
async def test_the_head_of_no_request_is_awaited_any_more(
    serving: Serving, http: HTTPClass, ws: str
) -> None:
    """A WebSocket is not ended for it, whichever class serves it."""
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
        assert not [each for each in instances(ServerContext) if len(each.head_deadlines)]


@ours_only
async def test_the_http_side_is_freed_without_the_garbage_collector(
    serving: Serving, http: HTTPClass, ws: str
) -> None:
    """As soon as the connection is a WebSocket: it would be kept for as long as that lasts."""
    served = await serving(EchoApp(), ws=ws, http=http)
    gc.collect()
    gc.disable()
    try:
        async with connect(served) as peer:
            await peer.send(text("hello"))
            assert await peer.read_text() == "hello"
            await until(lambda: not instances(http))
    finally:
        gc.enable()


@pytest.mark.parametrize("ws", [OUR_WEBSOCKETS])
async def test_the_kernel_sends_at_once(serving: Serving, http: HTTPClass, ws: str) -> None:
    """Also on a listening socket that was handed over, with which asyncio does not see to it."""
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served):
        assert_sends_at_once()


@pytest.mark.parametrize("ws", [OUR_WEBSOCKETS])
async def test_the_kernel_sends_at_once_with_fd(serving: Serving, http: HTTPClass, ws: str) -> None:
    """For uvicorn, every socket of the option fd is a Unix socket, also this one."""
    with listening_socket() as listening:
        await serving(EchoApp(), ws=ws, http=http, fd=listening.fileno())
        async with connect(Served(listening.getsockname()[1])):
            assert_sends_at_once()


def assert_sends_at_once() -> None:
    """The kernel does not wait for an acknowledgement, on the one WebSocket that is open."""
    transports = [each._transport for each in instances(OpenWebSocket)]
    (transport,) = (each for each in transports if not each.is_closing())
    sock = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(sock.fileno())) as same:
        assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_first_frames_right_behind_the_response(
    serving: Serving, http: HTTPClass, ws: str
) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(50):
            await send({"type": "websocket.send", "text": str(number)})
        await send({"type": "websocket.send", "bytes": bytes(200_000)})
        await send({"type": "websocket.close", "code": 4000})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        for number in range(50):
            assert await peer.read_text() == str(number)
        assert await peer.read() == (BINARY, bytes(200_000))
        assert (await peer.read_end(answer=True))[0] == 4000


async def test_frames_before_the_response(serving: Serving, http: HTTPClass, ws: str) -> None:
    """They come while the application decides, each in a segment of its own."""
    decide = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await decide.wait()
        await send({"type": "websocket.accept"})
        for _ in range(2):
            await send({**(await receive()), "type": "websocket.send"})

    if ws == "wsproto":
        pytest.skip("it takes them for an error")
    served = await serving(websocket_only(script), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await anyio.sleep(0.01)
        await peer.send(text("one"), text("two"))
        await anyio.sleep(0.01)
        decide.set()
        assert await peer.read_head() == 101
        assert [await peer.read_text() for _ in "12"] == ["one", "two"]


async def test_after_other_requests(serving: Serving, http: HTTPClass, ws: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        for _ in range(3):
            await peer.send(request())
            assert await peer.read_head() == 200
            assert await peer.read_exactly(19) == b"9\r\nover http\r\n0\r\n\r\n"
        await peer.request()
        assert await peer.read_head() == 101
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


async def test_right_behind_another_request(serving: Serving, http: HTTPClass, ws: str) -> None:
    """The upgrade comes in the turn in which the response is buffered, and is answered after it."""
    served = await serving(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.send(request())
        await anyio.lowlevel.checkpoint()
        await peer.request()
        assert await peer.read_head() in {200, 101}
        if peer.status == 200:
            assert await peer.read_exactly(19) == b"9\r\nover http\r\n0\r\n\r\n"
            assert await peer.read_head() == 101
            await peer.send(text("hello"))
            assert await peer.read_text() == "hello"


async def test_a_client_that_sends_no_more(serving: Serving, http: HTTPClass, ws: str) -> None:
    """It gets what was sent before the server noticed it."""
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served) as peer:
        assert isinstance(peer.stream, SocketStream)
        await peer.send(text("hello"))
        await peer.stream.send_eof()
        assert await peer.read_text() == "hello"


async def test_a_refusal_without_a_response(serving: Serving, http: HTTPClass, ws: str) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await peer.read_response()
        assert peer.status == 403


@pytest.mark.parametrize("size", [0, 10, 100_000])
async def test_a_refusal_with_a_body(serving: Serving, http: HTTPClass, ws: str, size: int) -> None:
    events: list[Message] = [
        {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]},
        {"type": "websocket.http.response.body", "body": b"a" * size, "more_body": True},
        {"type": "websocket.http.response.body", "body": b"b" * size},
    ]

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for event in events:
            await send(event)

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        data = await peer.read_response()
        assert peer.status == 401
        assert peer.header("x-a") == "1"
        if peer.header("transfer-encoding") == "chunked":  # wsproto
            data = b"".join(re.findall(rb"(?s)[0-9a-f]+\r\n(.*?)\r\n", data))
        assert data == b"a" * size + b"b" * size


async def test_an_upgrade_without_a_websocket_class(serving: Serving, http: HTTPClass) -> None:
    served = await serving(EchoApp(), ws="none", http=http)
    async with tcp(served) as peer:
        await peer.request()
        assert await peer.read_head() == 200


async def test_a_client_that_does_not_read(serving: Serving, http: HTTPClass, ws: str) -> None:
    """The application is held back as it is without our class."""
    sent = 0
    ended: list[Any] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        try:
            for _ in range(1000):
                await send({"type": "websocket.send", "bytes": bytes(50_000)})
                sent += 50_000
        finally:
            ended.append(sent)

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        before = -1
        while before != sent:
            before = sent
            await anyio.sleep(0.05)
        assert sent < 20_000_000
        await peer.abort()
    await until(lambda: ended)
