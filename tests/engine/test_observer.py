"""Observers of the connection layer, and listeners, which are observers as well."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import socketio_asgi
from socketio_asgi.engine import EngineObserver, RefusedRequest, Session, TransportInfo
from socketio_asgi.protocol import EnginePacket, OutgoingPacket
from tests.support.clients import PollingClient, connect_engine, connect_websocket
from tests.support.waiting import until

from .support import EngineApp, StartEngine

PACKAGE = str(Path(socketio_asgi.__file__).parent)


class Recorder(EngineObserver):
    """Notes everything."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.sessions: set[Session] = set()

    def session_opened(self, session: Session) -> None:
        self.sessions.add(session)
        self.log.append(("opened", session.transport.name))

    def session_upgraded(self, session: Session, transport: TransportInfo) -> None:
        assert session.transport == transport
        self.log.append(("upgraded", transport.name))

    def session_closed(self, session: Session, reason: str, description: str | None) -> None:
        assert session.ready_state == "closed"
        self.log.append(("closed", reason, description))

    def session_drained(self, session: Session) -> None:
        assert session.buffered == 0

    def request_refused(self, refused: RefusedRequest) -> None:
        self.log.append(("refused", refused.code, refused.message))

    def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
        assert session in self.sessions
        self.log.append(("in", packet.type.name, packet.data, size))

    def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
        self.log.append(("out", packet.binary if packet.text is None else packet.text, size))

    def packets_dropped(self, session: Session, count: int, size: int, cause: str) -> None:
        assert session in self.sessions
        self.log.append(("dropped", count, size, cause))

    def of_kind(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] in kinds]


async def test_a_websocket(start_engine: StartEngine) -> None:
    seen = Recorder()
    app = await start_engine(observer=seen)
    async with connect_engine(app.url) as (ws, handshake):
        for message in ("4hi", "4ä€", b"\x01\x02"):
            await ws.send(message)
            assert await ws.receive() == message
    await until(lambda: seen.of_kind("closed"))
    handshakes = [entry for entry in seen.of_kind("out") if handshake["sid"] in str(entry[1])]
    assert [size for _, text, size in handshakes] == [len(handshakes[0][1])]
    seen.log.remove(handshakes[0])
    (closed,) = seen.of_kind("closed")
    assert closed[1] == "transport close"
    assert seen.log[:-1] == [
        ("opened", "websocket"),
        ("in", "MESSAGE", "hi", 3),
        ("out", "4hi", 3),
        ("in", "MESSAGE", "ä€", 6),
        ("out", "4ä€", 6),
        ("in", "MESSAGE", b"\x01\x02", 2),
        ("out", b"\x01\x02", 2),
    ]


