"""Signs of life: https://socket.io/docs/v4/engine-io-protocol/#heartbeat

Where the time is real, it is short, and only lower bounds of it are asserted: the machine may be
busy. With a clock that the test moves, the defaults hold.
"""

from __future__ import annotations

from contextlib import suppress

import anyio
import pytest

from tests.support.backends import on_asyncio
from tests.support.clients import (
    PollingClient,
    WebSocketClient,
    connect_engine,
    connect_websocket,
)
from tests.support.clock import Clock
from tests.support.waiting import until

from .support import EngineApp, ServerSide, StartEngine

pytestmark = pytest.mark.runtime

PING_INTERVAL = 25.0  # the defaults, in seconds
PING_TIMEOUT = 20.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def reason(client: ServerSide) -> str | None:
    """Wait for the end of the session."""
    await until(lambda: client.closed)
    return client.reason


# -- revision 4: the server pings --------------------------------------------------------------


async def test_ping_and_pong_by_polling(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.1, ping_timeout=5)
    async with PollingClient(app.url) as client:
        before = anyio.current_time()
        await client.open()
        for _ in range(3):
            assert await client.poll() == ["2"]
            assert anyio.current_time() - before > 0.05
            before = anyio.current_time()
            await client.post("3")
        assert app.client.closed is None


async def test_ping_and_pong_by_websocket(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.1, ping_timeout=5)
    before = anyio.current_time()
    async with connect_engine(app.url) as (ws, _):
        for _ in range(3):
            assert await ws.receive() == "2"
            assert anyio.current_time() - before > 0.05
            before = anyio.current_time()
            await ws.send("3")
        assert app.client.closed is None


async def test_no_second_ping_before_the_pong(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.05, ping_timeout=5)
    async with connect_engine(app.url) as (ws, _):
        assert await ws.receive() == "2"
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.3)
        await ws.send("3")
        assert await ws.receive() == "2"


async def test_missing_pong_by_websocket(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.1, ping_timeout=0.2)
    before = anyio.current_time()
    async with connect_engine(app.url) as (ws, _):
        await ws.receive_close()
        assert anyio.current_time() - before > 0.28
        assert await reason(app.client) == "ping timeout"
    assert app.engine.clients_count == 0


async def test_missing_pong_by_polling(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.2, ping_timeout=0.5)
    async with PollingClient(app.url) as client:
        await client.open()
        assert await client.poll() == ["2"]
        assert await client.poll() == ["1"]
        assert await reason(app.client) == "ping timeout"
        assert (await client.request("GET")).status_code == 400


async def test_client_that_never_polls(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.1, ping_timeout=0.1)
    async with PollingClient(app.url) as client:
        await client.open()
        assert await reason(app.client) == "ping timeout"
        assert (await client.request("GET")).json()["code"] == 1


@on_asyncio
async def test_pongs_of_a_client_that_never_polls(start_engine: StartEngine, clock: Clock) -> None:
    """It cannot know that it was pinged."""
    app = await start_engine(runtime_factory=clock.runtime)
    async with PollingClient(app.url) as client:
        await client.open()
        clock.advance(PING_INTERVAL)
        await client.post("3")
        clock.advance(PING_TIMEOUT - 1)
        assert app.client.closed is None
        clock.advance(1)
        assert app.client.reason == "ping timeout"


@on_asyncio
async def test_a_poll_takes_the_ping_that_waits(start_engine: StartEngine, clock: Clock) -> None:
    app = await start_engine(runtime_factory=clock.runtime)
    async with PollingClient(app.url) as client:
        await client.open()
        for _ in range(3):
            clock.advance(PING_INTERVAL)
            assert await client.poll() == ["2"]
            clock.advance(PING_TIMEOUT - 1)
            await client.post("3")
        assert app.client.closed is None


async def test_stray_pongs_count_for_nothing(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.3, ping_timeout=0.2)
    async with connect_engine(app.url) as (ws, _):
        async with anyio.create_task_group() as tasks:

            async def send_pongs() -> None:
                while True:
                    await ws.send("3")
                    await anyio.sleep(0.02)

            # They neither postpone the ping nor answer it.
            tasks.start_soon(send_pongs)
            assert await ws.receive(timeout=5) == "2"
            tasks.cancel_scope.cancel()
        await ws.receive_close()
        assert await reason(app.client) == "ping timeout"


