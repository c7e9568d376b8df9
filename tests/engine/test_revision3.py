"""Engine.IO 3, for Socket.IO 2.x clients: https://github.com/socketio/engine.io-protocol/tree/v3"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from tests.support.clients import PollingClient, connect_engine, connect_websocket
from tests.support.waiting import until

from .support import EngineApp, StartEngine


@asynccontextmanager
async def opened(
    app: EngineApp, *, eio: str | None = "3", **query: str
) -> AsyncIterator[PollingClient]:
    """A session on polling."""
    async with PollingClient(app.url, eio=eio, query=query) as client:
        response = await client.request("GET")
        assert response.status_code == 200
        client.sid = app.client.session.id
        yield client


async def echo(client: PollingClient, body: str | bytes) -> httpx.Response:
    """Send a payload, and return the next poll's response."""
    kind = "application/octet-stream" if isinstance(body, bytes) else "text/plain;charset=UTF-8"
    response = await client.request("POST", content=body, headers={"Content-Type": kind})
    assert (response.status_code, response.text) == (200, "ok")
    return await client.request("GET")


async def test_off_by_default(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url, eio="3") as client:
        response = await client.request("GET")
        assert (response.status_code, response.json()["code"]) == (400, 5)


async def test_clients_that_name_no_revision(start_engine: StartEngine) -> None:
    """The official client for iOS, before its version 16, by every way in."""
    app = await start_engine(allow_eio3=True)
    async with opened(app, eio=None, b64="1") as client:
        assert app.client.session.protocol == 3
        assert (await echo(client, "6:4hello10:b4AQIDBA==")).text == "6:4hello10:b4AQIDBA=="
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send("4hello")
            assert await ws.receive() == "4hello"
    async with connect_engine(app.url, eio=None) as (ws, _):
        await ws.send(b"\x04\x01")
        assert await ws.receive() == b"\x04\x01"


async def test_handshake_by_polling(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True, initial_packet="hi")
    async with PollingClient(app.url, eio="3") as client:
        text = (await client.request("GET")).text
        client.sid = app.client.session.id
        assert (await client.request("GET")).text == "3:4hi"
    length, _, handshake = text.partition(":")
    assert len(handshake) == int(length)  # nothing follows: some clients read no further
    assert handshake[0] == "0"
    assert json.loads(handshake[1:]) == {
        "sid": app.client.session.id,
        "upgrades": ["websocket"],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 1_000_000,
    }
    assert app.client.session.protocol == 3


async def test_handshake_by_websocket(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with connect_engine(app.url, eio="3") as (_, handshake):
        assert handshake["sid"] == app.client.session.id
        assert handshake["upgrades"] == []


async def test_revision_4_works_beside_it(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("4hello", b"\x01")
        assert await client.poll() == ["4hello", b"\x01"]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ("6:4hello", ["hello"]),
        ("1:4", [""]),
        ("6:4test16:4test26:4test3", ["test1", "test2", "test3"]),
        # Lengths count UTF-16 units, as JavaScript does.
        ("2:4ä2:4€", ["ä", "€"]),
        ("3:4😀4:4x😀", ["😀", "x😀"]),
        ("11:412:4nested2:4x", ["12:4nested", "x"]),
    ],
)
async def test_text_payloads(start_engine: StartEngine, body: str, messages: list[str]) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app) as client:
        response = await echo(client, body)
        assert response.text == body
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert app.client.messages == messages


async def test_base64(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app, b64="1") as client:
        body = "6:4hello10:b4AQIDBA==2:b4"
        response = await echo(client, body)
        assert response.text == body
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
    assert app.client.messages == ["hello", b"\x01\x02\x03\x04", b""]


BINARY = b"\x00\x06\xff4hello" + b"\x01\x05\xff\x04\x01\x02\x03\x04"


async def test_binary_payloads(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app) as client:
        for body in ("6:4hello10:b4AQIDBA==", BINARY):
            response = await echo(client, body)
            assert response.content == BINARY
            assert response.headers["content-type"] == "application/octet-stream"
    assert app.client.messages == ["hello", b"\x01\x02\x03\x04"] * 2


async def test_binary_payloads_are_compressed(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app) as client:
        app.client.send(b"x" * 2000)
        response = await client.request("GET")
        assert response.headers["content-encoding"] == "gzip"
        assert response.content == b"\x01\x02\x00\x00\x01\xff\x04" + b"x" * 2000


MALFORMED = [
    "",
    "abc",
    "4hello",
    "7:4hello",
    "x:4a",
    "-1:4",
    "٣:4ab",
    "2:9x",
    "0:",
    "99999999999:4",
    "3:4😀3:4x😀",
]


async def test_malformed_text(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    for body in MALFORMED:
        async with opened(app) as client:
            response = await client.request("POST", content=body)
            assert (response.status_code, response.json()["code"]) == (400, 3), body
            assert app.client.reason == "parse error"
            assert (await client.request("GET")).json()["code"] == 1


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff4", b"\x02\x01\xff4", b"\x00\x09\xff4", b"\x01\x01"]
)
async def test_malformed_binary(start_engine: StartEngine, body: bytes) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app) as client:
        headers = {"Content-Type": "application/octet-stream"}
        assert (await client.request("POST", content=body, headers=headers)).status_code == 400
        assert app.client.reason == "parse error"


async def test_websocket(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with connect_engine(app.url, eio="3") as (ws, _):
        for message in ("4hello", b"\x04\x01\x02", "4"):
            await ws.send(message)
            assert await ws.receive() == message
        await ws.send("b4AQI=")
        assert await ws.receive() == b"\x04\x01\x02"
    assert app.client.messages == ["hello", b"\x01\x02", "", b"\x01\x02"]


@pytest.mark.parametrize("message", ["abc", "", b"", b"\x01x", "b1AQI="])
async def test_malformed_websocket_message(start_engine: StartEngine, message: str | bytes) -> None:
    app = await start_engine(allow_eio3=True)
    async with connect_engine(app.url, eio="3") as (ws, _):
        await ws.send(message)
        await ws.receive_close()
        assert app.client.reason == "parse error"


async def test_close(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    answers: list[str] = []
    async with opened(app) as client, anyio.create_task_group() as tasks:

        async def poll() -> None:
            answers.append((await client.request("GET")).text)

        tasks.start_soon(poll)
        await until(lambda: app.client.session.transport.writable)
        assert (await client.request("POST", content="1:1")).text == "ok"
        await until(lambda: answers)
        assert answers == ["1:6"]
        assert (await client.request("GET")).status_code == 400


async def test_upgrade(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with opened(app) as client, connect_websocket(client.websocket_url()) as ws:
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        assert (await client.request("GET")).text == "1:6"
        app.client.send(b"\x01", "waits")
        await ws.send("5")
        assert [await ws.receive(), await ws.receive()] == [b"\x04\x01", "4waits"]
        assert (await client.request("GET")).status_code == 400


async def test_max_payload(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True, max_http_buffer_size=100)
    async with opened(app, b64="1") as client:
        app.client.send(b"x" * 40, "y" * 40, "z" * 40)
        bodies = [(await client.request("GET")).content for _ in range(3)]
        assert all(len(body) <= 100 for body in bodies)
        response = await client.request("POST", content="200:4" + "x" * 199)
        assert response.status_code == 413
