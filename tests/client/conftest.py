"""A server of ours, and clients of ours, over real sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socketio_asgi import Server
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


@pytest.fixture
def io() -> Server:
    return Server(ping_interval=1, ping_timeout=1)


@pytest.fixture
async def url(io: Server, serving: Serving) -> str:
    """The address of the server, once it is served."""
    return (await serving(io)).url


@pytest.fixture(params=["polling", "websocket", "upgrade"])
def transports(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of a client for one way of connecting."""
    names = ["polling", "websocket"] if request.param == "upgrade" else [request.param]
    return {"transports": names}