async def chat_until_closed(app: EngineApp, ws: WebSocketClient) -> float:
    """Send messages, but no pong; returns the seconds from the ping to the end."""
    assert await ws.receive() == "2"
    before = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def chat() -> None:
            while True:
                await ws.send("4still here")
                await anyio.sleep(0.05)

        tasks.start_soon(chat)
        assert await reason(app.client) == "ping timeout"
        tasks.cancel_scope.cancel()
    return anyio.current_time() - before


async def test_other_traffic_refreshes_the_deadline_once(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.1, ping_timeout=0.6, echo=False)
    async with connect_engine(app.url) as (ws, _):
        # With a refresh by each message, this would never end.
        assert await chat_until_closed(app, ws) >= 0.59


@on_asyncio
async def test_a_late_message_refreshes_the_deadline(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime, echo=False)
    async with connect_engine(app.url) as (ws, _):
        clock.advance(PING_INTERVAL)
        assert await ws.receive() == "2"
        clock.advance(PING_TIMEOUT - 1)
        await ws.send("4a long message")
        await until(lambda: app.client.messages)
        clock.advance(PING_TIMEOUT - 1)
        assert app.client.closed is None
        await ws.send("4another one")
        await until(lambda: len(app.client.messages) == 2)
        clock.advance(1)  # for which there is no more time
        assert app.client.reason == "ping timeout"
        await ws.receive_close()


