"""Fixtures of the tests of adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from socketio_asgi.adapters.cluster.heartbeats import GATHER_SECONDS
from tests.support.waiting import until

from .loopback import WIRES, Bus
from .support import FakeServer, ManualClock, open_runtime, quiet

settings.register_profile(
    "socketio_asgi", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("socketio_asgi")

StartServers = Callable[..., Awaitable[list[FakeServer]]]


@pytest.fixture
async def clock(anyio_backend: Any) -> AsyncIterator[ManualClock]:
    """The present event loop, with a clock that the test moves."""
    async with open_runtime() as runtime:
        yield ManualClock(runtime)


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> str:
    """The name of each form of messages in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def start_servers(clock: ManualClock) -> AsyncIterator[StartServers]:
    """Start servers that know each other: ``await start_servers(bus, 3)``."""
    started: list[FakeServer] = []

    async def start(bus: Bus, number: int = 2, *names: str, **options: Any) -> list[FakeServer]:
        servers = [FakeServer(bus, clock, *names, **options) for _ in range(number)]
        started.extend(servers)
        for server in servers:
            await server.start()
        await acquaint(bus, clock, started)
        return servers

    yield start
    for server in started:
        await server.life.close()


async def acquaint(bus: Bus, clock: ManualClock, servers: list[FakeServer]) -> None:
    """Wait until all know all."""
    await quiet(bus)
    clock.advance(GATHER_SECONDS)
    if bus.traits.heartbeats:
        others = len(servers) - 1
        await until(lambda: all(len(server.core.members.ids) == others for server in servers))
    await quiet(bus)
