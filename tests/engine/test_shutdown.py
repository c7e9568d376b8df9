"""The end of the engine: clients are told, nothing new begins, nothing is left."""

from __future__ import annotations

import anyio
import pytest

from socketio_asgi.engine import Engine, EngineOptions
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
    polling,
)
from tests.support.residue import no_residue
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.runtime


async def test_websocket_clients_get_what_waits(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        app.client.send("goodbye")
        await app.core.close()
        assert await ws.receive() == "4goodbye"
        await ws.receive_close()
        assert app.client.reason == "server shutting down"
    assert app.engine.clients_count == 0


async def test_polling_clients_get_what_waits(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            app.client.send("goodbye")
            await app.core.close()
    assert answer[0] == "4goodbye"


async def test_waiting_polls_are_answered(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with polling(client) as answer:
            await until(lambda: app.client.session.transport.writable)
            app.core.shut_down()
    assert answer == ["1"]


async def test_no_new_clients(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        app.core.shut_down()
        app.core.shut_down()
        client.sid = None
        response = await client.request("GET")
        assert (response.status_code, response.json()) == (
            503,
            {"code": 4, "message": "Server is shutting down"},
        )
    with pytest.raises(WebSocketRejected):
        async with connect_engine(app.url):
            pytest.fail("was accepted")


async def test_upgrades_end(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            app.core.shut_down()
            await ws.receive_close()


async def test_drain_ends_although_nobody_reads(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client, anyio.create_task_group() as tasks:
        await client.open()
        app.client.send("never fetched")
        with anyio.fail_after(10):
            tasks.start_soon(app.client.session.drain)
            await app.core.close()
            await app.client.session.drain()


async def test_close_before_any_request() -> None:
    await EngineApp().core.close()


async def test_request_without_lifespan_on_trio_names_the_remedy(anyio_backend_name: str) -> None:
    engine = Engine(EngineOptions(), lambda session: pytest.fail("no session can exist"))
    if anyio_backend_name == "asyncio":
        assert engine.__socketio__.bound().runtime.is_current()
        await engine.__socketio__.close()
    else:
        with pytest.raises(RuntimeError, match="lifespan"):
            engine.__socketio__.bound()


async def test_nothing_is_left(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.05, ping_timeout=0.5)
    await leave_in_all_ways(app)
    app.clients.clear()
    async with no_residue():
        await leave_in_all_ways(app)
        app.clients.clear()
    assert app.engine.clients_count == 0


async def leave_in_all_ways(app: EngineApp) -> None:
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("4x", "1")
    async with connect_engine(app.url) as (ws, _):
        await ws.send("4x")
        await ws.close()
    async with connect_engine(app.url) as (ws, _):
        await ws.abort()
    async with PollingClient(app.url) as client:
        await client.open()
        await client.request("POST", content="garbage")
    await until(lambda: app.engine.clients_count == 0)
