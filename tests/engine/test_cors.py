"""Which pages may connect, as a client sees it: https://socket.io/docs/v4/handling-cors/"""

from __future__ import annotations

import logging
import re
from typing import Any

import httpx
import pytest
from starlette.middleware.cors import CORSMiddleware

from socketio_asgi.engine import Cors
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_raw,
    connect_websocket,
)

from .support import EngineApp, StartEngine

PAGE = "https://example.com"
TARGET = "/socket.io/?EIO=4&transport=polling"


async def get(app: EngineApp, origin: str | None, **headers: str) -> httpx.Response:
    async with PollingClient(app.url) as client:
        if origin is not None:
            headers["Origin"] = origin
        return await client.request("GET", headers=headers)


async def preflight(app: EngineApp, origin: str, **headers: str) -> httpx.Response:
    async with PollingClient(app.url) as client:
        headers |= {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return await client.request("OPTIONS", headers=headers)


async def allows(app: EngineApp, origin: str) -> bool:
    """Whether a page may connect; both transports have to agree."""
    by_polling = (await get(app, origin)).status_code == 200
    try:
        async with connect_websocket(app.ws_url(), headers={"Origin": origin}) as ws:
            by_websocket = str(await ws.receive()).startswith("0")
    except WebSocketRejected as rejected:
        assert rejected.status == 403
        assert b'"code":4' in rejected.body
        by_websocket = False
    assert by_polling == by_websocket
    return by_polling


def cors_headers(response: httpx.Response) -> list[str]:
    return [name for name in response.headers if name.startswith("access-control-")]


# -- policies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cors", "allowed", "refused"),
    [
        (None, [], [PAGE, "null"]),
        ([], [], [PAGE]),
        (PAGE, [PAGE], ["http://example.com", PAGE + ":8443", PAGE + ".evil.org", "null"]),
        ([PAGE, "http://b.test"], [PAGE, "http://b.test"], ["http://a.test", ""]),
        (re.compile(r"https://\w+\.example\.com"), ["https://a.example.com"], [PAGE]),
        # The whole origin has to match.
        (re.compile(PAGE), [PAGE], [PAGE + ".evil.org", "x" + PAGE]),
        ([re.compile(r"https://a\d"), "null"], ["https://a1", "null"], ["https://b"]),
        (lambda origin: origin.endswith(".test"), ["http://a.test"], [PAGE, "null"]),
        ("*", [PAGE, "null", "garbage"], []),
        (["*"], [PAGE], []),
        (Cors(origins=PAGE, headers=False), [PAGE], ["http://a.test"]),
        (Cors(), [], [PAGE]),
    ],
)
async def test_policies(
    start_engine: StartEngine, cors: Any, allowed: list[str], refused: list[str]
) -> None:
    app = await start_engine(cors=cors)
    for origin in allowed:
        assert await allows(app, origin), origin
    for origin in refused:
        assert not await allows(app, origin), origin


async def test_refusal(start_engine: StartEngine, caplog: pytest.LogCaptureFixture) -> None:
    app = await start_engine(cors="http://other.test")
    response = await get(app, PAGE)
    assert (response.status_code, response.json()) == (
        403,
        {"code": 4, "message": "Origin not allowed"},
    )
    assert cors_headers(response) == []
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    # The line names the page, the host it wanted, and what allows it.
    for part in (repr(PAGE), app.url.removeprefix("http://"), f"Server(cors={PAGE!r})"):
        assert part in record.getMessage()


async def test_origin_is_checked_for_every_request(start_engine: StartEngine) -> None:
    app = await start_engine(cors=PAGE)
    async with PollingClient(app.url) as client:
        await client.open()
        headers = {"Origin": "http://evil.test"}
        assert (await client.request("GET", headers=headers)).status_code == 403
        post = await client.request("POST", content="4x", headers=headers)
        assert post.status_code == 403
        with pytest.raises(WebSocketRejected):
            async with connect_websocket(client.websocket_url(), headers=headers):
                pytest.fail("was accepted")
        await client.post("4mine")
        assert await client.poll() == ["4mine"]
    assert app.client.messages == ["mine"]


async def test_clients_without_origin_are_no_browsers(start_engine: StartEngine) -> None:
    app = await start_engine()
    response = await get(app, None)
    assert response.status_code == 200
    assert cors_headers(response) == []


async def test_control_characters_are_a_bad_request(start_engine: StartEngine) -> None:
    app = await start_engine(cors="*")
    async with connect_raw(app.url) as raw:
        await raw.send_request("GET", TARGET, headers={"Origin": "http://a\tb"})
        response = await raw.read_response()
    assert response.status == 400


