"""Options are checked once, when they are made."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from socketio_asgi.engine import Cookie, Cors, EngineOptions


def test_defaults_are_the_official_ones() -> None:
    options = EngineOptions()
    assert (options.ping_interval, options.ping_timeout) == (25, 20)
    assert options.upgrade_timeout == 10
    assert options.http_request_body_timeout == 30
    assert options.max_http_buffer_size == 1_000_000
    assert tuple(options.transports) == ("polling", "websocket")
    assert options.allow_upgrades
    assert not options.allow_eio3
    assert options.compression_threshold == 1024
    assert options.cookie is None
    assert options.origin_policy == Cors()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0, ValueError),
        (-1, ValueError),
        (-0.5, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (True, TypeError),
        (False, TypeError),
        ("25", TypeError),
        (None, TypeError),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "ping_interval",
        "ping_timeout",
        "upgrade_timeout",
        "http_request_body_timeout",
        "max_http_buffer_size",
        "send_buffer_limit",
    ],
)
def test_numbers_have_to_be_positive(name: str, value: Any, problem: type[Exception]) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(problem, match=rf"^{name} .*(seconds|bytes)"):
        EngineOptions(**values)


@pytest.mark.parametrize(
    "name", ["ping_interval", "ping_timeout", "upgrade_timeout", "http_request_body_timeout"]
)
def test_milliseconds(name: str) -> None:
    values: dict[str, Any] = {name: 25_000}
    with pytest.raises(ValueError, match=rf"25000 milliseconds are {name}=25$"):
        EngineOptions(**values)
    values[name] = 3600
    assert getattr(EngineOptions(**values), name) == 3600


def test_sizes_are_whole_numbers() -> None:
    assert EngineOptions(max_http_buffer_size=1e6).max_http_buffer_size == 1_000_000  # type: ignore[arg-type]
    assert isinstance(EngineOptions(max_clients=1e3).max_clients, int)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole number of bytes"):
        EngineOptions(max_http_buffer_size=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transports", "problem"),
    [
        ([], ValueError),
        ((), ValueError),
        (["carrier pigeon"], ValueError),
        (["polling", "webtransport"], ValueError),
        ([["polling"]], ValueError),
        ("polling", TypeError),
        ({"polling": True}, TypeError),
        (None, TypeError),
    ],
)
def test_transports(transports: Any, problem: type[Exception]) -> None:
    with pytest.raises(problem, match="transports must be"):
        EngineOptions(transports=transports)


def test_a_list_may_change_afterwards() -> None:
    transports: Any = ["polling"]
    options = EngineOptions(transports=transports)
    transports.append("websocket")
    assert tuple(options.transports) == ("polling",)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": 5}, TypeError),
        ({"name": ""}, ValueError),
        ({"name": "two words"}, ValueError),
        ({"name": "path"}, ValueError),
        ({"path": None}, TypeError),
        ({"path": "/; Secure"}, ValueError),
        ({"path": "/\r\nX-Other: 1"}, ValueError),
        ({"domain": 5}, TypeError),
        ({"domain": "a.test\n"}, ValueError),
        ({"http_only": "no"}, TypeError),
        ({"secure": 1}, TypeError),
        ({"same_site": "Strikt"}, ValueError),
        ({"same_site": True}, ValueError),
        ({"max_age": 1.5}, ValueError),
        ({"max_age": "60"}, TypeError),
        ({"max_age": True}, TypeError),
    ],
)
def test_cookies(values: dict[str, Any], problem: type[Exception]) -> None:
    (name,) = values
    with pytest.raises(problem, match=f"^cookie {name}"):
        Cookie(**values)


def test_unknown_options() -> None:
    options: dict[str, Any] = {"ping_intervall": 1}
    with pytest.raises(TypeError, match="ping_intervall"):
        EngineOptions(**options)


def test_options_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EngineOptions().ping_interval = 1  # type: ignore[misc]
