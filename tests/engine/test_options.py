"""Options are checked once, when they are made."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from socketio_asgi.engine import Cors, EngineOptions


def test_defaults_are_the_official_ones() -> None:
    options = EngineOptions()
    assert (options.ping_interval, options.ping_timeout) == (25, 20)
    assert options.upgrade_timeout == 10
    assert options.max_http_buffer_size == 1_000_000
    assert tuple(options.transports) == ("polling", "websocket")
    assert options.allow_upgrades
    assert not options.allow_eio3
    assert options.compression_threshold == 1024
    assert options.cookie is None
    assert options.origin_policy == Cors()


@pytest.mark.parametrize("value", [0, -1, -0.5, math.nan, True, False])
@pytest.mark.parametrize(
    "name",
    [
        "ping_interval",
        "ping_timeout",
        "upgrade_timeout",
        "max_http_buffer_size",
        "send_buffer_limit",
    ],
)
def test_numbers_have_to_be_positive(name: str, value: float) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"{name} must be a positive number of (seconds|bytes)"):
        EngineOptions(**values)


@pytest.mark.parametrize(
    "transports", [[], (), ["carrier pigeon"], ["polling", "webtransport"], "polling"]
)
def test_transports(transports: Any) -> None:
    with pytest.raises(ValueError, match="transports must be"):
        EngineOptions(transports=transports)


def test_unknown_options() -> None:
    options: dict[str, Any] = {"ping_intervall": 1}
    with pytest.raises(TypeError, match="ping_intervall"):
        EngineOptions(**options)


def test_options_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EngineOptions().ping_interval = 1  # type: ignore[misc]