async def test_failing_function_lets_nobody_in(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def raising(origin: str) -> bool:
        raise LookupError("from the policy")

    app = await start_engine(cors=raising)
    assert not await allows(app, PAGE)
    assert "from the policy" in caplog.text
    assert (await get(app, None)).status_code == 200


# -- the own origin ----------------------------------------------------------------------------


ORIGINS = [
    ("example.com", "http://example.com", True),
    ("example.com", "http://EXAMPLE.com", True),
    ("Example.com:80", "http://example.com", True),
    ("example.com", "http://example.com:80", True),
    # Behind a proxy that ends TLS, the scheme differs.
    ("example.com", "https://example.com", True),
    ("example.com:443", "https://example.com", True),
    ("example.com:8443", "https://example.com:8443", True),
    ("example.com", "https://example.com:8443", False),
    ("example.com:8000", "http://example.com:9000", False),
    ("example.com:8000", "http://example.com", False),
    ("example.com", "http://www.example.com", False),
    ("example.com", "http://example.com.evil.test", False),
    ("example.com", "http://example.com@evil.test", False),
    ("example.com", "http://evil.test/example.com", False),
    ("127.0.0.1:3000", "http://localhost:3000", False),
    ("[::1]:3000", "http://[::1]:3000", True),
    ("[::1]", "http://[::1]", True),
    ("[::1]", "http://[::1]:80", True),
    ("[::1]:3000", "http://[::1]", False),
    ("[::1]", "http://[::2]", False),
    ("example.com", "null", False),
    ("example.com", "example.com", False),
    ("example.com", "://", False),
    ("null", "null", False),
]


async def test_same_origin(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with connect_raw(app.url) as raw:
        for host, origin, same in ORIGINS:
            head = f"GET {TARGET} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\r\n"
            await raw.send(head.encode())
            response = await raw.read_response()
            assert response.status == (200 if same else 403), (host, origin)
            # The own page needs no permission to read.
            assert response.header("access-control-allow-origin") is None


async def test_forwarded_headers_are_not_believed(start_engine: StartEngine) -> None:
    app = await start_engine()
    response = await get(
        app, PAGE, **{"X-Forwarded-Host": "example.com", "Forwarded": "host=example.com"}
    )
    assert response.status_code == 403


# -- headers -----------------------------------------------------------------------------------


async def test_headers_for_a_listed_origin(start_engine: StartEngine) -> None:
    app = await start_engine(cors=[PAGE])
    headers = (await get(app, PAGE)).headers
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


async def test_headers_for_everybody(start_engine: StartEngine) -> None:
    app = await start_engine(cors="*")
    headers = (await get(app, PAGE)).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "vary" not in headers


async def test_headers_with_credentials(start_engine: StartEngine) -> None:
    app = await start_engine(cors=Cors(origins="*", credentials=True, exposed_headers=["X-A"]))
    headers = (await get(app, PAGE)).headers
    # Browsers refuse "*" together with credentials.
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-expose-headers"] == "X-A"
    assert headers["vary"] == "Origin"


async def test_refusals_may_be_read_by_permitted_pages(start_engine: StartEngine) -> None:
    app = await start_engine(cors=PAGE)
    async with PollingClient(app.url) as client:
        client.sid = "unknown"
        response = await client.request("GET", headers={"Origin": PAGE})
    assert response.status_code == 400
    assert response.headers["access-control-allow-origin"] == PAGE


async def test_preflight(start_engine: StartEngine) -> None:
    app = await start_engine(cors=PAGE)
    response = await preflight(app, PAGE, **{"Access-Control-Request-Headers": "x-token"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert response.headers["access-control-allow-headers"] == "x-token"
    assert "access-control-max-age" not in response.headers
    refused = await preflight(app, "http://evil.test")
    assert "access-control-allow-origin" not in refused.headers
    assert app.clients == []


async def test_preflight_with_all_details(start_engine: StartEngine) -> None:
    app = await start_engine(
        cors=Cors(
            origins=PAGE,
            methods=["GET"],
            allowed_headers=["X-A", "X-B"],
            credentials=True,
            max_age=600,
        )
    )
    headers = (await preflight(app, PAGE)).headers
    assert headers["access-control-allow-methods"] == "GET"
    assert headers["access-control-allow-headers"] == "X-A, X-B"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-max-age"] == "600"


async def test_no_preflight_without_a_policy(start_engine: StartEngine) -> None:
    app = await start_engine()
    response = await preflight(app, PAGE)
    assert response.status_code in (400, 403)
    assert cors_headers(response) == []


# -- together with Starlette's middleware ------------------------------------------------------


def with_middleware(app: Any) -> CORSMiddleware:
    return CORSMiddleware(app, allow_origins=[PAGE], allow_methods=["*"], allow_credentials=True)


async def test_no_header_twice_behind_a_middleware(start_engine: StartEngine) -> None:
    app = await start_engine(wrap=with_middleware, cors=Cors(origins=PAGE, headers=False))
    response = await get(app, PAGE)
    assert response.status_code == 200
    names = [name for name, _ in response.headers.multi_items()]
    assert names.count("access-control-allow-origin") == 1
    assert names.count("access-control-allow-credentials") == 1
    assert names.count("vary") <= 1
    answer = await preflight(app, PAGE)
    assert answer.status_code == 200  # the middleware's
    assert [name for name, _ in answer.headers.multi_items()].count(
        "access-control-allow-origin"
    ) == 1


async def test_origin_is_checked_behind_a_middleware(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine(wrap=with_middleware)
    assert not await allows(app, PAGE)
    assert f"Server(cors={PAGE!r})" in caplog.text
