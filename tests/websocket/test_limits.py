"""Messages that are too large, clients that do not read, applications that do not receive."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from socketio_asgi.uvicorn_protocols.open_websocket import OpenWebSocket
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close,
    frame,
    header,
    text,
)
from tests.support.processes import ServerProcess
from tests.support.rawwebsocket import FLOOD, RawWebSocket
from tests.support.residue import instances
from tests.support.serving import Served
from tests.support.tcp import TIMEOUT
from tests.support.waiting import until

from .conftest import ServeEcho, Serving
from .support import OURS, STOCK, connect, ours_only, websocket_only

LIMIT = 10_000
TOO_BIG = 1009


# -- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_the_largest_message(echo: ServeEcho, opcode: int) -> None:
    _, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        await peer.send(frame(opcode, b"x" * LIMIT))
        assert await peer.read() == (opcode, b"x" * LIMIT)
        half = b"x" * (LIMIT // 2)
        await peer.send(frame(opcode, half, final=False), frame(CONTINUATION, half))
        assert await peer.read() == (opcode, b"x" * LIMIT)


async def test_a_message_that_is_too_large(echo: ServeEcho) -> None:
    app, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        await peer.send(text("first"))
        assert await peer.read_text() == "first"
        await peer.send(frame(BINARY, b"x" * (LIMIT + 1)))
        assert (await peer.read_end())[0] == TOO_BIG
    await until(lambda: app.closed is not None)
    assert app.closed is not None
    assert app.closed[0] == TOO_BIG
    assert app.messages == ["first"]


@pytest.mark.parametrize("length", [LIMIT + 1, 65_536, 1 << 40, (1 << 63) - 1])
async def test_its_header_is_enough(echo: ServeEcho, length: int) -> None:
    _, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        await peer.send(header(BINARY, length))
        assert (await peer.read_end())[0] == TOO_BIG


async def test_fragments_that_are_too_large_together(echo: ServeEcho) -> None:
    app, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        await peer.send_each(
            frame(TEXT, b"x" * 6000, final=False),
            frame(PING, b"between"),
            header(CONTINUATION, 4001, final=False),
        )
        assert await peer.read() == (PONG, b"between")
        assert (await peer.read_end())[0] == TOO_BIG
    assert app.messages == []


async def test_the_limit_counts_bytes(echo: ServeEcho) -> None:
    _, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        await peer.send(text("€" * (LIMIT // 3)))
        assert await peer.read_text() == "€" * (LIMIT // 3)
        await peer.send(text("€" * (LIMIT // 3 + 1)))
        assert (await peer.read_end())[0] == TOO_BIG


async def test_each_message_counts_alone(echo: ServeEcho) -> None:
    _, served = await echo(ws_max_size=LIMIT)
    async with connect(served) as peer:
        for _ in range(5):
            half = "x" * (LIMIT // 2)
            await peer.send(
                frame(TEXT, half.encode(), final=False), frame(CONTINUATION, half.encode())
            )
            assert await peer.read_text() == half * 2


# -- a client that does not read -------------------------------------------------------------

CHUNK = 100_000
MOST_CHUNKS = 200
"""20 MB: more than all buffers together may hold."""


class Flooding:
    """Sends numbered chunks, as fast as it may, up to ``count``."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.sent = 0
        self.noticed = False  # that the client has left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while self.sent < self.count:
                data = self.sent.to_bytes(4, "big") + bytes(CHUNK - 4)
                await send({"type": "websocket.send", "bytes": data})
                self.sent += 1
        except OSError:
            self.noticed = True
            return
        await receive()

    async def wait_until_stuck(self) -> None:
        """Wait until it sends no more."""
        before = -1
        while before != self.sent:
            before = self.sent
            await anyio.sleep(0.1)


async def test_sends_wait_for_a_client_that_does_not_read(
    serving: Serving, ws: str, http: str
) -> None:
    app = Flooding(count=MOST_CHUNKS * 2)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await app.wait_until_stuck()
        assert app.sent < MOST_CHUNKS
        for number in range(app.count):  # it goes on where it was, and nothing is lost
            opcode, payload = await peer.read()
            assert (opcode, payload[:4], len(payload)) == (BINARY, number.to_bytes(4, "big"), CHUNK)


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_a_client_that_leaves_without_reading(
    serving: Serving, ws: str, http: str, end: str
) -> None:
    app = Flooding(count=10_000)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await app.wait_until_stuck()
        if end == "reset":
            await peer.abort()
        else:
            await peer.stream.aclose()
        await until(lambda: app.noticed)