async def test_wrong_direction(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.send("2")
        await ws.receive_close()
        assert app.client.closed == ("transport error", "invalid heartbeat direction")
    async with PollingClient(app.url) as client:
        await client.open()
        await client.request("POST", content="2")
        assert app.client.closed == ("transport error", "invalid heartbeat direction")


@on_asyncio
async def test_a_session_that_we_do_not_read_is_not_late(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime)
    async with connect_engine(app.url) as (ws, _):
        session = app.client.session
        session.pause_reading()
        clock.advance(PING_INTERVAL)
        assert await ws.receive() == "2"
        await ws.send("4waits")
        await ws.send("3")
        clock.advance(3 * PING_TIMEOUT)
        assert app.client.closed is None
        session.resume_reading()
        await until(lambda: app.client.messages)
        clock.advance(PING_TIMEOUT - 1)
        assert app.client.closed is None


async def test_many_sessions_are_pinged(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.2, ping_timeout=10)
    async with anyio.create_task_group() as tasks:

        async def connect() -> None:
            async with connect_engine(app.url) as (ws, _):
                for _ in range(2):
                    assert await ws.receive() == "2"
                    await ws.send("3")

        for _ in range(20):
            tasks.start_soon(connect)
    assert len(app.clients) == 20


# -- revision 3: the client pings --------------------------------------------------------------


async def test_revision_3_by_polling(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with PollingClient(app.url, eio="3", query={"b64": "1"}) as client:
        response = await client.request("GET")
        client.sid = app.client.session.id
        assert response.status_code == 200
        for ping, pong in (("1:2", "1:3"), ("6:2probe", "6:3probe")):
            assert (await client.request("POST", content=ping)).text == "ok"
            assert (await client.request("GET")).text == pong


@on_asyncio
async def test_revision_3_by_websocket(start_engine: StartEngine, clock: Clock) -> None:
    app = await start_engine(runtime_factory=clock.runtime, allow_eio3=True)
    silence = PING_INTERVAL + PING_TIMEOUT
    async with connect_engine(app.url, eio="3") as (ws, _):
        for _ in range(3):
            clock.advance(silence - 1)
            await ws.send("2")
            assert await ws.receive() == "3"
        clock.advance(silence - 1)
        assert app.client.closed is None
        clock.advance(1)
        assert app.client.reason == "ping timeout"
        await ws.receive_close()


@on_asyncio
async def test_revision_3_by_polling_lasts_as_long_as_it_polls(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime, allow_eio3=True)
    silence = PING_INTERVAL + PING_TIMEOUT
    async with PollingClient(app.url, eio="3", query={"b64": "1"}) as client:
        await client.request("GET")
        client.sid = app.client.session.id
        for _ in range(3):
            clock.advance(silence - 1)
            await client.request("POST", content="1:2")
            assert (await client.request("GET")).text == "1:3"
        clock.advance(silence - 1)
        await client.request("POST", content="1:2")
        for _ in range(2):  # to which it takes no answer
            clock.advance((silence - 2) / 2)
            await client.request("POST", content="1:2")
        assert app.client.closed is None
        clock.advance(2)
        assert app.client.reason == "ping timeout"


async def test_pings_with_data_count_as_what_waits(start_engine: StartEngine) -> None:
    """A client of revision 3 that reads none of the answers to its pings."""
    app = await start_engine(allow_eio3=True, send_buffer_limit=100_000)
    async with PollingClient(app.url, eio="3", query={"b64": "1"}) as client:
        await client.request("GET")
        client.sid = app.client.session.id
        for _ in range(3):
            await client.request("POST", content=f"30001:2{'x' * 30_000}")
        assert app.client.closed is None
        await client.request("POST", content=f"30001:2{'x' * 30_000}")
        assert app.client.reason == "transport error"
        assert app.client.session.buffered == 0


async def test_pings_with_data_on_an_unread_websocket(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True, send_buffer_limit=100_000)
    async with connect_engine(app.url, eio="3") as (ws, _):

        async def flood() -> None:
            with suppress(Exception):  # the server cuts the connection at some time
                while True:
                    await ws.send(f"2{'x' * 100_000}")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood)
            assert await reason(app.client) == "transport error"
            assert app.client.session.buffered == 0
            tasks.cancel_scope.cancel()


async def test_revision_3_takes_no_pong(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with connect_engine(app.url, eio="3") as (ws, _):
        await ws.send("3")
        await ws.receive_close()
        assert app.client.closed == ("transport error", "invalid heartbeat direction")


async def test_messages_are_no_ping_in_revision_3(start_engine: StartEngine) -> None:
    # As in the official server, only a PING counts there.
    app = await start_engine(allow_eio3=True, ping_interval=0.2, ping_timeout=0.2, echo=False)
    async with connect_engine(app.url, eio="3") as (ws, _), anyio.create_task_group() as tasks:

        async def chat() -> None:
            while True:
                await ws.send("4x")
                await anyio.sleep(0.02)

        tasks.start_soon(chat)
        assert await reason(app.client) == "ping timeout"
        tasks.cancel_scope.cancel()


# -- the event loop stands still ----------------------------------------------------------------


@on_asyncio
async def test_a_pong_that_came_while_the_loop_stood_still(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime)
    async with connect_engine(app.url) as (ws, _):
        clock.advance(PING_INTERVAL)
        assert await ws.receive() == "2"
        clock.stall(PING_TIMEOUT + 30)
        clock.advance(0)  # the timer comes first, and then the network is read
        await ws.send("3")
        await until(lambda: not app.client.session.pong_awaited)
        clock.advance(PING_INTERVAL)
        assert await ws.receive() == "2"
        assert app.client.closed is None


@on_asyncio
async def test_a_client_that_is_gone_when_the_loop_goes_on(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime)
    async with connect_engine(app.url) as (ws, _):
        clock.advance(PING_INTERVAL)
        assert await ws.receive() == "2"
        clock.stall(PING_TIMEOUT + 5)
        clock.advance(0)
        assert app.client.closed is None
        clock.stall(PING_TIMEOUT)  # once more, and there is no third chance
        clock.advance(0)
        assert app.client.reason == "ping timeout"


@on_asyncio
async def test_a_ping_of_revision_3_that_came_while_the_loop_stood_still(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime, allow_eio3=True)
    async with connect_engine(app.url, eio="3") as (ws, _):
        clock.stall(PING_INTERVAL + PING_TIMEOUT + 5)
        clock.advance(0)
        await ws.send("2")
        assert await ws.receive() == "3"
        clock.advance(PING_TIMEOUT)
        assert app.client.closed is None


@on_asyncio
async def test_an_upgrade_that_was_complete_while_the_loop_stood_still(
    start_engine: StartEngine, clock: Clock
) -> None:
    app = await start_engine(runtime_factory=clock.runtime)
    async with PollingClient(app.url) as client:
        await client.open()
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            clock.stall(15)
            clock.advance(0)
            await ws.send("5")
            await until(lambda: app.client.session.transport.name == "websocket")
