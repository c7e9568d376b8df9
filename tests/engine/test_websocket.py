"""The WebSocket transport: https://socket.io/docs/v4/engine-io-protocol/#websocket"""

from __future__ import annotations

import pytest

from tests.support.clients import PollingClient, connect_engine, connect_raw
from tests.support.waiting import until

from .support import StartEngine, assert_nothing_is_read_meanwhile

pytestmark = pytest.mark.runtime


async def test_echo(start_engine: StartEngine) -> None:
    app = await start_engine()
    messages: list[str | bytes] = [
        "4hello",
        b"\x01\x02\x03\x04",
        "4",
        b"",
        "4äöü€😀\x00\x1e",
        "4last",
    ]
    async with connect_engine(app.url) as (ws, _):
        for message in messages:
            await ws.send(message)
        assert [await ws.receive() for _ in messages] == messages
    assert app.client.messages == ["hello", b"\x01\x02\x03\x04", "", b"", "äöü€😀\x00\x1e", "last"]


async def test_base64_of_a_client_that_forces_it(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.send("bAQIDBA==")
        assert await ws.receive() == b"\x01\x02\x03\x04"


async def test_fragmented_message(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.send_fragments("4he", "", "llo")
        assert await ws.receive() == "4hello"


async def test_message_of_exactly_the_limit(start_engine: StartEngine) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with connect_engine(app.url) as (ws, _):
        for message in ("4" + "x" * 99, b"x" * 100, "4" + "€" * 33):
            await ws.send(message)
            assert await ws.receive() == message


@pytest.mark.parametrize("message", ["4" + "x" * 100, b"x" * 101, "4" + "€" * 34])
async def test_too_big_a_message(start_engine: StartEngine, message: str | bytes) -> None:
    app = await start_engine(max_http_buffer_size=100)
    async with connect_engine(app.url) as (ws, _):
        await ws.send(message)
        closed = await ws.receive_close()
        assert (closed.code, closed.reason) == (1009, "")
    await until(lambda: app.client.closed)
    assert app.client.reason == "transport error"
    assert app.client.messages == []


@pytest.mark.parametrize("message", ["abc", "", "9", "bA", "b!", "٤x"])
async def test_invalid_packet(start_engine: StartEngine, message: str) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.send(message)
        await ws.receive_close()
        assert app.client.reason == "parse error"


async def test_packets_that_do_not_matter_are_ignored(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        for packet in ("0", "3", "5", "6", "3probe", "4after"):
            await ws.send(packet)
        assert await ws.receive() == "4after"


async def test_client_sends_a_close_packet(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.send("1")
        assert (await ws.receive_close()).code == 1000
        assert app.client.reason == "transport close"


@pytest.mark.parametrize("code", [1000, 1001, 1012, 4000])
async def test_client_closes(start_engine: StartEngine, code: int) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.close(code, "bye")
        await until(lambda: app.client.closed)
        # Not every ASGI server passes the code on.
        assert app.client.closed in [
            ("transport close", f"WebSocket closed with code {number}") for number in (code, 1006)
        ]
    assert app.engine.clients_count == 0
    # Above all, a client that says "service restart" restarts nothing.
    async with connect_engine(app.url) as (ws, _):
        await ws.send("4hello")
        assert await ws.receive() == "4hello"


async def test_client_vanishes(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        await ws.abort()
        await until(lambda: app.client.closed)
    assert app.client.reason == "transport close"
    app.client.send("to nobody")
    assert app.client.session.buffered == 0


async def test_server_closes_after_what_waits(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, _):
        app.client.send("first", b"second")
        app.client.session.close()
        app.client.send("never sent")
        assert [await ws.receive(), await ws.receive()] == ["4first", b"second"]
        assert (await ws.receive_close()).code == 1000
        await until(lambda: app.client.closed)
    assert app.client.reason == "forced close"


async def test_order_of_many_messages(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False)
    async with connect_engine(app.url) as (ws, _):
        for number in range(500):
            app.client.send(str(number), str(number).encode())
        for number in range(500):
            assert await ws.receive() == f"4{number}"
            assert await ws.receive() == str(number).encode()


async def test_no_message_is_read_while_reading_is_paused(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False)
    async with connect_engine(app.url) as (ws, _):
        app.client.session.pause_reading()
        for number in range(3):
            await ws.send(f"4{number}")
        await assert_nothing_is_read_meanwhile(app, ws)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("upgrade", [False, True])
async def test_garbage_behind_the_handshake(
    start_engine: StartEngine, upgrade: bool, anyio_backend: str
) -> None:
    """Frames are the ASGI server's to read: with uvicorn, because hypercorn ends as a whole."""
    app = await start_engine()
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        sid = f"&sid={client.sid}" if upgrade else ""
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        await raw.send_head("GET", f"/socket.io/?EIO=4&transport=websocket{sid}", headers)
        await raw.send(b"\xff" * 1000)  # no frame
        await raw.half_close()
        await raw.read_until_closed()
        # Nobody else notices.
        await client.post("4hello")
        assert await client.poll() == ["4hello"]
        await until(lambda: app.engine.clients_count == 1)
    assert app.clients[0].closed is None


async def test_the_heartbeat_beside_many_large_messages(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.05, ping_timeout=10, echo=False)
    async with connect_engine(app.url) as (ws, _):
        messages = [f"{number} {'x' * 65_536}" for number in range(100)]
        app.client.send(*messages)
        received: list[str] = []
        while len(received) < len(messages):
            packet = str(await ws.receive())
            if packet == "2":
                await ws.send("3")
            else:
                received.append(packet[1:])
        assert received == messages
        await ws.send("4still here")
        await until(lambda: app.client.messages == ["still here"])
    assert app.client.reason in (None, "transport close")
