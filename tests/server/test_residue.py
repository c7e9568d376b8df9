"""After connections that ended in all ways, each of them many times, nothing is left.

No task, timer, file descriptor, session, socket, room or acknowledgement may remain, whatever the
client did last.
"""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import anyio
import h11
import pytest
import sniffio

from socketio_asgi import AckError, ConnectionRefused, Handshake, Server, Socket
from socketio_asgi.adapters import MemoryAdapter, SharedPacket
from socketio_asgi.engine import EngineRequest, Session, SessionCore, loop_state
from socketio_asgi.engine.transports.outbox import Outbox
from socketio_asgi.engine.transports.polling import PollingTransport
from socketio_asgi.engine.transports.taken_over import TakenOverTransport
from socketio_asgi.engine.transports.websocket import WebSocketTransport
from socketio_asgi.engine.upgrade import Upgrade
from socketio_asgi.events.acks import Ack, SingleAck
from socketio_asgi.protocol.parser import DefaultDecoder
from socketio_asgi.server.client_connection import ClientConnection
from socketio_asgi.server.dispatch import Dispatcher
from tests.support.backends import on_asyncio, serves
from tests.support.clients import (
    RawConnection,
    WebSocketClient,
    WebSocketClosed,
    WebSocketRejected,
    connect_engine,
    connect_raw,
    connect_websocket,
    engine_url,
)
from tests.support.residue import Snapshot, instances
from tests.support.serving import Served, serve
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

ROUNDS, MANY_ROUNDS = 10, 50
AT_ONCE = 20  # nearly always, each of them gets on fast enough for the time-outs below
LINGER_SECONDS = 2.0
ENDPOINT = "/socket.io/?EIO=4&transport=polling"

