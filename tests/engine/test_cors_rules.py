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
    with pytest.raises(TypeError, match="plain"):
        Cors(origins=function)
    with pytest.raises(TypeError, match="plain"):
        EngineOptions(cors=function)
    hidden: Any = lambda origin: allow(origin)  # noqa: E731, PLW0108  # as a partial may hide it
    assert not Cors(origins=hidden).allows(request(), "http://a.test")


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://example.com/", "https://example.com"),
        ("HTTPS://Example.COM", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80/", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[::1]:80", "http://[::1]"),
        ("null", "null"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_what_browsers_send(given: str, origin: str) -> None:
    for policy in (Cors(origins=given), Cors(origins=[given]), EngineOptions(cors=given)):
        cors = policy if isinstance(policy, Cors) else policy.origin_policy
        assert cors.allows(request(), origin)
        assert not cors.allows(request(), "https://other.test")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("example.com", '"https://example.com"'),
        ("localhost:3000", '"https://localhost:3000"'),
        ("", "scheme"),
        ("https://example.com/app", "ends with the host"),
        ("https://example.com?a=b", "ends with the host"),
        ("https://user@example.com", "ends with the host"),
        ("https://a.test,https://b.test", "list"),
        ("https://a.test https://b.test", "list"),
        (" https://a.test", "white space"),
        ("https://a.test\n", "white space"),
        ("https://*.example.com", "re.compile"),
        ("wss://example.com", '"https://example.com"'),
        ("ws://example.com", '"http://example.com"'),
        ("https://münchen.example", "xn--"),
        ("https://", "host"),
        ("https://example.com:port", "port"),
        ("https://::1", "host"),
    ],
)
def test_what_no_page_has_for_an_origin(given: str, hint: str) -> None:
    for origins in (given, ["*", given]):
        with pytest.raises(ValueError, match=rf"cors: .* is no origin: .*{re.escape(hint)}"):
            Cors(origins=origins)


@pytest.mark.parametrize(
    "origins", [5, True, b"*", object(), [5], [["*"]], ["*", None], re.compile(b".*"), str, Cors]
)
def test_rules_of_no_kind(origins: Any) -> None:
    with pytest.raises(TypeError, match="cors must be an origin such as"):
        Cors(origins=origins)


def test_a_function_that_is_given_something_else() -> None:
    function: Any = lambda: True  # noqa: E731
    with pytest.raises(TypeError, match="the cors function is given the origin"):
        Cors(origins=function)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"methods": "GET"}, TypeError),
        ({"methods": [5]}, TypeError),
        ({"methods": ["GET, POST"]}, ValueError),
        ({"allowed_headers": "X-Token"}, TypeError),
        ({"exposed_headers": "X-Token"}, TypeError),
        ({"exposed_headers": ["X-Token\r\nX-Other: 1"]}, ValueError),
        ({"credentials": "false"}, TypeError),
        ({"headers": 0}, TypeError),
        ({"max_age": "600"}, TypeError),
        ({"max_age": -1}, ValueError),
        ({"origin": "*"}, TypeError),
    ],
)
def test_the_other_fields(values: dict[str, Any], problem: type[Exception]) -> None:
    (name,) = values
    for make in (lambda: Cors(**values), lambda: EngineOptions(cors=values)):
        with pytest.raises(problem, match=name):
            make()


def test_a_dict_is_the_arguments() -> None:
    policy = EngineOptions(cors={"origins": "*", "credentials": True}).origin_policy
    assert policy == Cors(origins="*", credentials=True)
    with pytest.raises(TypeError, match="cors has no 'origin'; did you mean 'origins'"):
        EngineOptions(cors={"origin": "*"})


def test_sequences_of_every_kind() -> None:
    a_set: Any = {"http://a.test"}
    for origins in (["http://a.test"], ("http://a.test",), [re.compile("http://a.*")], a_set):
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
