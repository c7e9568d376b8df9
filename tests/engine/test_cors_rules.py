"""Rules of :class:`Cors` that need no server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from socketio_asgi.engine import Cors, EngineOptions, EngineRequest
from socketio_asgi.engine.http.cors import is_same_origin


def request(host: str | None = "example.com", **headers: str) -> EngineRequest:
    pairs = [(b"host", host.encode())] if host is not None else []
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return EngineRequest({"type": "http", "query_string": b"", "headers": pairs})


def test_a_function_may_not_be_asynchronous() -> None:
    async def allow(origin: str) -> bool:
        return False

    function: Any = allow
    # Its result, a coroutine, would be true for every origin.
    with pytest.raises(ValueError, match="plain"):
        Cors(origins=function)
    with pytest.raises(ValueError, match="plain"):
        EngineOptions(cors=function)


def test_sequences_of_every_kind() -> None:
    for origins in (["http://a.test"], ("http://a.test",), [re.compile("http://a.*")]):
        cors = Cors(origins=origins)
        assert cors.allows(request(), "http://a.test")
        assert not cors.allows(request(), "http://b.test")


def test_short_form_becomes_a_policy() -> None:
    policy = EngineOptions(cors="http://a.test").origin_policy
    assert policy == Cors(origins="http://a.test")
    given = Cors(origins="*", credentials=True)
    assert EngineOptions(cors=given).origin_policy is given


def test_no_host_is_no_origin() -> None:
    assert not is_same_origin(request(host=None), "http://example.com")
    assert not is_same_origin(request(host=""), "http://")


def test_headers_off() -> None:
    cors = Cors(origins="*", headers=False)
    assert cors.response_headers(request(), "http://a.test") == []
    assert not cors.answers_preflight()


def test_own_origin_gets_no_permission_it_does_not_need() -> None:
    cors = Cors(origins="http://a.test")
    assert cors.response_headers(request(), "http://example.com") == [(b"vary", b"Origin")]
    assert cors.response_headers(request(), None) == []


def test_preflight_repeats_what_was_asked_for() -> None:
    asked = request(access_control_request_headers="x-a, x-b")
    headers = dict(Cors(origins="*").preflight_headers(asked, "http://a.test"))
    assert headers[b"access-control-allow-headers"] == b"x-a, x-b"
    headers = dict(Cors(origins="*").preflight_headers(request(), "http://a.test"))
    assert b"access-control-allow-headers" not in headers
