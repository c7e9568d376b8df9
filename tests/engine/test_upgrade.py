"""From polling to WebSocket: https://socket.io/docs/v4/engine-io-protocol/#upgrade"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from socketio_asgi.engine.upgrade import Upgrade
from tests.support.backends import not_fast, on_asyncio
from tests.support.clients import (
    PollingClient,
    WebSocketClient,
    connect_engine,
    connect_websocket,
    polling,
)
from tests.support.clock import Clock
from tests.support.frames import text
from tests.support.waiting import until

from .support import EngineApp, StartEngine, assert_nothing_is_read_meanwhile

pytestmark = pytest.mark.runtime


@asynccontextmanager
async def probed(app: EngineApp) -> AsyncIterator[tuple[PollingClient, WebSocketClient]]:
    """A session on polling, with a WebSocket whose probe was answered."""
    async with PollingClient(app.url) as client:
        await client.open()
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            yield client, ws


async def assert_works(client: PollingClient) -> None:
    """The session is on polling, in both directions."""
    await client.post("4usable")
    packets = await client.poll()
    while packets == ["6"]:
        packets = await client.poll()
    assert packets == ["4usable"]


async def test_switch(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with probed(app) as (client, ws):
        session = app.client.session
        assert (session.transport.name, session.ready_state) == ("polling", "open")
        assert await client.poll() == ["6"]
        await ws.send("5")
        await ws.send("4hello")
        assert await ws.receive() == "4hello"
        assert session.transport.name == "websocket"
        await ws.send(b"\x01")
        assert await ws.receive() == b"\x01"
        assert (await client.request("GET")).status_code == 400
        assert (await client.request("POST", content="4x")).status_code == 400
        await ws.close()
        await until(lambda: app.client.closed)
    assert app.client.messages == ["hello", b"\x01"]
    assert app.engine.clients_count == 0


async def test_nothing_extra_is_sent_after_the_switch(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with probed(app) as (_, ws):
        await ws.send("5")
        await until(lambda: app.client.session.transport.name == "websocket")
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.2)


async def test_waiting_poll_is_released(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer, connect_websocket(client.websocket_url()) as ws:
            await until(lambda: app.client.session.transport.writable)
            await anyio.sleep(0.05)
            assert answer == []  # the connection alone proves nothing
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await until(lambda: answer)
            assert answer == ["6"]


async def test_later_polls_do_not_wait_long(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with probed(app) as (client, _):
        for _ in range(3):
            assert await client.poll() == ["6"]
        # Messages go by polling until the switch.
        app.client.send("by polling")
        assert await client.poll() == ["4by polling"]


async def test_waiting_packets_change_over(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with probed(app) as (_, ws):
        app.client.send("one", b"two")
        app.client.send("three")
        await ws.send("5")
        assert [await ws.receive() for _ in range(3)] == ["4one", b"two", "4three"]


async def test_the_answer_to_the_probe_when_the_upgrade_follows_at_once(
    start_engine: StartEngine,
) -> None:
    """What the new transport is to send already goes out before what waits for it."""
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send("one", b"two")
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.raw.send(text("2probe"), text("5"), text("4three"))  # one segment
            received = [await ws.receive() for _ in range(4)]
            assert received == ["3probe", "4one", b"two", "4three"]
            await until(lambda: app.client.session.buffered == 0)


class Hesitating:
    """Holds the first answer to a probe back, as an ASGI server does whose client reads slowly."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.holding = False
        self.release = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def hold(message: Message) -> None:
            if message.get("text") == "3probe" and not self.release.is_set():
                self.holding = True
                await self.release.wait()
            await send(message)

        await self._app(scope, receive, hold)


@not_fast
async def test_the_upgrade_comes_while_the_probe_is_answered(start_engine: StartEngine) -> None:
    """The packet that the ASGI server has in hand is sent once, and then what waits."""
    proxies: list[Hesitating] = []

    def wrap(app: ASGIApp) -> Hesitating:
        proxies.append(Hesitating(app))
        return proxies[0]

    app = await start_engine(wrap=wrap)
    async with PollingClient(app.url) as client:
        await client.open()
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            await until(lambda: proxies[0].holding)
            await ws.send("5")
            await until(lambda: app.client.session.transport.name == "websocket")
            app.client.send("one", b"two")
            proxies[0].release.set()
            assert [await ws.receive() for _ in range(3)] == ["3probe", "4one", b"two"]
            await until(lambda: app.client.session.buffered == 0)
            await ws.send("4last")
            assert await ws.receive() == "4last"


async def test_switch_while_a_poll_waits(start_engine: StartEngine) -> None:
    # Official clients do not do that, but nothing may be lost by it.
    app = await start_engine()
    async with probed(app) as (client, ws):
        assert await client.poll() == ["6"]
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            await ws.send("5")
            await until(lambda: answer)
            assert answer == ["6"]
        app.client.send("hello")
        assert await ws.receive() == "4hello"


async def test_a_packet_that_a_poll_was_woken_for(start_engine: StartEngine) -> None:
    """It goes by the new transport, when that takes over before the poll is answered."""
    app = await start_engine()
    async with probed(app) as (client, ws):
        assert await client.poll() == ["6"]
        session = app.client.session
        async with polling(client) as answer:
            await until(lambda: session.transport.writable)
            app.client.send("once")
            assert isinstance(session.upgrade, Upgrade)
            session.upgrade.receive("5")
        assert answer == ["6"]
        assert await ws.receive() == "4once"
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


