"""The end of the server while WebSockets are open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.websocket.frames import text_frame
from tests.support.direct import DirectReceiver, attach_echo, message_frame
from tests.support.echo import Message, Receive, Scope, Send
from tests.support.frames import CLOSE, close, close_payload, text
from tests.support.rawwebsocket import RawWebSocket
from tests.support.serving import serve
from tests.support.waiting import until

from .support import OURS, STOCK, EchoApp, Setting, connect, ours_only, tcp, websocket_only

SERVICE_RESTART = 1012
GRACE = 1  # seconds that uvicorn gives to applications


async def test_clients_and_applications_are_told(setting: Setting, http: str) -> None:
    app = EchoApp(attached=setting.attached)
    async with AsyncExitStack() as clients:
        async with serve(app, ws=setting.ws, http=http) as served:
            peer = await clients.enter_async_context(connect(served))
            await peer.send(text("hello"))
            assert await peer.read_text() == "hello"
        assert await peer.read_end() == (SERVICE_RESTART, "")
    assert app.closed == (SERVICE_RESTART, "")
    if setting.attached:
        assert app.receivers[-1].exits == 1


async def test_the_event_has_no_reason(ws: str, http: str) -> None:
    """By which applications know it from a close of the client."""
    events: list[Message] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        events.append(await receive())

    app = websocket_only(script)
    async with AsyncExitStack() as clients, serve(app, ws=ws, http=http) as served:
        await clients.enter_async_context(connect(served))
    assert events == [{"type": "websocket.disconnect", "code": SERVICE_RESTART}]


class SaysGoodbye(DirectReceiver):
    """Has something to say before the end."""

    def on_server_exit(self) -> None:
        super().on_server_exit()
        self.websocket.write(text_frame(b"goodbye"))


class ClosesItself(DirectReceiver):
    """Closes in its own way."""

    def on_server_exit(self) -> None:
        super().on_server_exit()
        self.websocket.close(4000, "see you")


@pytest.mark.parametrize(
    ("kind", "expected"), [(SaysGoodbye, (SERVICE_RESTART, "")), (ClosesItself, (4000, "see you"))]
)
async def test_a_receiver_says_goodbye(
    http: str, kind: type[DirectReceiver], expected: tuple[int, str]
) -> None:
    receiver = kind()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        assert attach_echo(scope, receiver)

    async with AsyncExitStack() as clients:
        async with serve(websocket_only(script), ws=OURS, http=http) as served:
            peer = await clients.enter_async_context(connect(served))
            await peer.send(text("hello"))
            assert await peer.read_text() == "hello"
        if kind is SaysGoodbye:
            assert await peer.read_text() == "goodbye"
        assert await peer.read_end() == expected
    assert (receiver.exits, receiver.closed) == (1, expected)


class Ending:
    """An application that behaves at the end as its path says; lifespan tells when it is over."""

    def __init__(self) -> None:
        self.lifespan_ended = False
        self.called = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.lifespan_ended = True
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await receive()
            self.called = True
            await self.serve(scope["path"], receive, send)

    async def serve(self, path: str, receive: Receive, send: Send) -> None:
        if path == "/undecided":
            await anyio.sleep_forever()
        await send({"type": "websocket.accept"})
        if path == "/endless":
            await anyio.sleep_forever()
        elif path == "/flood":
            while True:
                await send({"type": "websocket.send", "bytes": bytes(100_000)})
        elif path == "/ignores":
            while True:
                await receive()
                await anyio.sleep(0.01)
        elif path == "/closed":
            await send({"type": "websocket.close"})
            await receive()
        else:
            while (await receive())["type"] == "websocket.receive":
                pass


class Ended:
    """The client, and what is to be checked when the server has ended."""

    peer: RawWebSocket

    def __init__(self) -> None:
        self.checks: list[Callable[[], Awaitable[None]]] = []

    def afterwards(self, check: Callable[[], Awaitable[None]]) -> None:
        """Check this when the server has ended."""
        self.checks.append(check)


@asynccontextmanager
async def ending(app: Any, ws: str, http: str, **options: Any) -> AsyncIterator[Ended]:
    """Serve an application to one client that lasts longer than the server.

    Leaving the inner block ends the server, which must take a bounded time.
    """
    async with AsyncExitStack() as clients:
        ended = Ended()
        with anyio.fail_after(GRACE + 8):
            async with serve(app, ws=ws, http=http, grace=GRACE, **options) as served:
                ended.peer = await clients.enter_async_context(tcp(served))
                yield ended
        for check in ended.checks:
            await check()


@pytest.mark.parametrize("path", ["/", "/endless", "/flood", "/ignores", "/closed", "/undecided"])
async def test_the_server_ends_in_bounded_time(ws: str, http: str, path: str) -> None:
    if ws == STOCK and path == "/flood":
        pytest.skip("it waits until the client has read")
    app = Ending()
    async with ending(app, ws, http) as ended:
        await ended.peer.request(path)
        await until(lambda: app.called)
        await anyio.sleep(0.05)  # until it is stuck, if it floods
    assert app.lifespan_ended


async def test_a_receiver_whose_client_does_not_read(http: str) -> None:
    app = EchoApp(attached=True)
    async with ending(app, OURS, http) as ended:
        await ended.peer.request()
        await until(lambda: app.receivers)
        while not app.receivers[0].websocket.paused:
            app.receivers[0].websocket.write(message_frame(bytes(100_000)))
            await anyio.lowlevel.checkpoint()
    assert app.receivers[0].closed is not None


async def test_a_handshake_that_is_undecided(ws: str, http: str) -> None:
    app = Ending()
    async with ending(app, ws, http) as ended:
        peer = ended.peer
        await peer.request("/undecided")
        await until(lambda: app.called)

        @ended.afterwards
        async def check() -> None:
            await peer.read_response()
            assert peer.status in {500, 503}


@ours_only
async def test_a_response_that_is_not_complete(ws: str, http: str) -> None:
    """No second response is written into its body."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"content-length", b"100")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"a", "more_body": True})
        await receive()

    async with ending(websocket_only(script), ws, http) as ended:
        peer = ended.peer
        await peer.request()
        assert await peer.read_head() == 401

        @ended.afterwards
        async def check() -> None:
            assert await peer.read_rest() == b"a"


async def test_a_closing_handshake_that_is_not_complete(ws: str, http: str) -> None:
    async with ending(Ending(), ws, http) as ended:
        peer = ended.peer
        await peer.request("/closed")
        assert await peer.read_head() == 101
        opcode, payload = await peer.read()
        assert (opcode, close_payload(payload)) == (CLOSE, (1000, ""))

        @ended.afterwards
        async def check() -> None:
            assert await peer.read_rest() == b""


async def test_a_connection_that_has_ended_before(ws: str, http: str) -> None:
    async with ending(Ending(), ws, http) as ended:
        await ended.peer.request("/")
        assert await ended.peer.read_head() == 101
        await ended.peer.send(close(4000))
        assert (await ended.peer.read_end())[0] == 4000
