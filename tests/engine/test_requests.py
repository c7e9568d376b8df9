"""Which requests are refused, with the official codes, messages and statuses.

Source: https://socket.io/docs/v4/server-api/#event-connection_error-1
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from socketio_asgi.runtime.log_limit import LOGGED, MAX_LOGGED_ADDRESSES, LogLimits
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_raw,
    connect_websocket,
)

from .support import EngineApp, StartEngine

UNKNOWN_TRANSPORT = (400, {"code": 0, "message": "Transport unknown"})
UNKNOWN_SID = (400, {"code": 1, "message": "Session ID unknown"})
BAD_HANDSHAKE_METHOD = (400, {"code": 2, "message": "Bad handshake method"})
BAD_REQUEST = (400, {"code": 3, "message": "Bad request"})
UNSUPPORTED_VERSION = (400, {"code": 5, "message": "Unsupported protocol version"})


async def answer(app: EngineApp, method: str = "GET", query: str = "", **options: Any) -> Any:
    """Status and JSON body of one plain HTTP request."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        response = await http.request(method, f"{app.url}/socket.io/?{query}", **options)
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json()


async def denial(app: EngineApp, query: str, headers: Mapping[str, str] | None = None) -> Any:
    """Status and JSON body of a refused WebSocket."""
    url = app.url.replace("http", "ws") + f"/socket.io/?{query}"
    with pytest.raises(WebSocketRejected) as rejected:
        async with connect_websocket(url, headers=headers):
            pytest.fail("was accepted")
    assert rejected.value.headers["content-type"] == "application/json"
    return rejected.value.status, json.loads(rejected.value.body)


HANDSHAKES = [
    ("", UNKNOWN_TRANSPORT),
    ("EIO=4", UNKNOWN_TRANSPORT),
    ("EIO=4&transport=", UNKNOWN_TRANSPORT),
    ("EIO=4&transport=abc", UNKNOWN_TRANSPORT),
    ("EIO=4&transport=constructor", UNKNOWN_TRANSPORT),
    ("EIO=4&transport=webtransport", UNKNOWN_TRANSPORT),
    ("EIO=4&transport={transport}&sid=unknown", UNKNOWN_SID),
    ("EIO=4&transport={transport}&sid=__proto__", UNKNOWN_SID),
    ("EIO=4&transport={transport}&sid=%00%ff", UNKNOWN_SID),
    ("transport={transport}", UNSUPPORTED_VERSION),
    ("EIO=abc&transport={transport}", UNSUPPORTED_VERSION),
    ("EIO=3&transport={transport}", UNSUPPORTED_VERSION),
    ("EIO=2&transport={transport}", UNSUPPORTED_VERSION),
    ("EIO=4.0&transport={transport}", UNSUPPORTED_VERSION),
    ("EIO=%D9%A4&transport={transport}", UNSUPPORTED_VERSION),  # an Arabic four
]


async def test_handshakes_over_http(start_engine: StartEngine) -> None:
    app = await start_engine()
    for query, expected in HANDSHAKES:
        assert await answer(app, query=query.format(transport="polling")) == expected, query
    assert app.engine.clients_count == 0


async def test_handshakes_over_websocket(start_engine: StartEngine) -> None:
    app = await start_engine()
    for query, expected in HANDSHAKES:
        assert await denial(app, query.format(transport="websocket")) == expected, query
    assert app.engine.clients_count == 0


@pytest.mark.parametrize("revision", ["4", "3"])
async def test_jsonp_opens_no_session(start_engine: StartEngine, revision: str) -> None:
    app = await start_engine(allow_eio3=True)
    refused = await answer(app, query=f"EIO={revision}&transport=polling&j=0")
    assert refused == (400, {"code": 3, "message": "JSONP is not supported"})
    assert app.engine.clients_count == 0
    async with connect_engine(app.url, eio=revision, query={"j": "0"}):
        pass  # on WebSocket it means nothing, as in Node.js


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_get_opens_a_session(start_engine: StartEngine, method: str) -> None:
    app = await start_engine()
    assert await answer(app, method, "EIO=4&transport=polling") == BAD_HANDSHAKE_METHOD
    # The method is checked first, as in the official server.
    assert await answer(app, method, "EIO=9&transport=polling") == BAD_HANDSHAKE_METHOD


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_sessions_take_get_and_post_only(start_engine: StartEngine, method: str) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        query = f"EIO=4&transport=polling&sid={client.sid}"
        assert await answer(app, method, query, content=b"4x") == BAD_REQUEST
        await client.post("4still here")
        assert await client.poll() == ["4still here"]


