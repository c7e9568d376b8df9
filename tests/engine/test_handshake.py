"""The first packet: https://socket.io/docs/v4/engine-io-protocol/#handshake"""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest

from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
)

from .support import StartEngine

HANDSHAKE = {"pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000}


async def test_polling(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers
        handshake = await client.open()
    assert handshake == {"sid": client.sid, "upgrades": ["websocket"], **HANDSHAKE}
    assert app.client.session.id == client.sid
    assert app.engine.clients_count == 2


async def test_websocket(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (_, handshake):
        assert handshake == {"sid": app.client.session.id, "upgrades": [], **HANDSHAKE}
        session = app.client.session
        assert (session.protocol, session.ready_state, session.transport.name) == (
            4,
            "open",
            "websocket",
        )


async def test_sid_is_twenty_url_safe_characters_and_never_the_same(
    start_engine: StartEngine,
) -> None:
    app = await start_engine()
    sids = set()
    for _ in range(20):
        async with PollingClient(app.url) as client:
            sids.add((await client.open())["sid"])
    assert len(sids) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", sid) for sid in sids)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"ping_interval": 0.3, "ping_timeout": 0.2}, {"pingInterval": 300, "pingTimeout": 200}),
        # Clients compute with integers of milliseconds.
        (
            {"ping_interval": 12.3456, "ping_timeout": 0.4996},
            {"pingInterval": 12346, "pingTimeout": 500},
        ),
        ({"max_http_buffer_size": 100}, {"maxPayload": 100}),
        ({"allow_upgrades": False}, {"upgrades": []}),
        ({"transports": ["polling"]}, {"upgrades": []}),
    ],
)
async def test_options_show_in_the_handshake(
    start_engine: StartEngine, options: dict[str, Any], fields: dict[str, Any]
) -> None:
    app = await start_engine(**options)
    async with PollingClient(app.url) as client:
        handshake = await client.open()
    assert {name: handshake[name] for name in fields} == fields
    assert all(isinstance(handshake[name], int) for name in HANDSHAKE)


@pytest.mark.parametrize("packet", ["hello", b"\x01\x02"])
async def test_initial_packet(start_engine: StartEngine, packet: str | bytes) -> None:
    app = await start_engine(initial_packet=packet)
    async with PollingClient(app.url) as client:
        packets = await client.poll()
    assert str(packets[0]).startswith("0{")
    assert packets[1:] == ["4hello" if packet == "hello" else packet]
    async with connect_engine(app.url) as (ws, _):
        assert await ws.receive() == packets[1]


async def test_request_reaches_the_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url, query={"token": "ä b"}, headers={"X-Tag": "1"}) as client:
        await client.open()
    request = app.client.session.request
    assert request.query["token"] == "ä b"
    assert request.header(b"x-tag") == "1"
    assert request.address == "127.0.0.1"
    assert request.connection.headers["x-tag"] == "1"
    assert not request.secure


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("chat", "chat"),
        ("chat.v2, chat.v1", "chat.v2"),
        (", chat", "chat"),
    ],
)
@pytest.mark.parametrize("upgrade", [False, True])
async def test_the_first_subprotocol_is_answered(
    start_engine: StartEngine, offered: str, chosen: str, upgrade: bool
) -> None:
    app = await start_engine()
    headers = {"Sec-WebSocket-Protocol": offered}
    async with PollingClient(app.url) as client:
        await client.open()
        url = client.websocket_url() if upgrade else app.ws_url()
        async with connect_websocket(url, headers=headers) as ws:
            assert ws.headers.get("sec-websocket-protocol") == chosen


async def test_a_subprotocol_that_is_no_token_is_not_answered(start_engine: StartEngine) -> None:
    app = await start_engine()
    with contextlib.suppress(WebSocketRejected):  # as some ASGI servers do
        async with connect_websocket(
            app.ws_url(), headers={"Sec-WebSocket-Protocol": "two words"}
        ) as ws:
            assert "sec-websocket-protocol" not in ws.headers
            assert str(await ws.receive()).startswith("0{")
