"""Sessions that end while their client moves from polling to WebSocket.

The official client stops to poll once its probe is answered, and sends the UPGRADE packet when its
last requests are over. In between it takes the end of the WebSocket for a failed upgrade, and polls
no more: it has to hear of the end by a poll that waits, by its next poll, or after its UPGRADE.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from socketio_asgi.engine import SessionCore
from tests.support.backends import on_asyncio
from tests.support.clients import PollingClient, WebSocketClient, connect_websocket, polling
from tests.support.clock import Clock
from tests.support.residue import no_residue
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.runtime

LIMIT = 100_000  # bytes that may wait for a client

ABRUPT: dict[str, Callable[[EngineApp, SessionCore], object]] = {
    "abrupt": lambda app, session: session.end("transport error"),
    "slow": lambda app, session: app.client.send("x" * (LIMIT + 1)),
}
ORDERLY: dict[str, Callable[[EngineApp, SessionCore], object]] = {
    "close": lambda app, session: session.close(),
    "malformed": lambda app, session: session.receive("garbage"),
    "heartbeat": lambda app, session: session.receive("2"),
    "error": lambda app, session: session.end("transport error", flush=True),
}
ENDS = ABRUPT | ORDERLY


@asynccontextmanager
async def upgrading(
    app: EngineApp, *, probe: bool = True
) -> AsyncIterator[tuple[PollingClient, WebSocketClient, SessionCore]]:
    """A session on polling, with a WebSocket whose probe was answered, and no poll that waits."""
    async with PollingClient(app.url) as client:
        await client.open()
        async with connect_websocket(client.websocket_url()) as ws:
            if probe:
                await ws.send("2probe")
                assert await ws.receive() == "3probe"
                assert await client.poll() == ["6"]
            else:
                await until(lambda: app.client.session.upgrade is not None)
            yield client, ws, app.client.session


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls wait long also during an upgrade, so that a test finds them waiting."""
    monkeypatch.setattr("socketio_asgi.engine.transports.polling.PROBE_POLL_SECONDS", 30.0)


async def assert_nothing_left(app: EngineApp) -> None:
    """No session, no deadline, and the end was told once."""

    def left() -> list[Any]:
        state = app.core.bound()
        kept = [state.sessions, state.ended, state.upgrade_deadlines, state.linger_deadlines]
        return [each for each in kept if each]

    await until(lambda: not left())
    assert app.client.closed is not None
    assert app.client.session.upgrade is None
    assert app.client.session.buffered == 0


async def assert_stays_open(ws: WebSocketClient) -> None:
    with pytest.raises(TimeoutError):
        await ws.receive(timeout=0.15)


@pytest.mark.parametrize("how", ENDS)
async def test_the_client_has_stopped_to_poll(start_engine: StartEngine, how: str) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (_, ws, session):
        ENDS[how](app, session)
        assert session.ready_state in ("closing", "closed")
        await assert_stays_open(ws)
        await ws.send("5")
        assert (await ws.receive_close()).code == 1000
        await assert_nothing_left(app)
    assert app.engine.clients_count == 0


@pytest.mark.parametrize("how", ENDS)
async def test_the_client_polls_once_more(start_engine: StartEngine, how: str) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (client, ws, session):
        ENDS[how](app, session)
        assert await client.poll() == ["1"]
        await ws.receive_close()
        await assert_nothing_left(app)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("how", ENDS)
async def test_a_poll_waits(start_engine: StartEngine, how: str) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (client, ws, session):
        async with polling(client) as answer:
            await until(lambda: session.transport.writable)
            ENDS[how](app, session)
        assert answer == ["1"]
        await ws.receive_close()
        await assert_nothing_left(app)


