"""What waits for one client is bounded, and transports may be switched off."""

from __future__ import annotations

import pytest

from socketio_asgi.protocol import OutgoingPacket
from tests.support.clients import PollingClient, WebSocketRejected, connect_engine
from tests.support.waiting import until

from .support import StartEngine

pytestmark = pytest.mark.runtime

MEGABYTE = "x" * 1_000_000


async def test_client_that_never_polls(start_engine: StartEngine) -> None:
    app = await start_engine(send_buffer_limit=10_000)
    async with PollingClient(app.url) as client:
        await client.open()
        sent = 0
        while app.client.closed is None:
            app.client.send("x" * 1000)
            sent += 1
            assert sent < 20
        assert app.client.reason == "transport error"
        assert "send_buffer_limit" in str(app.client.closed)
        assert app.client.session.buffered == 0
        assert (await client.request("GET")).json()["code"] == 1


async def test_empty_messages_count_as_well(start_engine: StartEngine) -> None:
    app = await start_engine(send_buffer_limit=10_000)
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send(*[""] * 100)
        assert app.client.closed is None
        app.client.send(*[""] * 100)
        assert app.client.reason == "transport error"


async def test_websocket_client_that_does_not_read(start_engine: StartEngine) -> None:
    app = await start_engine(send_buffer_limit=3_000_000)
    async with connect_engine(app.url), connect_engine(app.url) as (other, _):
        slow = app.clients[0]

        def closed() -> bool:
            slow.send(MEGABYTE)
            return slow.closed is not None

        # The operating system takes some; then the server has to wait.
        await until(closed)
        assert "send_buffer_limit" in str(slow.closed)
        assert slow.session.buffered == 0
        await other.send("4fine")
        assert await other.receive() == "4fine"
    assert slow.reason == "transport error"


async def test_volatile_messages_are_dropped(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        session = app.client.session
        app.client.send("kept")
        session.send([OutgoingPacket.message("dropped")], volatile=True)
        assert await client.poll() == ["4kept"]


async def test_drain_ends_when_everything_was_sent(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        await app.client.session.drain()
        app.client.send("hello")
        assert await client.poll() == ["4hello"]
        await app.client.session.drain()


# -- transports --------------------------------------------------------------------------------


async def test_polling_only(start_engine: StartEngine) -> None:
    app = await start_engine(transports=["polling"])
    with pytest.raises(WebSocketRejected) as rejected:
        async with connect_engine(app.url):
            pytest.fail("was accepted")
    assert (rejected.value.status, b"Transport unknown" in rejected.value.body) == (400, True)
    async with PollingClient(app.url) as client:
        assert (await client.open())["upgrades"] == []


async def test_websocket_only(start_engine: StartEngine) -> None:
    app = await start_engine(transports=["websocket"])
    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        assert (response.status_code, response.json()["code"]) == (400, 0)
    async with connect_engine(app.url) as (ws, handshake):
        assert handshake["upgrades"] == []
        await ws.send("4hello")
        assert await ws.receive() == "4hello"
