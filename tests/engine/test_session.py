"""Sessions: their public side, their one way in, and their one end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi.engine import Session, SessionCore, TransportInfo
from tests.support.backends import on_asyncio
from tests.support.clients import PollingClient, connect_engine
from tests.support.clock import Clock
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.runtime

PUBLIC = {"buffered", "close", "id", "on", "protocol", "ready_state", "request", "transport"}


# -- the public side ---------------------------------------------------------------------------


async def test_the_public_side(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        handshake = await client.open()
        core = app.client.session
        session = core.public
        assert {name for name in dir(session) if not name.startswith("_")} == PUBLIC
        assert core.public is session
        assert session.__socketio__ is core
        assert (session.id, session.protocol) == (handshake["sid"], 4)
        assert session.transport == TransportInfo("polling")
        assert session.request.query["transport"] == "polling"
        assert session.ready_state == "open"
        app.client.send("waits")
        assert session.buffered == core.buffered > 0
        assert session.id not in repr(session)
        assert await client.poll() == ["4waits"]
        session.close()
        assert session.ready_state == "closing"
        assert await client.poll() == ["1"]
        assert session.ready_state == "closed"


async def test_listeners_get_the_public_side(start_engine: StartEngine) -> None:
    app = await start_engine()
    sessions: list[Session] = []
    app.engine.on("connection")(sessions.append)
    async with connect_engine(app.url):
        assert sessions == [app.client.session.public]


def test_an_engine_shows_what_users_are_meant_to_call() -> None:
    engine = EngineApp().engine
    names = {name for name in dir(engine) if not name.startswith("_")}
    assert names == {"clients_count", "on", "use"}


# -- the way in --------------------------------------------------------------------------------

Receive = Callable[[SessionCore, str | bytes], None]


def by_message(session: SessionCore, data: str | bytes) -> None:
    session.receive(data)


def by_packet(session: SessionCore, data: str | bytes) -> None:
    session.receive_packet(session.codec.decode(data))


@pytest.mark.parametrize("receive", [by_message, by_packet])
@pytest.mark.parametrize("watched", [False, True])
async def test_the_short_cut_does_the_same(
    start_engine: StartEngine, receive: Receive, watched: bool
) -> None:
    """Text, the one thing that takes the short cut, and everything else, in every situation."""
    app = await start_engine(echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        session, got = app.client.session, app.client.messages
        packets: list[Any] = []
        if watched:
            session.public.on("packet")(lambda packet: packets.append(packet.data))
        receive(session, "4one")
        receive(session, b"\x01")
        session.pause_reading()
        receive(session, "4two")
        receive(session, b"\x02")
        receive(session, "4three")
        assert got == ["one", b"\x01"]
        session.resume_reading()
        assert got == ["one", b"\x01", "two", b"\x02", "three"]
        session.close()
        receive(session, "4late")
        assert await client.poll() == ["1"]
        receive(session, "4later")
        assert got == ["one", b"\x01", "two", b"\x02", "three"]
        assert packets == (got if watched else [])


@pytest.mark.parametrize("receive", [by_message, by_packet])
async def test_what_waits_keeps_its_order(start_engine: StartEngine, receive: Receive) -> None:
    """A message that has reading paused and resumed again, while others wait behind it."""
    app = await start_engine(echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        session, got = app.client.session, app.client.messages
        take = app.client.on_message

        def on_message(data: str | bytes) -> None:
            take(data)
            if data == "pause":
                session.pause_reading()
            if data == "both":
                session.pause_reading()
                session.resume_reading()
                receive(session, "4last")
                got.append("end of both")  # before the next one is handled

        app.client.on_message = on_message  # type: ignore[method-assign]
        session.pause_reading()
        for message in ("4first", "4both", "4pause", "4behind"):
            receive(session, message)
        session.resume_reading()
        assert got == ["first", "both", "end of both", "pause"]
        session.resume_reading()
        assert got[4:] == ["behind", "last"]
        receive(session, "4next")
        assert got[-1] == "next"


@pytest.mark.parametrize("receive", [by_message, by_packet])
async def test_a_listener_that_raises_ends_the_session(
    start_engine: StartEngine, receive: Receive
) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()

        def fail(data: object) -> None:
            raise LookupError("from a listener")

        app.client.on_message = fail  # type: ignore[method-assign]
        receive(app.client.session, "4x")
        assert app.client.closed == ("transport error", "internal error")


@on_asyncio
async def test_a_message_instead_of_the_pong(start_engine: StartEngine) -> None:
    """It does not take the short cut, which knows nothing of the heartbeat."""
    clock = Clock()
    app = await start_engine(runtime_factory=clock.runtime, echo=False)
    async with connect_engine(app.url) as (ws, _):
        clock.advance(25)
        assert await ws.receive() == "2"
        clock.advance(19)
        app.client.session.receive("4hi")
        clock.advance(19)
        assert app.client.closed is None
        app.client.session.receive("3")
        clock.advance(24)
        assert app.client.closed is None


# -- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("how", ["end", "close", "shut down", "client", "garbage", "slow"])
async def test_one_end_in_one_order(start_engine: StartEngine, transport: str, how: str) -> None:
    """Whichever way a session ends, it is told once, and then nothing of it is left."""
    app = await start_engine(send_buffer_limit=100_000, echo=False)
    seen: list[tuple[Any, ...]] = []

    async def end(send: Callable[[str], Any]) -> None:
        session = app.client.session
        session.public.on("close")(lambda *_: seen.append(state()))
        on_close = app.client.on_close

        def closed(reason: str, description: str | None) -> None:
            on_close(reason, description)
            seen.append(state())
            session.end("again")
            session.close()
            session.send_message("too late")

        def state() -> tuple[Any, ...]:
            core = app.core.bound()
            return (
                session.ready_state,
                session.upgrade,
                app.engine.clients_count,
                session.id in core.sessions,
            )

        app.client.on_close = closed  # type: ignore[method-assign]
        app.client.send("waits, on polling")
        await leave(app, session, how, send)
        await until(lambda: app.client.closed)
        await until(lambda: session.buffered == 0)
        assert seen == [("closed", None, 0, False)] * 2

    if transport == "polling":
        async with PollingClient(app.url) as client:
            await client.open()
            await end(lambda data: client.request("POST", content=data))
    else:
        async with connect_engine(app.url) as (ws, _):
            await end(ws.send)


async def leave(app: EngineApp, session: SessionCore, how: str, send: Callable[[str], Any]) -> None:
    if how == "end":
        session.end("transport error")
    elif how == "close":
        session.close()
        session.transport.abort()
    elif how == "shut down":
        app.core.shut_down()
        session.transport.abort()
    elif how == "client":
        await send("1")
    elif how == "garbage":
        await send("garbage")
    else:
        for _ in range(200):
            session.send_message("x" * 100_000)


async def test_a_session_that_ends_at_its_beginning(start_engine: StartEngine) -> None:
    """What a listener ended is not opened any more."""
    app = await start_engine()
    opened: list[str] = []

    def end(session: Session) -> None:
        app.client.on_open = lambda: opened.append(session.id)  # type: ignore[method-assign]
        session.__socketio__.end("transport error")

    app.engine.on("connection")(end)
    async with PollingClient(app.url) as client:
        assert await client.poll() == ["1"]
    assert (app.client.closed, opened) == (("transport error", None), [])
    assert app.engine.clients_count == 0
