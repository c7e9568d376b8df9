"""The extension by which an application takes a WebSocket over, and is called directly."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.extensions.websocket import (
    EXTENSION,
    Attach,
    AttachedWebSocket,
    find_attach,
)
from socketio_asgi.websocket.frames import text_frame
from tests.support.direct import MAX_MESSAGE, DirectReceiver, attach_echo, message_frame
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    close,
    close_payload,
    frame,
    header,
    text,
)
from tests.support.rawwebsocket import FLOOD
from tests.support.serving import Served
from tests.support.waiting import until

from .conftest import Serving
from .support import OURS, STOCK, connect, tcp, websocket_only


class App:
    """Takes each WebSocket over with a receiver of its own, and returns.

    Attributes:
        receivers: The receivers, in the order of the connections.
        returned: How many calls have returned.
    """

    def __init__(
        self,
        receiver: type[DirectReceiver] = DirectReceiver,
        *,
        max_size: int = MAX_MESSAGE,
        resume: bool = True,
    ) -> None:
        self._receiver = receiver
        self._max_size = max_size
        self._resume = resume
        self.receivers: list[DirectReceiver] = []
        self.returned = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        receiver = self._receiver()
        assert attach_echo(scope, receiver, max_size=self._max_size, resume=self._resume)
        self.receivers.append(receiver)
        self.returned += 1

    @property
    def receiver(self) -> DirectReceiver:
        """The receiver of the last connection."""
        return self.receivers[-1]


async def serve_app(serving: Serving, app: Any, http: str, **options: Any) -> Served:
    """Serve on our class."""
    return await serving(app, ws=OURS, http=http, **options)


# -- taking over -----------------------------------------------------------------------------


async def test_the_application_returns_and_the_connection_lives(
    serving: Serving, http: str
) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned == 1)
        tasks = {task for task in asyncio.all_tasks() if "ASGIConnection" in repr(task.get_coro())}
        assert tasks == set()
        for number in range(10):
            await peer.send(text(str(number)))
            assert await peer.read_text() == str(number)
        await peer.send(frame(BINARY, b"\xff"))
        assert await peer.read() == (BINARY, b"\xff")
        await peer.send(close(4000, b"bye"))
        assert (await peer.read_end())[0] == 4000
        await until(lambda: app.receiver.closed is not None)
        assert app.receiver.closed == (4000, "bye")


async def test_stock_uvicorn_does_not_offer_it(serving: Serving, http: str) -> None:
    offers: list[Attach | None] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        offers.append(find_attach(scope))
        await receive()

    for ws in (STOCK, OURS):
        async with tcp(await serving(websocket_only(script), ws=ws, http=http)) as peer:
            await peer.request()
            await peer.read_response()
    stock, ours = offers
    assert stock is None
    assert ours is not None


async def test_what_cannot_be_taken_over(serving: Serving, http: str) -> None:
    results: dict[str, AttachedWebSocket | None] = {}
    done = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        attach = find_attach(scope)
        assert attach is not None

        def try_to(when: str) -> None:
            results[when] = attach(DirectReceiver(), max_size=10)

        try_to("before connect")
        await receive()
        try_to("before accept")
        if scope["path"] == "/refuse":
            await send({"type": "websocket.close"})
            try_to("refused")
        else:
            await send({"type": "websocket.accept"})
            assert (await receive())["text"] == "first"
            await anyio.sleep(0.05)  # the second comes meanwhile, and waits
            try_to("while a message waits")
            assert (await receive())["text"] == "second"
            await send({"type": "websocket.close"})
            try_to("closed")
            done.set()

    served = await serve_app(serving, websocket_only(script), http)
    async with tcp(served) as peer:
        await peer.request("/refuse")
        await peer.read_response()
    async with connect(served) as peer:
        await peer.send(text("first"), text("second"))
        assert await peer.read_end(answer=True) == (1000, "")
        await done.wait()
    assert len(results) == 5
    assert set(results.values()) == {None}


async def test_an_application_that_takes_its_time(serving: Serving, http: str) -> None:
    """It may still take over as long as no message has come; what the client sends is answered."""
    accepted, go_on, attached = anyio.Event(), anyio.Event(), anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        accepted.set()
        await go_on.wait()
        assert attach_echo(scope)
        attached.set()

    served = await serve_app(serving, websocket_only(script), http)
    async with connect(served) as peer:
        await accepted.wait()
        await peer.send(frame(PING, b"p"), text("hello")[:3])
        assert await peer.read() == (PONG, b"p")
        go_on.set()
        await attached.wait()
        await peer.send(text("hello")[3:])
        assert await peer.read_text() == "hello"


async def test_only_once(serving: Serving, http: str) -> None:
    second: list[AttachedWebSocket | None] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        attach = find_attach(scope)
        assert attach is not None
        receiver = DirectReceiver()
        assert attach_echo(scope, receiver, resume=False)
        second.append(attach(DirectReceiver(), max_size=MAX_MESSAGE))
        with pytest.raises(RuntimeError):
            await send({"type": "websocket.send", "text": "not any more"})
        with pytest.raises(RuntimeError):
            await send({"type": "websocket.close"})
        receiver.websocket.resume_reading()

    served = await serve_app(serving, websocket_only(script), http)
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
    assert second == [None]


async def test_the_scope_does_not_hold_it_any_more(serving: Serving, http: str) -> None:
    scopes: list[Scope] = []
    app = App()

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scopes.append(scope)
        await app(scope, receive, send)

    served = await serve_app(serving, keeping, http)
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
        assert EXTENSION not in scopes[0]["extensions"]


async def test_an_error_after_taking_over_is_logged(
    serving: Serving, http: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        if scope["type"] == "websocket":
            raise ValueError("on purpose")

    served = await serve_app(serving, failing, http)
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
    assert "on purpose" in caplog.text


# -- receiving -------------------------------------------------------------------------------


async def test_nothing_is_received_before_it_is_asked_for(serving: Serving, http: str) -> None:
    app = App(resume=False)
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        await peer.send(text("one"), text("two")[:4])
        await peer.send(text("two")[4:])
        await anyio.sleep(0.05)
        assert app.receiver.messages == []
        app.receiver.websocket.resume_reading()
        assert [await peer.read_text() for _ in "12"] == ["one", "two"]


async def test_messages_sent_before_accept_are_received(serving: Serving, http: str) -> None:
    called, go_on = anyio.Event(), anyio.Event()
    app = App()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            called.set()
            await go_on.wait()
        await app(scope, receive, send)

    served = await serve_app(serving, slow, http)
    async with tcp(served) as peer:
        await peer.request()
        await called.wait()
        await peer.send_each(text("early"), text("bird")[:5], text("bird")[5:])
        go_on.set()
        assert await peer.read_head() == 101
        assert await peer.read_text() == "early"
        assert await peer.read_text() == "bird"


class StopsAfterEach(DirectReceiver):
    def on_message(self, data: str | bytes) -> None:
        super().on_message(data)
        self.websocket.pause_reading()


@pytest.mark.parametrize("in_one_segment", [True, False])
async def test_reading_stops_within_a_segment(
    serving: Serving, http: str, in_one_segment: bool
) -> None:
    app = App(StopsAfterEach)
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        pieces = [text("a"), text("b" * 200), frame(PING), text("c")]
        await (peer.send(*pieces) if in_one_segment else peer.send_each(*pieces))
        assert await peer.read_text() == "a"
        assert app.receiver.messages == ["a"]
        app.receiver.websocket.resume_reading()
        assert await peer.read_text() == "b" * 200
        app.receiver.websocket.resume_reading()
        assert await peer.read() == (PONG, b"")
        assert await peer.read_text() == "c"


class Sink(DirectReceiver):
    """Sends nothing back."""

    def on_message(self, data: str | bytes) -> None:
        self.messages.append(data)


async def test_a_flood_while_reading_is_paused(serving: Serving, http: str) -> None:
    app = App(Sink, resume=False)
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        sent = await peer.flood(text("x" * 1000) * 60)
        assert sent < FLOOD
        assert app.receiver.messages == []
        app.receiver.websocket.resume_reading()
        await until(lambda: len(app.receiver.messages) >= sent // 1000 - 1000)


@pytest.mark.parametrize(("mine", "servers"), [(100, 1000), (1000, 100)])
async def test_the_smaller_limit_holds(
    serving: Serving, http: str, mine: int, servers: int
) -> None:
    app = App(max_size=mine)
    served = await serve_app(serving, app, http, ws_max_size=servers)
    async with connect(served) as peer:
        await peer.send(text("x" * 100))
        assert await peer.read_text() == "x" * 100
        await peer.send(header(BINARY, 101))
        assert (await peer.read_end())[0] == 1009
        await until(lambda: app.receiver.failed is not None)
        assert app.receiver.failed is not None
        assert app.receiver.failed[0] == 1009
        assert app.receiver.closed is None


class Failing(DirectReceiver):
    def on_message(self, data: str | bytes) -> None:
        if data == "fail":
            raise ValueError("on purpose")
        super().on_message(data)


async def test_a_receiver_that_raises_loses_its_connection_only(
    serving: Serving, http: str
) -> None:
    errors: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context.get("exception")))
    app = App(Failing)
    served = await serve_app(serving, app, http)
    async with connect(served) as good, connect(served) as bad:
        await bad.send(text("fail"))
        await bad.read_rest()
        await until(lambda: app.receivers[1].closed is not None)
        assert [str(error) for error in errors] == ["on purpose"]
        await good.send(text("hello"))
        assert await good.read_text() == "hello"


# -- sending ---------------------------------------------------------------------------------


async def test_frames_keep_their_order(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    sizes = [1, 10, 70_000, 5, 200, 65_536, 3]
    async with connect(served) as peer:
        await until(lambda: app.returned)
        for _ in range(3):
            for size in sizes:
                app.receiver.websocket.write(text_frame(b"x" * size))
        for _ in range(3):
            for size in sizes:
                assert await peer.read_text() == "x" * size


async def test_frames_of_one_turn_come_before_the_close(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        websocket = app.receiver.websocket
        websocket.write(text_frame(b"one"))
        websocket.write(text_frame(b"two"))
        websocket.close(4000, "bye")
        assert app.receiver.closed is None  # it is told in the next turn
        websocket.write(text_frame(b"after the close"))
        websocket.close(4001)
        assert await peer.read_text() == "one"
        assert await peer.read_text() == "two"
        opcode, payload = await peer.read()
        assert (opcode, close_payload(payload)) == (CLOSE, (4000, "bye"))
        websocket.write(text_frame(b"after the close"))
        await peer.send(close(4000))
        assert await peer.read_rest() == b""
        assert app.receiver.closed == (4000, "bye")


async def test_what_is_written_after_the_end_is_dropped(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await peer.abort()
    await until(lambda: app.receivers and app.receiver.closed is not None)
    assert app.receiver.closed == (1006, "")
    websocket = app.receiver.websocket
    for call in (websocket.pause_reading, websocket.resume_reading, websocket.abort):
        websocket.write(text_frame(b"late"))
        websocket.close(4000)
        call()
    await anyio.sleep(0.02)
    assert app.receiver.closed == (1006, "")  # and it is not told again


async def test_reading_is_resumed_after_the_end(serving: Serving, http: str) -> None:
    """Of a connection that was not read, because there was too much."""
    app = App(Sink, resume=False)
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        await peer.flood(text("x" * 1000) * 60)
        app.receiver.websocket.abort()
        await until(lambda: app.receiver.closed is not None)
        app.receiver.websocket.resume_reading()
        assert app.receiver.messages == []


async def test_abort(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        app.receiver.websocket.write(text_frame(b"lost"))
        app.receiver.websocket.abort()
        assert app.receiver.closed is None
        assert await peer.read_rest() == b""
        await until(lambda: app.receiver.closed is not None)
        assert app.receiver.closed == (1006, "")


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 5000])
async def test_codes_that_must_not_be_sent(serving: Serving, http: str, code: int) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        with pytest.raises(ValueError, match="close code"):
            app.receiver.websocket.close(code)
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


async def test_a_client_that_does_not_read(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    data = bytes(100_000)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        websocket, count = app.receiver.websocket, 0
        while not websocket.paused:
            websocket.write(message_frame(data))
            count += 1
            assert count < 500
            await anyio.lowlevel.checkpoint()
        assert count > 1
        for _ in range(count):
            assert await peer.read() == (BINARY, data)
        await until(lambda: not websocket.paused)
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


async def test_a_client_that_does_not_read_is_cut(serving: Serving, http: str) -> None:
    app = App()
    served = await serve_app(serving, app, http)
    async with connect(served) as peer:
        await until(lambda: app.returned)
        websocket = app.receiver.websocket
        while not websocket.paused:
            websocket.write(message_frame(bytes(100_000)))
            await anyio.lowlevel.checkpoint()
        websocket.abort()
        await until(lambda: app.receiver.closed is not None)
        await peer.read_rest()
