"""uvicorn that ends without a signal: the clients of that very server are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware

from socketio_asgi import Server, Socket
from tests.support.backends import on_asyncio
from tests.support.clients import PollingClient, connect_engine, polling
from tests.support.ports import HOST, listening_socket
from tests.support.serving import serve
from tests.support.waiting import until

pytestmark = on_asyncio


def mounted(io: Server) -> Starlette:
    """Without a lifespan that would tell of the end."""
    app = Starlette()
    app.mount("/socket.io", io)
    return app


def below_middlewares(io: Server) -> Starlette:
    async def pass_on(request: Any, call_next: Callable[[Any], Any]) -> Any:
        return await call_next(request)

    app = mounted(io)
    app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    return app


def waits(socket: Socket[Any]) -> bool:
    """Whether a poll of the client waits."""
    return socket.__socketio__.connection.session.transport.writable


async def joined(stack: AsyncExitStack, url: str) -> PollingClient:
    client = await stack.enter_async_context(PollingClient(url))
    await client.open()
    await client.post("40")
    await client.poll()
    return client


@pytest.mark.parametrize("way", [mounted, below_middlewares])
async def test_a_server_in_a_thread(way: Callable[[Server], Starlette]) -> None:
    io = Server()
    reasons: list[str] = []

    @io.on("disconnect")
    async def disconnected(socket: object, reason: str) -> None:
        reasons.append(reason)

    server = uvicorn.Server(uvicorn.Config(way(io), log_config=None))
    sock = listening_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    async with AsyncExitStack() as stack:
        await joined(stack, f"http://{HOST}:{sock.getsockname()[1]}")
        client = await joined(stack, f"http://{HOST}:{sock.getsockname()[1]}")
        async with polling(client) as answer:
            await until(lambda: any(waits(socket) for socket in io.sockets.sockets.values()))
            server.should_exit = True
            await to_thread.run_sync(thread.join, 10.0)
    assert not thread.is_alive()
    assert answer == ["1"]
    assert reasons == ["server shutting down"] * 2


async def test_the_end_of_another_server_in_the_same_loop() -> None:
    io, other = Server(), Server()
    async with AsyncExitStack() as stack, serve(mounted(io)) as served:
        client = await joined(stack, served.url)
        async with serve(mounted(other)) as ending:
            gone = await joined(stack, ending.url)
        assert other.engine.clients_count == 0
        assert gone.sid is not None
        await client.post('420["unknown"]')
        assert io.engine.clients_count == 1
        await client.post("1")


async def test_served_again_in_the_same_loop() -> None:
    io = Server()
    app = mounted(io)
    for _ in range(3):
        async with AsyncExitStack() as stack, serve(app) as served:
            await joined(stack, served.url)
        assert io.engine.clients_count == 0


async def test_a_server_with_two_addresses() -> None:
    io = Server()
    app = mounted(io)
    async with AsyncExitStack() as stack, serve(app) as second:
        async with serve(app) as first:
            await joined(stack, first.url)
            await joined(stack, second.url)
        assert io.engine.clients_count == 0  # they come back, to the one that goes on
        client = await joined(stack, second.url)
        await client.post("1")
        async with connect_engine(second.url) as (ws, _):
            await ws.close()


async def test_nothing_of_a_closed_engine_stays_with_the_server() -> None:
    io = Server()
    async with AsyncExitStack() as stack, serve(mounted(io)) as served:
        await joined(stack, served.url)
        server = io.engine.__socketio__._uvicorn_exit._server
        assert len(server.servers) == 2
        await io.close()
        assert len(server.servers) == 1
