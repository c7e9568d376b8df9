"""What is read from an ASGI scope."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.http.request import parse_query


def request(query: bytes = b"", **scope: Any) -> EngineRequest:
    return EngineRequest({"type": "http", "query_string": query, "headers": [], **scope})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"=1", {}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a+b=c+d%2B", {"a b": "c d+"}),
        (b"%C3%A4=%E2%82%AC", {"ä": "€"}),
        (b"a=%ff", {"a": "\ufffd"}),
        (b"a=%zz%", {"a": "%zz%"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_query(query: bytes, expected: dict[str, str]) -> None:
    assert parse_query(query) == expected


@given(st.binary(max_size=200))
def test_no_query_raises(query: bytes) -> None:
    parsed = parse_query(query)
    assert all(isinstance(value, str) for value in parsed.values())
    assert len(parsed) <= query.count(b"&") + 1


@pytest.mark.parametrize(
    ("query", "revision"),
    [
        (b"EIO=4", 4),
        (b"EIO=3", 3),
        (b"", 3),  # as the 2.x client of iOS has it
        (b"EIO=", None),
        (b"EIO=44", None),
        (b"EIO=%204", None),
        (b"EIO=-4", None),
        (b"eio=4", 3),
    ],
)
def test_revision(query: bytes, revision: int | None) -> None:
    assert request(query).revision == revision


def test_parameters() -> None:
    parsed = request(b"transport=polling&sid=abc")
    assert (parsed.transport, parsed.sid) == ("polling", "abc")
    assert (request().transport, request().sid) == ("", "")


def test_kind() -> None:
    assert request(method="POST").method == "POST"
    assert not request().is_websocket
    websocket = request(type="websocket")
    assert (websocket.method, websocket.is_websocket) == ("GET", True)


def test_headers() -> None:
    headers = [(b"x-a", b"1"), (b"x-a", b"2"), (b"x-b", b"\xe4")]
    parsed = request(headers=headers)
    assert parsed.header(b"x-a") == "1"
    assert parsed.header(b"x-b") == "ä"
    assert parsed.header(b"x-c") is None
    assert parsed.connection.headers["x-a"] == "1"


@pytest.mark.parametrize(
    ("client", "address"), [(("10.0.0.1", 80), "10.0.0.1"), (None, ""), (["::1", 1], "::1")]
)
def test_address(client: Any, address: str) -> None:
    assert request(client=client).address == address
    assert request().address == ""


@pytest.mark.parametrize(
    ("scheme", "secure"), [("http", False), ("ws", False), ("https", True), ("wss", True)]
)
def test_secure(scheme: str, secure: bool) -> None:
    assert request(scheme=scheme).secure is secure
    assert not request().secure


def test_an_address_is_fit_for_the_log() -> None:
    """A proxy may have it from the client."""
    scope = {"type": "http", "query_string": b"", "headers": [], "client": ("10.0.0.1\x9b31m", 1)}
    assert EngineRequest(scope).address == "10.0.0.1\\x9b31m"
