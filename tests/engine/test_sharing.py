"""What requests have in common is held once, and says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.http.interning import (
    MAX_COMMON_HEADERS,
    MAX_COMMON_SIZE,
    ScopeInterner,
)


def same(text: bytes) -> bytes:
    """Another object of the same value."""
    return bytes(bytearray(text))


def browser_scope(key: bytes) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": same(b"/socket.io/").decode(),
        "client": ("10.0.0.1", 80),
        "query_string": same(b"EIO=4&transport=websocket"),
        "headers": [(same(b"origin"), same(b"https://app.example")), (same(b"x-key"), key)],
        "state": {},
    }


def test_equal_parts_are_held_once() -> None:
    common = ScopeInterner()
    first, second = browser_scope(b"first"), browser_scope(b"second")
    parsed = EngineRequest(second).connection.headers
    common.share(first)
    common.share(second)
    assert second == browser_scope(b"second")
    for part in ("asgi", "path", "query_string"):
        assert second[part] is first[part]
    assert second["headers"][0] is first["headers"][0]
    assert second["headers"][1][0] is first["headers"][1][0]
    assert parsed.raw[0] is first["headers"][0]  # also for who asked before
    assert second["state"] is not first["state"]  # applications write into it


headers = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.binary(max_size=1)))
scopes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["http", "websocket"]),
        "query_string": st.sampled_from([b"EIO=4", b"EIO=4&t=1"]),
        "headers": headers | headers.map(tuple),
    },
    optional={
        "path": st.sampled_from(["/", "/a"]),
        "server": st.sampled_from([None, ("a", 1), ("a", None)]),
        "extensions": st.sampled_from([{}, {"tls": {}}]),
        "subprotocols": st.sampled_from([[], ["a"]]),
    },
)


@given(st.lists(scopes, max_size=5))
def test_sharing_changes_nothing(scopes: list[dict[str, Any]]) -> None:
    common = ScopeInterner()
    for scope in scopes:
        before = {**scope, "headers": list(scope["headers"])}
        common.share(scope)
        assert scope == before


def request(**parts: Any) -> dict[str, Any]:
    return {"type": "websocket", "query_string": b"", "headers": [], **parts}


def test_clients_cannot_fill_the_memory_with_names() -> None:
    common = ScopeInterner()
    for number in range(5 * MAX_COMMON_HEADERS):
        common.share(request(headers=[(b"x-%d" % number, b"1")]))
        assert len(common._headers) <= MAX_COMMON_HEADERS


@pytest.mark.parametrize(
    "make",
    [
        lambda text: request(headers=[(b"x", text)]),
        lambda text: request(headers=[(text, b"1")]),
        lambda text: request(query_string=text),
        lambda text: request(path=text.decode()),
        lambda text: request(raw_path=text),
        lambda text: request(subprotocols=[text.decode()]),
    ],
    ids=["value", "name", "query", "path", "raw path", "subprotocols"],
)
def test_nothing_large_is_kept_when_its_session_has_ended(
    make: Callable[[bytes], dict[str, Any]],
) -> None:
    common = ScopeInterner()
    text = b"x" * (MAX_COMMON_SIZE + 1)
    for scope in (make(b"short"), make(text), make(b"short")):
        before = {**scope, "headers": list(scope["headers"])}
        common.share(scope)
        assert scope == before
    kept = f"{common._headers} {common._common} {common._query_string!r}"
    assert "short" in kept
    assert text.decode() not in kept