async def test_polling_and_an_upgrade(start_engine: StartEngine) -> None:
    seen = Recorder()
    app = await start_engine(observer=seen, echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("4one", "6", b"\x01")
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send("4two")
            await ws.send("1")
            await ws.receive_close()
    assert seen.of_kind("opened", "in", "upgraded", "closed") == [
        ("opened", "polling"),
        ("in", "MESSAGE", "one", 4),
        ("in", "NOOP", "", 1),
        ("in", "MESSAGE", b"\x01", 1),
        ("upgraded", "websocket"),
        ("in", "MESSAGE", "two", 4),
        ("in", "CLOSE", "", 1),
        ("closed", "transport close", "the client closed the session"),
    ]


async def test_refusals(start_engine: StartEngine) -> None:
    seen = Recorder()
    app = await start_engine(observer=seen)
    async with PollingClient(app.url, query={"sid": "unknown"}) as client:
        assert (await client.request("GET")).status_code == 400
    assert seen.log == [("refused", 1, "Session ID unknown")]


async def test_what_is_not_sent(start_engine: StartEngine) -> None:
    seen = Recorder()
    app = await start_engine(observer=seen, send_buffer_limit=1_000)
    async with PollingClient(app.url) as client:
        await client.open()
        packets = [OutgoingPacket.message("ä"), OutgoingPacket.message(b"\x01")]
        app.client.session.send(packets, volatile=True)
        app.client.send("x" * 600, "y" * 600)
        app.client.session.send(packets, volatile=True)  # to a session that has ended
    assert seen.of_kind("dropped") == [
        ("dropped", 2, 4, "volatile"),
        ("dropped", 2, 1202, "slow client"),
    ]
    assert [entry[:2] for entry in seen.of_kind("closed")] == [("closed", "transport error")]


async def test_an_observer_that_raises_changes_nothing(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(EngineObserver):
        def session_opened(self, session: Session) -> None:
            raise ValueError("opened")

        def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
            raise ValueError("received")

        def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
            raise ValueError("sent")

        def session_closed(self, session: Session, reason: str, description: str | None) -> None:
            raise ValueError("closed")

    app = await start_engine(observer=Broken())
    with caplog.at_level(logging.ERROR):
        async with connect_engine(app.url) as (ws, _):
            await ws.send("4hi")
            assert await ws.receive() == "4hi"
        await until(lambda: app.client.closed)
    for what in ("opened", "received", "sent", "closed"):
        assert f"ValueError: {what}" in caplog.text
    assert "Broken" in caplog.text


async def test_listeners_beside_an_observer(start_engine: StartEngine) -> None:
    seen = Recorder()
    app = await start_engine(observer=seen)
    packets: list[EnginePacket] = []
    async with connect_engine(app.url) as (ws, _):
        app.client.session.public.on("packet")(packets.append)
        await ws.send("4hi")
        assert await ws.receive() == "4hi"
    assert [packet.data for packet in packets] == ["hi"]
    assert seen.of_kind("in") == [("in", "MESSAGE", "hi", 3)]


async def test_what_an_observer_does_not_override_is_not_asked_of_it(
    start_engine: StartEngine,
) -> None:
    class Counter(EngineObserver):
        opened = 0

        def session_opened(self, session: Session) -> None:
            self.opened += 1

    counter = Counter()
    app = await start_engine(observer=counter)
    async with connect_engine(app.url) as (ws, _):
        plain = await calls_for_one_message(app)
        assert counter.opened == 1
        assert await ws.receive() == "4hi"
    bare = await start_engine()
    async with connect_engine(bare.url):
        assert await calls_for_one_message(bare) == plain


# -- listeners ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["connection", "connection_error", "headers", "initial_headers"])
async def test_an_engine_takes_plain_listeners_only(start_engine: StartEngine, name: str) -> None:
    app = await start_engine()

    async def listener(*_args: object) -> None: ...

    with pytest.raises(TypeError, match="plain def"):
        app.engine.on(name)(listener)


@pytest.mark.parametrize("name", ["upgrade", "packet", "packet_create", "drain", "close"])
async def test_a_session_takes_plain_listeners_only(start_engine: StartEngine, name: str) -> None:
    class Listener:
        async def __call__(self, *_args: object) -> None: ...

    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        with pytest.raises(TypeError, match="plain def"):
            app.client.session.public.on(name)(Listener())
        await ws.send("4hi")
        assert await ws.receive() == "4hi"


async def calls_for_one_message(app: EngineApp) -> int:
    """How many functions of the package a message passes that is sent back."""
    session, calls = app.client.session, 0
    await until(lambda: session.transport.writable)  # nothing is on its way any more

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(count)
    try:
        session.receive("4hi")
    finally:
        sys.setprofile(before)
    return calls


async def test_a_listener_leaves_the_short_cut_as_it_is(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        before = await calls_for_one_message(app)
        packets: list[EnginePacket] = []
        app.client.session.public.on("packet")(packets.append)
        assert await calls_for_one_message(app) <= before + 2
        assert packets == [EnginePacket(packets[0].type, "hi")]
        assert packets[0].type.name == "MESSAGE"
        assert [await ws.receive() for _ in range(2)] == ["4hi", "4hi"]