CLASSES = (
    *(Ack, ClientConnection, DefaultDecoder, Dispatcher, EngineRequest, Handshake, Outbox),
    *(
        SharedPacket,
        PollingTransport,
        Session,
        SessionCore,
        SingleAck,
        Socket,
        TakenOverTransport,
        Upgrade,
        WebSocketTransport,
    ),
)


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server wait for less than half a minute for clients that are still to hear of an end.

    On a slow machine a few of those whose upgrade is under way belong to them, whatever they do.
    """
    monkeypatch.setattr(loop_state, "LINGER_SECONDS", LINGER_SECONDS)


def make_server() -> Server:
    io = Server(ping_interval=0.3, ping_timeout=2.7, upgrade_timeout=3, connect_timeout=2)

    @io.use
    async def middleware(socket: Socket) -> None:
        auth = socket.handshake.auth
        await anyio.sleep(auth.get("middleware", 0))
        if "refuse" in auth:
            raise ConnectionRefused("no", data={"because": auth["refuse"]})

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await socket.join("everybody", f"room of {socket.id}")
        await anyio.sleep(socket.handshake.auth.get("connection", 0))

    @io.on("disconnecting")
    async def disconnecting(socket: Socket) -> None:
        await socket.to("everybody").emit("left", socket.id)

    @io.on("disconnect")
    def disconnected(socket: Socket) -> None:
        socket.data["left"] = True

    add_handlers(io)
    return io


def add_handlers(io: Server) -> None:
    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> Any:
        return args

    @io.on("sleep")
    async def sleep(socket: Socket) -> None:
        await anyio.sleep(0.1)

    @io.on("ask me")
    async def ask(socket: Socket) -> None:
        with suppress(AckError):
            await socket.emit_with_ack("question", timeout=3600)

    @io.on("forget me")
    async def forget(socket: Socket, *, ack: Any) -> None:
        socket.data["never called"] = ack

    @io.on("disconnect me")
    async def disconnect(socket: Socket, close: bool) -> None:
        await socket.disconnect(close)


# -- WebSocket: each of these is given a session, and leaves it in its own way ---------------------


@asynccontextmanager
async def joined(url: str, **auth: Any) -> AsyncIterator[WebSocketClient]:
    async with connect_engine(url) as (websocket, _):
        await websocket.send("40" + json.dumps(auth))
        if "middleware" not in auth:
            await receive(websocket, "40")
        yield websocket


async def receive(websocket: WebSocketClient, beginning: str) -> str:
    """Skip what others cause, such as "left" events and pings."""
    while True:
        packet = await websocket.receive()
        if isinstance(packet, str) and packet.startswith(beginning):
            return packet


async def clean(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send('421["echo",1]')
        await receive(websocket, "431[1]")
        await websocket.send("41")
        await websocket.send("1")
        await websocket.receive_close()


async def aborted(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send('421["echo",1]')
        await websocket.abort()


async def silent(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.receive_close()  # no PING is answered


async def aborted_during_the_handshake(url: str) -> None:
    async with connect_raw(url) as raw:
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        target = ENDPOINT.replace("polling", "websocket")
        await raw.send_head("GET", target, headers)
        await raw.abort()


async def joins_nothing(url: str) -> None:
    async with connect_engine(url) as (websocket, _):
        await websocket.send("40/nowhere,")
        await websocket.receive_close()


async def refused(url: str) -> None:
    async with connect_engine(url) as (websocket, _):
        await websocket.send('40{"refuse":"x"}')
        await receive(websocket, "44")
        await websocket.close()


async def aborted_during_a_middleware(url: str) -> None:
    async with joined(url, middleware=0.1) as websocket:
        await websocket.abort()


async def aborted_during_the_connection_handler(url: str) -> None:
    async with joined(url, connection=0.1) as websocket:
        await websocket.send('42["echo"]')
        await websocket.abort()


async def aborted_during_handlers(url: str) -> None:
    async with joined(url) as websocket:
        for number in range(5):
            await websocket.send(f'42{number}["sleep"]')
        await websocket.abort()


async def pending_acks(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send('421["forget me"]')
        await websocket.send('422["ask me"]')
        await receive(websocket, "42")
        await websocket.abort()


async def half_sent_binary(url: str) -> None:
    async with joined(url) as websocket:
        placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
        await websocket.send(f'452-["echo",{placeholders}]')
        await websocket.send(b"x" * 10_000)
        await websocket.abort()


async def protocol_error(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send("4nonsense")
        await websocket.receive_close()


async def disconnected_by_the_server(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send('42["disconnect me",false]')
        await receive(websocket, "41")
        await websocket.abort()


async def closed_by_the_server(url: str) -> None:
    async with joined(url) as websocket:
        await websocket.send('42["disconnect me",true]')
        await websocket.receive_close()


# -- polling ---------------------------------------------------------------------------------------


@asynccontextmanager
async def polling(url: str) -> AsyncIterator[tuple[RawConnection, str]]:
    """A session that has joined; yields the connection and the target of its requests."""
    async with connect_raw(url) as raw:
        opened = await request(raw, "GET", ENDPOINT)
        target = f"{ENDPOINT}&sid={json.loads(opened[1:])['sid']}"
        assert await request(raw, "POST", target, b"40") == "ok"
        while not (await request(raw, "GET", target)).startswith("40"):
            pass
        yield raw, target


async def request(raw: RawConnection, method: str, target: str, body: bytes = b"") -> str:
    await raw.send_request(method, target, body)
    try:
        response = await raw.read_response()
    except h11.RemoteProtocolError as error:
        if "state=SEND_RESPONSE" not in str(error):  # it had begun to answer
            raise
        raise EOFError("the connection was closed before the request") from error
    if response.status == 400:
        raise EOFError("the session has ended")
    assert response.status == 200, response
    return response.body.decode()


async def clean_polling(url: str) -> None:
    async with polling(url) as (raw, target):
        await request(raw, "POST", target, b"41\x1e1")


async def vanished_polling(url: str) -> None:
    async with polling(url):
        pass


async def aborted_poll(url: str) -> None:
    async with polling(url) as (raw, target):
        await raw.send_request("GET", target)
        await raw.abort()


async def aborted_post(url: str) -> None:
    async with polling(url) as (raw, target):
        await raw.send_head("POST", target, {"Content-Length": "1000"})
        await raw.send(b"42[")
        await raw.abort()


@asynccontextmanager
async def upgrading(url: str) -> AsyncIterator[WebSocketClient]:
    """A session whose client may complete its upgrade."""
    async with polling(url) as (_, target):
        sid = target.rpartition("=")[2]
        websocket_url = engine_url(url, EIO="4", transport="websocket", sid=sid)
        async with connect_websocket(websocket_url) as websocket:
            await websocket.send("2probe")
            assert await websocket.receive() == "3probe"
            yield websocket


async def aborted_upgrade(url: str) -> None:
    async with upgrading(url) as websocket:
        await websocket.abort()


async def ended_during_the_upgrade(url: str) -> None:
    async with upgrading(url) as websocket:
        await websocket.receive_close()  # no PING is answered, and no poll asks what has happened


async def aborted_after_the_upgrade(url: str) -> None:
    async with upgrading(url) as websocket:
        await websocket.send("5")
        await websocket.send('421["echo"]')
        await receive(websocket, "431")
        await websocket.abort()


Way = Callable[[str], Awaitable[None]]

WAYS: list[Way] = [
    clean,
    aborted,
    silent,
    aborted_during_the_handshake,
    joins_nothing,
    refused,
    aborted_during_a_middleware,
    aborted_during_the_connection_handler,
    aborted_during_handlers,
    pending_acks,
    half_sent_binary,
    protocol_error,
    disconnected_by_the_server,
    closed_by_the_server,
    clean_polling,
    vanished_polling,
    aborted_poll,
    aborted_post,
    aborted_upgrade,
    ended_during_the_upgrade,
    aborted_after_the_upgrade,
]


async def run_all(url: str, ways: list[Way]) -> None:
    """Run the ways, a limited number at a time, until each of them went as far as it goes.

    Nobody answers a PING, so the heartbeat cuts those short that are slow: then too many are on
    their way for this machine, and they run again, fewer at a time.
    """
    at_once = AT_ONCE
    while ways:
        assert at_once, f"they do not even end when they are alone: {ways}"
        ways = await run_once(url, ways, at_once)
        at_once //= 2


async def run_once(url: str, ways: list[Way], at_once: int) -> list[Way]:
    """Run the ways, so many at a time; returns those that were cut short."""
    limiter = anyio.CapacityLimiter(at_once)
    cut_short: list[Way] = []

    async def run(way: Way) -> None:
        async with limiter:
            try:
                await way(url)
            except (EOFError, WebSocketClosed, WebSocketRejected):
                cut_short.append(way)

    async with anyio.create_task_group() as tasks:
        for way in ways:
            tasks.start_soon(run, way, name=way.__name__)
    return cut_short


FREED: list[Way] = [
    clean,
    aborted,
    aborted_during_the_handshake,
    aborted_during_a_middleware,
    aborted_during_the_connection_handler,
    protocol_error,
    disconnected_by_the_server,
    closed_by_the_server,
    clean_polling,
    aborted_post,
    aborted_after_the_upgrade,
]
"""The ways after which no exception refers to its frame, and no handler goes on, that are quick."""


def serve_briefly(io: Server) -> AbstractAsyncContextManager[Served]:
    """Serve, with an ASGI server that keeps idle HTTP connections for three seconds only."""
    trio = sniffio.current_async_library() == "trio"
    return serve(io, **{"keep_alive_timeout" if trio else "timeout_keep_alive": 3})


def assert_empty(io: Server) -> None:
    """Nothing is left in what outlives a connection."""
    assert io.engine.clients_count == 0
    assert not io.sockets.sockets
    adapter = io.sockets.adapter
    assert isinstance(adapter, MemoryAdapter)
    assert not adapter._rooms.joined
    assert not adapter._rooms.members


@serves
@pytest.mark.timeout(180)
async def test_connections_in_all_ways(thorough: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    io = make_server()
    async with serve_briefly(io) as served:
        await run_all(served.url, WAYS)
        await until(lambda: io.engine.clients_count == 0)
        before = Snapshot.take(CLASSES)
        await run_all(served.url, WAYS * (MANY_ROUNDS if thorough else ROUNDS))
        # Not only as many as before, of whom some were on their way out.
        await until(lambda: io.engine.clients_count == 0, timeout=20)
        await before.assert_nothing_left(timeout=20)
        assert_empty(io)
        # And the server serves on.
        await run_all(served.url, [clean])
    assert [each for each in caplog.records if each.name.startswith("socketio_asgi")] == []


@on_asyncio  # the exceptions of trio refer to themselves
async def test_connections_are_freed_without_the_garbage_collector() -> None:
    """It would look at all of their objects, again and again, and may not run for long."""
    async with serve_briefly(make_server()) as served:
        await run_all(served.url, FREED)
        gc.collect()
        others = instances(CLASSES)  # of tests before this one, where something refers to them
        known = set(map(id, others))
        gc.disable()
        try:
            await run_all(served.url, FREED * 3)
            await until(lambda: known.issuperset(map(id, instances(CLASSES))), timeout=20)
        finally:
            gc.enable()


@serves
async def test_closing_the_server_leaves_nothing() -> None:
    io = make_server()
    async with serve_briefly(io):
        pass  # what serving itself keeps
    before = Snapshot.take(CLASSES)
    async with serve_briefly(io) as served:
        async with joined(served.url), polling(served.url), joined(served.url) as asking:
            await asking.send('42["ask me"]')
            await receive(asking, "42")
            await until(lambda: io.engine.clients_count == 3)
            await io.close()
        assert_empty(io)
    await before.assert_nothing_left()
