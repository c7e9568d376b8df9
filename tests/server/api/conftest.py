"""What the tests of the server API share: a server, served until the test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from socketio_asgi import Server
from tests.support.peer import Peer, open_peer
from tests.support.serving import Served


class Join(Protocol):
    """``client = await join("/chat", transport="polling", auth={...})``."""

    async def __call__(
        self,
        namespace: str = "/",
        *,
        transport: str = "websocket",
        auth: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Peer: ...


@pytest.fixture
async def url(io: Server, serving: Callable[..., Awaitable[Served]]) -> str:
    """Where ``io`` is served."""
    return (await serving(io)).url


@pytest.fixture
async def join(url: str) -> AsyncIterator[Join]:
    """Connect clients to ``io`` that stay until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(
            namespace: str = "/",
            *,
            transport: str = "websocket",
            auth: Any = None,
            headers: dict[str, str] | None = None,
        ) -> Peer:
            opening = open_peer(url, transport, namespace=namespace, headers=headers)
            peer = await stack.enter_async_context(opening)
            await peer.join(auth=auth)
            return peer

        yield start
