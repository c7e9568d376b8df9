"""Servers with an admin UI, and pages of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from socketio_asgi import Server
from tests.support.peer import Peer, open_peer
from tests.support.serving import Served

from .support import Page

Connect = Callable[..., Awaitable[Peer]]
OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def connect(serving: Callable[..., Awaitable[Served]]) -> AsyncIterator[Connect]:
    """Open sessions to servers, which are served when they are seen for the first time."""
    served: dict[int, Served] = {}
    async with AsyncExitStack() as stack:

        async def start(io: Server, transport: str = "websocket", **options: Any) -> Peer:
            if id(io) not in served:
                served[id(io)] = await serving(io)
            return await stack.enter_async_context(
                open_peer(served[id(io)].url, transport, **options)
            )

        yield start


@pytest.fixture
def open_page(connect: Connect) -> OpenPage:
    """Open a page: ``await open_page(io, auth)``."""

    async def start(io: Server, auth: Any = None, namespace: str = "/admin") -> Page:
        peer = await connect(io, namespace=namespace)
        await peer.join(auth=auth)
        return Page(peer)

    return start
