"""What the tests of the server API share: a server, served until the test ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from socketio_asgi import Server
from tests.support.serving import Served

from .support import Client, connect


class Connect(Protocol):
    """``client = await join("/chat", transport="polling", auth={...})``."""

    async def __call__(
        self, namespace: str = "/", *, transport: str = "websocket", auth: Any = None
    ) -> Client: ...


@pytest.fixture
def io() -> Server:
    """A server whose clients can ask for a sign that everything before it has come."""
    server = Server()

    @server.on("sync")
    async def sync(_socket: Any) -> None: ...

    return server


@pytest.fixture(params=["websocket", "polling"])
def transport(request: pytest.FixtureRequest) -> str:
    """Both transports in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def url(io: Server, serving: Callable[..., Awaitable[Served]]) -> str:
    """Where ``io`` is served."""
    return (await serving(io)).url


@pytest.fixture
async def join(url: str) -> Any:
    """Connect clients that stay until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(namespace: str = "/", **settings: Any) -> Client:
            transport = settings.pop("transport", "websocket")
            return await stack.enter_async_context(connect(url, transport, namespace, **settings))

        yield start