@ours_only  # the other one keeps the connection for as long as the client wants
@pytest.mark.parametrize("last", [close(), frame(5)], ids=["close", "a bad frame"])
async def test_a_client_that_closes_and_does_not_read_is_cut(
    serving: Serving, ws: str, http: str, last: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketio_asgi.uvicorn_protocols.server_context.CLOSE_SECONDS", 0.2)
    app = Flooding(count=10_000)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await app.wait_until_stuck()
        await peer.send(last)
        await until(lambda: app.noticed)
        assert connections() == 1
        await until(lambda: connections() == 0)


def connections() -> int:
    """The number of connections that there are yet."""
    gc.collect()
    return len(instances(OpenWebSocket))


class MemoryOf:
    """The memory of a server process."""

    def __init__(self, server: ServerProcess) -> None:
        self._path = Path(f"/proc/{server.pid}/statm")
        self._before = self.now()

    def now(self) -> int:
        """Resident bytes."""
        return int(self._path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def growth(self) -> int:
        """The bytes that came to it."""
        return self.now() - self._before


@ours_only  # the other one keeps a pong for each of them
async def test_pings_of_a_client_that_does_not_read(
    start_server: Callable[..., ServerProcess], ws: str
) -> None:
    """Pongs are not kept for a client that does not read them."""
    server = start_server("uvicorn", "tests.support.echo:app", options=["--ws", ws])
    async with connect(Served(server.port)) as peer:
        memory = MemoryOf(server)
        await peer.flood(frame(PING, b"x" * 125) * 1000, limit=30_000_000)
        assert memory.growth() < 10_000_000


# -- an application that does not receive ----------------------------------------------------


class Idle:
    """Receives nothing until it is told to; then counts."""

    def __init__(self) -> None:
        self.go_on = anyio.Event()
        self.received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/first":
            await receive()
            self.received += 1
        await self.go_on.wait()
        while (await receive())["type"] == "websocket.receive":
            self.received += 1


@pytest.mark.parametrize("size", [10, 1000, 60_000, 900_000])
@pytest.mark.parametrize("target", ["/", "/first"])
async def test_a_client_that_floods_is_slowed_down(
    serving: Serving, ws: str, http: str, size: int, target: str
) -> None:
    app = Idle()
    served = await serving(app, ws=ws, http=http)
    count = max(1, 60_000 // size)
    messages = text("x" * size) * count
    async with connect(served, target) as peer:
        sent = await peer.flood(messages)
        assert sent < FLOOD
        app.go_on.set()
        # It is read on, to the last.
        await until(lambda: app.received >= sent // len(messages) * count, timeout=20)


@pytest.mark.parametrize("ws_name", [STOCK, OURS])
@pytest.mark.parametrize("size", [10, 900_000])
async def test_little_is_kept_for_an_application_that_does_not_receive(
    start_server: Callable[..., ServerProcess], ws_name: str, size: int
) -> None:
    app = "tests.websocket.apps:idle"
    server = start_server("uvicorn", app, options=["--ws", ws_name])
    messages = text("x" * size) * max(1, 60_000 // size)
    async with connect(Served(server.port), "/first") as peer:
        memory = MemoryOf(server)
        assert await peer.flood(messages) < FLOOD
        assert memory.growth() < 8_000_000
    server.kill()  # it would wait for its application, and that for something that never comes


async def test_little_is_kept_for_an_application_that_receives_slowly(
    start_server: Callable[..., ServerProcess],
) -> None:
    """However often it takes a few messages, and the reading goes on."""
    server = start_server("uvicorn", "tests.websocket.apps:slow", options=["--ws", OURS])
    async with connect(Served(server.port)) as peer:
        memory = MemoryOf(server)
        assert await peer.flood(text("x" * 10) * 6000) < FLOOD
        assert memory.growth() < 8_000_000


async def test_a_flood_is_answered_in_order(echo: ServeEcho) -> None:
    """A client that sends everything before it reads anything gets everything in the end."""
    _, served = await echo()
    count, size = 300, 50_000
    async with connect(served) as peer, anyio.create_task_group() as tasks:

        async def send_all() -> None:
            for number in range(count):
                await peer.send(frame(BINARY, number.to_bytes(4, "big") + bytes(size)))

        tasks.start_soon(send_all)
        await anyio.sleep(0.1)
        for number in range(count):
            opcode, payload = await peer.read()
            assert (opcode, payload[:4]) == (BINARY, number.to_bytes(4, "big"))


# -- an application that only sends ----------------------------------------------------------


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends until it cannot, and receives nothing."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "text": "tick"})
        await anyio.sleep(0.01)


async def read_other_than_text(peer: RawWebSocket) -> Frame:
    with anyio.fail_after(TIMEOUT):
        while (other := await peer.read()).opcode == TEXT:
            pass
    return other


async def test_pings_to_an_application_that_only_sends(
    serving: Serving, ws: str, http: str
) -> None:
    served = await serving(websocket_only(push), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(frame(PING, b"there?"))
        assert await read_other_than_text(peer) == (PONG, b"there?")


async def test_an_application_that_only_sends_is_kept_alive(
    serving: Serving, ws: str, http: str
) -> None:
    options = {"ws_ping_interval": 0.03, "ws_ping_timeout": 2}
    served = await serving(websocket_only(push), ws=ws, http=http, **options)
    async with connect(served) as peer:
        for _ in range(20):
            opcode, payload = await read_other_than_text(peer)
            assert opcode == PING
            await peer.send(frame(PONG, payload))


async def test_a_client_that_closes_while_the_application_only_sends(
    serving: Serving, ws: str, http: str
) -> None:
    served = await serving(websocket_only(push), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(close(4000))
        assert await read_other_than_text(peer) == (CLOSE, (4000).to_bytes(2, "big"))
        assert await peer.read_rest() == b""


# -- keep-alive ------------------------------------------------------------------------------


async def test_pings_keep_a_connection(serving: Serving, ws: str, http: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": "still here"})
        await receive()

    served = await serving(
        websocket_only(app), ws=ws, http=http, ws_ping_interval=0.03, ws_ping_timeout=5
    )
    async with connect(served) as peer:
        for _ in range(5):
            opcode, payload = await peer.read()
            assert opcode == PING
            await peer.send(frame(PONG, payload))
        await peer.send(text("hello"))
        while (answer := await peer.read()).opcode == PING:
            pass
        assert answer == (TEXT, b"still here")


async def test_a_client_that_does_not_answer_pings(serving: Serving, ws: str, http: str) -> None:
    app = Idle()
    app.go_on.set()
    ended = anyio.Event()

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        ended.set()

    options = {"ws_ping_interval": 0.03, "ws_ping_timeout": 0.1}
    served = await serving(websocket_only(script), ws=ws, http=http, **options)
    async with connect(served) as peer:
        assert (await peer.read()).opcode == PING
        code, reason = await peer.read_end()
        assert code == 1011
        assert "ping" in reason
        with anyio.fail_after(5):
            await ended.wait()


async def test_pings_without_a_timeout(serving: Serving, ws: str, http: str) -> None:
    app = Idle()
    app.go_on.set()
    options = {"ws_ping_interval": 0.03, "ws_ping_timeout": None}
    served = await serving(app, ws=ws, http=http, **options)
    async with connect(served) as peer:
        for _ in range(5):  # never answered
            assert (await peer.read()).opcode == PING


@pytest.mark.parametrize("interval", [None, 0])
async def test_no_pings(serving: Serving, ws: str, http: str, interval: float | None) -> None:
    """While a connection on a server with pings gets three, the other one gets none."""
    app = Idle()
    app.go_on.set()
    timeout = {"ws_ping_timeout": None}
    silent = await serving(app, ws=ws, http=http, ws_ping_interval=interval, **timeout)
    pinging = await serving(app, ws=ws, http=http, ws_ping_interval=0.03, **timeout)
    async with connect(silent) as quiet, connect(pinging) as clock:
        for _ in range(3):
            assert (await clock.read()).opcode == PING
        await quiet.send(close())
        assert await quiet.read_end() == (1000, "")


async def test_a_connection_that_is_attached_gets_no_pings(serving: Serving, http: str) -> None:
    """The application has a heartbeat of its own."""
    from .support import EchoApp

    app = EchoApp(attached=True)
    options = {"ws_ping_interval": 0.03, "ws_ping_timeout": 0.03}
    served = await serving(app, ws=OURS, http=http, **options)
    plain = Idle()
    plain.go_on.set()
    clock_served = await serving(
        plain, ws=OURS, http=http, ws_ping_interval=0.03, ws_ping_timeout=None
    )
    async with connect(served) as peer, connect(clock_served) as clock:
        for _ in range(4):
            assert (await clock.read()).opcode == PING
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
