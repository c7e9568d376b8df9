"""Networks and event loops for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import sniffio

from socketio_asgi.client.network.base import WebSocket
from socketio_asgi.client.network.options import NetworkOptions
from socketio_asgi.client.network.sockets import SocketNetwork
from socketio_asgi.runtime import Runtime, current_runtime
from socketio_asgi.runtime.trio_runtime import open_trio_runtime

from .support import Heard, MakeNetwork, OpenWebSocket


@pytest.fixture
async def runtime(anyio_backend: Any) -> AsyncIterator[Runtime]:
    """The runtime of the test's event loop."""
    if sniffio.current_async_library() == "trio":
        async with open_trio_runtime() as runtime:
            yield runtime
    else:
        yield current_runtime()


@pytest.fixture
async def make_network(anyio_backend: Any) -> AsyncIterator[MakeNetwork]:
    """Make networks that are closed after the test."""
    made: list[SocketNetwork] = []

    def make(**options: Any) -> SocketNetwork:
        network = SocketNetwork(NetworkOptions(**{"proxy": None, **options}))
        made.append(network)
        return network

    yield make
    for network in made:
        await network.close()


@pytest.fixture
async def open_websocket(
    runtime: Runtime, make_network: MakeNetwork
) -> AsyncIterator[OpenWebSocket]:
    """Open WebSockets that are aborted after the test."""
    opened: list[WebSocket] = []

    async def open_one(
        url: str,
        owner: Heard | None = None,
        *,
        network: SocketNetwork | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WebSocket:
        network = network or make_network()
        websocket = await network.open_websocket(url, headers or {}, owner or Heard(), runtime)
        opened.append(websocket)
        return websocket

    yield open_one
    for websocket in opened:
        websocket.abort()
