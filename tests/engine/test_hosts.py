"""The hosts that requests may name: https://en.wikipedia.org/wiki/DNS_rebinding"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from socketio_asgi.engine import EngineOptions, EngineRequest
from socketio_asgi.engine.http.hosts import as_hosts, names_allowed_host
from tests.support.clients import WebSocketRejected, connect_websocket

from .support import StartEngine

PATTERNS = as_hosts(["Example.com", "*.Sub.example", ".both.example", "[::1]", "127.0.0.1"])


def request(*hosts: str) -> EngineRequest:
    headers = [(b"host", host.encode("latin-1")) for host in hosts]
    return EngineRequest({"type": "http", "query_string": b"", "headers": headers})


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "EXAMPLE.COM:8000", "example.com.", "example.com:", "127.0.0.1:80"),
        *("a.sub.example", "a.b.sub.example:1", "both.example", "a.both.example"),
        *("[::1]", "[::1]:8000"),
    ],
)
def test_allowed(host: str) -> None:
    assert names_allowed_host(request(host), PATTERNS)


@pytest.mark.parametrize(
    "hosts",
    [
        *([], [""], [":80"], ["evil.example"], ["notexample.com"], ["example.com.evil.example"]),
        *(["sub.example"], ["notsub.example"], ["notboth.example"], ["a.example.com"]),
        *(["evil.example#.sub.example"], ["evil.example/.sub.example"], ["evil@example.com"]),
        *(["example.com", "evil.example"], ["example.com", "example.com"], ["example.com:80:80"]),
        *(["[::1]evil"], ["::1"], ["[::2]"], ["example.com\xa0"], ["*"], ["*.sub.example"]),
    ],
)
def test_refused(hosts: list[str]) -> None:
    assert not names_allowed_host(request(*hosts), PATTERNS)


def test_all_are_allowed_by_default() -> None:
    assert names_allowed_host(request(), as_hosts(None))


def test_a_star_allows_any_host_but_none() -> None:
    assert names_allowed_host(request("any.example:1"), as_hosts(["*"]))
    assert not names_allowed_host(request(), as_hosts(["*"]))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("example.com", TypeError),
        ([b"example.com"], TypeError),
        ([], ValueError),
        ([""], ValueError),
        (["https://example.com"], ValueError),
        (["example.com:8000"], ValueError),
        (["exam*ple.com"], ValueError),
        (["*example.com"], ValueError),
        (["a.*.example"], ValueError),
    ],
)
def test_wrong_values(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="allowed_hosts"):
        EngineOptions(allowed_hosts=value)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_requests_for_another_host(start_engine: StartEngine, method: str) -> None:
    """Of a page whose own name resolves to this server."""
    app = await start_engine(allowed_hosts=["127.0.0.1"])
    page = {"host": "evil.example:8000", "origin": "http://evil.example:8000"}
    async with httpx.AsyncClient(trust_env=False) as http:
        url = app.url + "/?EIO=4&transport=polling"
        opened = await http.get(url)
        assert opened.status_code == 200
        sid = app.client.session.id
        for query in ("", f"&sid={sid}"):
            response = await http.request(method, url + query, headers=page)
            assert response.status_code == 403
            assert response.json()["message"] == "Host not allowed"


async def test_websockets_for_another_host(start_engine: StartEngine) -> None:
    app = await start_engine(allowed_hosts=["example.com"])
    with pytest.raises(WebSocketRejected) as rejected:
        async with connect_websocket(app.ws_url()):
            pass
    assert rejected.value.status == 403
    assert app.engine.clients_count == 0