async def test_head(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        assert (await client.request("HEAD")).status_code == 400
        await client.open()
        response = await client.request("HEAD")
        assert (response.status_code, response.content) == (400, b"")
        assert app.client.closed is None


async def test_transport_has_to_fit_the_kind_of_request(start_engine: StartEngine) -> None:
    app = await start_engine()
    assert await answer(app, query="EIO=4&transport=websocket") == BAD_REQUEST
    assert await denial(app, "EIO=4&transport=polling") == BAD_REQUEST


async def test_http_request_for_a_session_on_websocket(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_engine(app.url) as (ws, handshake):
        sid = handshake["sid"]
        assert await answer(app, query=f"EIO=4&transport=polling&sid={sid}") == BAD_REQUEST
        post = await answer(app, "POST", f"EIO=4&transport=polling&sid={sid}", content=b"4x")
        assert post == BAD_REQUEST
        assert await answer(app, query=f"EIO=4&transport=websocket&sid={sid}") == BAD_REQUEST
        await ws.send("4hello")
        assert await ws.receive() == "4hello"
    assert app.client.messages == ["hello"]


async def test_revision_must_not_change_within_a_session(start_engine: StartEngine) -> None:
    app = await start_engine(allow_eio3=True)
    async with PollingClient(app.url) as client:
        await client.open()
        for eio in ("EIO=3&", "EIO=5&", ""):
            query = f"{eio}transport=polling&sid={client.sid}"
            assert await answer(app, query=query) == BAD_REQUEST
            assert await answer(app, "POST", query, content=b"4x") == BAD_REQUEST
            assert await denial(app, query.replace("polling", "websocket")) == BAD_REQUEST
        await client.post("4hello")
        assert await client.poll() == ["4hello"]


async def test_repeated_parameters_take_the_last_value(start_engine: StartEngine) -> None:
    app = await start_engine()
    query = "transport=abc&EIO=4&transport=polling&EIO=4&sid=unknown&sid="
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        response = await http.get(f"{app.url}/socket.io/?{query}")
    assert response.status_code == 200
    assert app.engine.clients_count == 1


@pytest.mark.parametrize(
    "extra",
    ["&&=&=x&a", "a=%zz&b=%", "%FF%FE=%C3%28", "q=" + "x" * 8000, "&".join("a" * 500)],
)
async def test_malformed_parameters_are_no_reason_to_refuse(
    start_engine: StartEngine, extra: str
) -> None:
    app = await start_engine()
    async with connect_raw(app.url) as raw:
        await raw.send_request("GET", f"/socket.io/?{extra}&EIO=4&transport=polling")
        response = await raw.read_response()
    assert response.status == 200
    assert response.body.startswith(b'0{"sid"')


async def test_refusals_are_logged_without_the_session_id(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "socketio_asgi.engine")
    app = await start_engine()
    secret = urlencode({"sid": "a-secret-sid", "EIO": "4", "transport": "polling"})
    await answer(app, query=secret)
    await answer(app, query="EIO=4&transport=" + "x" * 1000)
    lines = [record.getMessage() for record in caplog.records]
    assert any("Session ID unknown" in line for line in lines)
    assert not any("a-secret-sid" in line or "x" * 50 in line for line in lines)
    assert all(record.levelno < logging.WARNING for record in caplog.records)


async def test_a_flood_of_refused_requests_does_not_fill_the_log(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine(allow_request=lambda request: False)
    for _ in range(LOGGED + 5):
        assert (await answer(app, query="EIO=4&transport=polling"))[0] == 403
    lines = [record.getMessage() for record in caplog.records]
    assert sum("refused http" in line for line in lines) == LOGGED
    assert sum("causes more lines" in line for line in lines) == 1


def test_the_addresses_whose_lines_are_counted_are_bounded() -> None:
    limits = LogLimits(lambda: 0.0, logging.getLogger("socketio_asgi.engine"))
    assert [limits.may_log("first", 4) for _ in range(LOGGED + 1)] == [True] * LOGGED + [False]
    for number in range(MAX_LOGGED_ADDRESSES):
        assert limits.may_log(f"2001:db8::{number:x}", 4)
    assert limits.may_log("first", 4)  # not remembered any more