@pytest.mark.parametrize("how", ABRUPT)
async def test_the_probe_has_not_come(start_engine: StartEngine, how: str) -> None:
    """The client goes on to poll when such a WebSocket ends."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app, probe=False) as (_, ws, session):
        ENDS[how](app, session)
        await ws.receive_close()
        await assert_nothing_left(app)


@pytest.mark.parametrize("how", ORDERLY)
async def test_what_waits_goes_by_the_new_transport(start_engine: StartEngine, how: str) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (_, ws, session):
        app.client.send("one", b"two")
        ORDERLY[how](app, session)
        app.client.send("too late")
        await ws.send("5")
        await ws.send("4ignored")
        assert [await ws.receive(), await ws.receive()] == ["4one", b"two"]
        assert (await ws.receive_close()).code == 1000
        await assert_nothing_left(app)
    assert app.client.messages == []


@pytest.mark.parametrize("how", ORDERLY)
@pytest.mark.parametrize("moves", [True, False])
async def test_what_waits_goes_by_polling(start_engine: StartEngine, how: str, moves: bool) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with PollingClient(app.url) as client:
        await client.open()
        async with anyio.create_task_group() as tasks:
            if moves:
                ws = await _enter(tasks, client)
                await ws.send("2probe")
                assert await client.poll() == ["6"]
            app.client.send("one", "two")
            ORDERLY[how](app, app.client.session)
            await client.post("4ignored")
            assert await client.poll() == ["4one", "4two"]
            assert await client.poll() == ["1"]
            await assert_nothing_left(app)
            tasks.cancel_scope.cancel()
        assert (await client.request("GET")).json()["code"] == 1
    assert app.client.messages == []


async def _enter(tasks: Any, client: PollingClient) -> WebSocketClient:
    async def hold(*, task_status: Any) -> None:
        async with connect_websocket(client.websocket_url()) as ws:
            task_status.started(ws)
            await anyio.sleep_forever()

    ws: WebSocketClient = await tasks.start(hold)
    return ws


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("how", [name for name in ENDS if name != "slow"])
async def test_what_a_poll_was_woken_for(start_engine: StartEngine, how: str) -> None:
    """It is sent before the end of the same turn of the event loop, and so it goes out."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (client, ws, session):
        async with polling(client) as answer:
            await until(lambda: session.transport.writable)
            app.client.send("one", "two")
            ENDS[how](app, session)
        assert answer == ["4one", "4two"]
        await ws.send("5")
        assert (await ws.receive_close()).code == 1000
        await assert_nothing_left(app)


async def test_what_a_poll_was_woken_for_before_an_abrupt_end(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            app.client.send("one", "two")
            app.client.session.end("ping timeout")
        assert answer == ["4one", "4two"]
        assert (await client.request("GET")).json()["code"] == 1
        await assert_nothing_left(app)


@pytest.mark.parametrize("how", ENDS)
async def test_the_client_closes_as_well(start_engine: StartEngine, how: str) -> None:
    """Nobody is left who could be told anything."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (client, ws, session):
        ENDS[how](app, session)
        await client.post("1")
        await ws.receive_close()
        await assert_nothing_left(app)


@pytest.mark.parametrize("how", ENDS)
async def test_the_client_leaves(start_engine: StartEngine, how: str) -> None:
    """The WebSocket ends; the session is found until its time is over."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (client, ws, session):
        ENDS[how](app, session)
        await ws.close()
        await until(lambda: session.upgrade is None)
        assert await client.poll() == ["1"]
        await assert_nothing_left(app)


@on_asyncio
@pytest.mark.parametrize("how", ENDS)
async def test_the_client_does_nothing(start_engine: StartEngine, how: str) -> None:
    clock = Clock()
    app = await start_engine(
        runtime_factory=clock.runtime, echo=False, send_buffer_limit=LIMIT, upgrade_timeout=10
    )
    async with upgrading(app) as (_, ws, session):
        ENDS[how](app, session)
        clock.advance(11)
        await ws.receive_close()
        clock.advance(20)
        await assert_nothing_left(app)


async def test_no_upgrade_begins_after_the_end(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.session.receive("garbage")
        assert app.engine.clients_count == 0
        response = await client.request("GET")
        assert (response.status_code, response.text) == (200, "1")
        await assert_nothing_left(app)


async def test_what_is_left_of_sessions_counts_for_the_limit(start_engine: StartEngine) -> None:
    """Nobody gets room for more by an end."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT, max_clients=1)
    async with PollingClient(app.url) as client, PollingClient(app.url) as other:
        await client.open()
        app.client.session.receive("garbage")
        assert (await other.request("GET")).status_code == 503
        assert await client.poll() == ["1"]
        await other.open()


async def test_the_engine_closes(start_engine: StartEngine) -> None:
    """It gives the client the time to come for its end."""
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (_, ws, _), anyio.create_task_group() as tasks:
        app.client.send("goodbye")
        tasks.start_soon(app.core.close)
        await until(lambda: app.client.closed)
        assert app.client.reason == "server shutting down"
        assert app.engine.clients_count == 0
        await ws.send("5")
        assert await ws.receive() == "4goodbye"
        assert (await ws.receive_close()).code == 1000
    await assert_nothing_left(app)


async def test_the_engine_closes_and_the_client_does_nothing(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)
    async with upgrading(app) as (_, ws, _):
        with anyio.fail_after(10):
            await app.core.close()
        await ws.receive_close()
        await assert_nothing_left(app)


async def test_nothing_is_left(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False, send_buffer_limit=LIMIT)

    async def end_in_all_ways() -> None:
        for end in ENDS.values():
            async with upgrading(app) as (_, ws, session):
                end(app, session)
                await ws.send("5")
                await ws.receive_close()
                await assert_nothing_left(app)
        app.clients.clear()

    await end_in_all_ways()
    async with no_residue(classes=(SessionCore,)):
        await end_in_all_ways()
