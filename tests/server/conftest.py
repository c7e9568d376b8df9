"""Servers in the test's own event loop, and raw clients on both transports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from socketio_asgi import Server
from tests.support.peer import TRANSPORTS, Peer, open_peer
from tests.support.serving import Served

from .support import Connect, add_sync

Serving = Callable[..., Awaitable[Served]]


@pytest.fixture
def io() -> Server:
    """A server that answers Peer.sync()."""
    server = Server()
    add_sync(server)
    return server


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Run the test on each transport."""
    name: str = request.param
    return name


@pytest.fixture
async def connect(serving: Serving) -> AsyncIterator[Connect]:
    """Open sessions to servers, which are served when they are seen for the first time."""
    served: dict[int, Served] = {}
    async with AsyncExitStack() as stack:

        async def start(
            io: Any,
            transport: str = "websocket",
            *,
            query: Mapping[str, str] | None = None,
            headers: Mapping[str, str] | None = None,
        ) -> Peer:
            if id(io) not in served:
                served[id(io)] = await serving(io)
            url = served[id(io)].url
            return await stack.enter_async_context(
                open_peer(url, transport, query=query, headers=headers)
            )

        yield start


Join = Callable[..., Awaitable[Peer]]


@pytest.fixture
def join(connect: Connect) -> Join:
    """Open a session and join a namespace: ``await join(io, "polling", namespace="/a")``."""

    async def start(
        io: Any,
        transport: str = "websocket",
        *,
        namespace: str = "/",
        auth: Any = None,
        **options: Any,
    ) -> Peer:
        peer = await connect(io, transport, **options)
        await peer.join(namespace, auth)
        return peer

    return start