async def test_post_under_way_during_the_switch_is_delivered(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False)
    async with probed(app) as (client, ws), anyio.create_task_group() as tasks:
        session = app.client.session
        session.pause_reading()
        tasks.start_soon(client.post, "4by post")
        await until(lambda: session.transport._posting)  # type: ignore[attr-defined]
        await ws.send("5")
        await until(lambda: session.transport.name == "websocket")
        session.resume_reading()
        await until(lambda: app.client.messages == ["by post"])


async def test_heartbeat_goes_on(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.2, ping_timeout=10)
    async with probed(app) as (_, ws):
        await ws.send("5")
        for _ in range(2):
            assert await ws.receive() == "2"
            await ws.send("3")


async def test_pong_may_come_by_the_new_transport(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.3, ping_timeout=10)
    async with PollingClient(app.url) as client:
        await client.open()
        assert await client.poll() == ["2"]
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send("3")
            assert await ws.receive() == "2"


# -- second transports -------------------------------------------------------------------------


@pytest.mark.parametrize("upgraded", [True, False])
async def test_second_websocket_is_accepted_and_closed(
    start_engine: StartEngine, upgraded: bool
) -> None:
    app = await start_engine()
    async with probed(app) as (client, ws):
        if upgraded:
            await ws.send("5")
            await until(lambda: app.client.session.transport.name == "websocket")
        async with connect_websocket(client.websocket_url()) as second:
            assert (await second.receive_close()).code == 1000
        if not upgraded:
            await ws.send("5")
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


async def test_websocket_session_takes_no_second_one(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, handshake):
        async with connect_websocket(app.ws_url(handshake["sid"])) as second:
            await second.receive_close()
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


async def test_upgrades_may_be_forbidden(start_engine: StartEngine) -> None:
    app = await start_engine(allow_upgrades=False)
    async with PollingClient(app.url) as client:
        assert (await client.open())["upgrades"] == []
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.receive_close()
        await assert_works(client)
    async with connect_engine(app.url) as (ws, _):  # which is no upgrade
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


# -- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", ["4hello", "2", "2other", "3probe", "1", "6", "x", "", b"\x01"])
async def test_wrong_packet(start_engine: StartEngine, packet: str | bytes) -> None:
    app = await start_engine()
    async with probed(app) as (client, ws):
        await ws.send(packet)
        await ws.receive_close()
        await assert_works(client)
        assert app.client.messages == ["usable"]


async def test_too_big_a_packet(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with probed(app) as (client, ws):
        await ws.send("2" + "x" * 200)
        assert (await ws.receive_close()).code == 1009
        await assert_works(client)


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_client_gives_up(start_engine: StartEngine, how: str) -> None:
    app = await start_engine()
    async with probed(app) as (client, ws):
        app.client.send("kept")
        await (ws.close() if how == "close" else ws.abort())
        await until(lambda: app.client.session.upgrade is None)
        assert await client.poll() == ["4kept"]
        await assert_works(client)
        # Polls wait again, and another attempt succeeds.
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            await anyio.sleep(0.2)
            assert answer == []
            app.client.send("late")
        assert answer == ["4late"]
        async with connect_websocket(client.websocket_url()) as second:
            await second.send("2probe")
            assert await second.receive() == "3probe"
            await second.send("5")
            await second.send("4hello")
            assert await second.receive() == "4hello"


@pytest.mark.parametrize("probe", [True, False])
async def test_upgrade_timeout(start_engine: StartEngine, probe: bool) -> None:
    app = await start_engine(upgrade_timeout=0.3)
    async with PollingClient(app.url) as client:
        await client.open()
        before = anyio.current_time()
        async with connect_websocket(client.websocket_url()) as ws:
            if probe:
                await ws.send("2probe")
            assert (await ws.receive_close()).code == 1000
            assert anyio.current_time() - before > 0.25
        await assert_works(client)
        assert app.client.closed is None


@on_asyncio
async def test_completed_upgrade_does_not_time_out(start_engine: StartEngine) -> None:
    clock = Clock()
    app = await start_engine(runtime_factory=clock.runtime, upgrade_timeout=10)
    async with probed(app) as (_, ws):
        await ws.send("5")
        await until(lambda: app.client.session.transport.name == "websocket")
        clock.advance(11)
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


@pytest.mark.parametrize("how", ["client", "server", "error"])
async def test_session_ends_during_the_upgrade(start_engine: StartEngine, how: str) -> None:
    app = await start_engine()
    async with probed(app) as (client, ws):
        if how == "client":
            await client.post("1")
        elif how == "server":
            app.client.session.close()
            assert "1" in await client.poll()
        else:
            await client.request("POST", content="garbage")
        await ws.receive_close()
        await until(lambda: app.client.closed)
        assert (await client.request("GET")).json()["code"] == 1
    assert app.engine.clients_count == 0


async def test_closing_meanwhile_takes_the_way_of_the_client(start_engine: StartEngine) -> None:
    """The client may have left the old transport for good when the server wants to close."""
    app = await start_engine()
    async with probed(app) as (_, ws):
        app.client.send("last")
        app.client.session.close()
        assert app.client.session.ready_state == "closing"
        await ws.send("5")
        assert await ws.receive() == "4last"
        assert (await ws.receive_close()).code == 1000
        await until(lambda: app.client.closed)
    assert app.client.reason == "forced close"
    assert app.engine.clients_count == 0


async def test_reading_stays_paused(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False)
    async with probed(app) as (_, ws):
        session = app.client.session
        session.pause_reading()
        await ws.send("5")
        for number in range(3):
            await ws.send(f"4{number}")
        await until(lambda: session.transport.name == "websocket")
        await assert_nothing_is_read_meanwhile(app, ws)
