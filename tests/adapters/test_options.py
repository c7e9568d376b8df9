"""The options that all adapters for a cluster have in common."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.background import background

from .conftest import StartServers
from .loopback import Bus
from .support import ManualClock, make_target, quiet


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"local_recovery": "yes"}, TypeError, "local_recovery must be True or False, not 'yes'"),
        ({"send_credentials": 1}, TypeError, "send_credentials must be True or False, not 1"),
        ({"heartbeat_interval": 0}, ValueError, "heartbeat_interval must be a positive number"),
        ({"heartbeat_timeout": "5"}, TypeError, "heartbeat_timeout must be a positive number"),
        ({"request_timeout": 5000}, ValueError, "request_timeout"),
        ({"heartbeat_interval": 10.0}, ValueError, r"\(10 s\) must be longer than .* \(10 s\)"),
        ({"heartbeats": 1.0}, TypeError, "heartbeats"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Bus().adapter(**options)


async def test_heartbeats_of_another_interval(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus, heartbeat_interval=0.5, heartbeat_timeout=2)
    sent = len(bus.log)
    for _ in range(4):
        clock.advance(0.5)
        await quiet(bus)
    assert len(bus.log) - sent == 8
    bus.muted.add(one.id)
    for _ in range(5):
        clock.advance(0.5)
        await quiet(bus)
    assert one.core.members.ids == frozenset()
    assert two.core.members.ids == {one.id}


async def test_another_time_for_answers(start_servers: StartServers, clock: ManualClock) -> None:

    bus = Bus()
    one, two = await start_servers(bus, request_timeout=0.5)
    bus.muted.add(two.id)
    async with background(one.adapter.fetch_sockets, make_target()) as fetched:
        await quiet(bus)
        clock.advance(0.5)
        assert (await fetched.wait()).silent_servers == 1
