"""Clients behind networks that lose, hold back or refuse what they carry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import SocketStream

from socketio_asgi import Server, Socket
from socketio_asgi.client import Client
from socketio_asgi.exceptions import ConnectError
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

SOON: dict[str, Any] = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.1}


@pytest.fixture(autouse=True)
def _echo(io: Server) -> None:
    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value


def behind(url: str) -> AbstractAsyncContextManager[FaultProxy]:
    """A network in front of the server."""
    port = urlsplit(url).port
    assert port is not None
    return fault_proxy(port)


class NoWebSockets(FaultProxy):
    """Ends the connection of a request for a WebSocket, or swallows it.

    Attributes:
        swallowing: Whether it does the latter: the server never answers.
        asked: The number of these requests.
    """

    swallowing = False
    asked = 0

    async def _copy(
        self,
        source: SocketStream,
        sink: SocketStream,
        scope: anyio.CancelScope,
        pieces: list[bytes] | None,
    ) -> None:
        if pieces is None:
            return await super()._copy(source, sink, scope, pieces)
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in source:
                if b"upgrade: websocket" not in data.lower():
                    await sink.send(data)
                    continue
                self.asked += 1
                if not self.swallowing:
                    break
        scope.cancel()


@asynccontextmanager
async def without_websockets(url: str) -> AsyncIterator[NoWebSockets]:
    """A network that lets no WebSocket through."""
    port = urlsplit(url).port
    assert port is not None
    proxy = NoWebSockets(port)
    async with anyio.create_task_group() as tasks:
        await tasks.start(proxy.serve)
        yield proxy
        tasks.cancel_scope.cancel()


def client_of(proxy: FaultProxy, **options: Any) -> Client:
    """A client behind a network."""
    return Client(f"http://{proxy.address}", **options)


def transport_of(io: Server) -> str:
    """The transport of the only client."""
    [socket] = io.of("/").sockets.values()
    return socket.conn.transport.name


async def test_the_connection_is_cut(url: str, transports: dict[str, Any]) -> None:
    async with (
        behind(url) as proxy,
        client_of(proxy, **transports, **SOON) as client,
    ):
        for number in range(3):
            assert await client.emit_with_ack("echo", number) == number
            proxy.cut()
            await until(lambda: not client.connected)
            await until(lambda: client.connected)
        assert await client.emit_with_ack("echo", "last") == "last"


async def test_nothing_comes_through(url: str, transports: dict[str, Any]) -> None:
    """The server is not heard any more, which nothing but the time tells."""
    async with (
        behind(url) as proxy,
        client_of(proxy, **transports, **SOON) as client,
    ):
        assert await client.emit_with_ack("echo", 1) == 1
        proxy.freeze()
        await until(lambda: not client.connected, timeout=20)
        proxy.thaw()
        await until(lambda: client.connected, timeout=20)
        assert await client.emit_with_ack("echo", 2) == 2


async def test_connecting_when_nothing_comes_through(url: str, transports: dict[str, Any]) -> None:
    async with behind(url) as proxy:
        proxy.freeze()
        with pytest.raises(ConnectError, match=r"0\.3 seconds"):
            async with client_of(proxy, **transports, connect_timeout=0.3):
                raise AssertionError("it has connected")


async def test_everything_takes_long(url: str, transports: dict[str, Any]) -> None:
    async with behind(url) as proxy:
        proxy.delay = 0.05
        async with client_of(proxy, **transports) as client:
            answers = [await client.emit_with_ack("echo", number) for number in range(3)]
        assert answers == [0, 1, 2]


async def test_the_server_is_away_for_a_while(url: str, transports: dict[str, Any]) -> None:
    async with (
        behind(url) as proxy,
        client_of(proxy, **transports, **SOON) as client,
    ):
        proxy.refusing = True
        proxy.cut()
        await until(lambda: not client.connected)
        answers: list[Any] = []
        async with anyio.create_task_group() as tasks:

            async def ask(number: int) -> None:
                answers.append(await client.emit_with_ack("echo", number, timeout=30))

            for number in range(3):
                tasks.start_soon(ask, number)
            before = proxy.accepted
            await until(lambda: proxy.accepted > before + 2)
            proxy.refusing = False
        assert sorted(answers) == [0, 1, 2]


@pytest.mark.parametrize("swallowing", [False, True])
async def test_no_websocket_comes_through(io: Server, url: str, swallowing: bool) -> None:
    """The client stays with long-polling."""
    async with without_websockets(url) as proxy:
        proxy.swallowing = swallowing
        async with client_of(proxy) as client:
            for number in range(3):
                assert await client.emit_with_ack("echo", number) == number
            await until(lambda: proxy.asked)
            for number in range(3):
                assert await client.emit_with_ack("echo", number) == number
            assert transport_of(io) == "polling"
            assert client.connected


async def test_only_websocket_and_none_comes_through(url: str) -> None:
    async with without_websockets(url) as proxy:
        with pytest.raises(ConnectError, match="did not answer the request for a WebSocket"):
            async with client_of(proxy, transports=["websocket"]):
                raise AssertionError("it has connected")
