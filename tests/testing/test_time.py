"""Heartbeats, time-outs, reconnection and faults of the network, on a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette

from socketio_asgi import AckTimeout, Server, Socket
from socketio_asgi.exceptions import ConnectError, ConnectionLost
from socketio_asgi.runtime.log_limit import stray_fault_listeners
from socketio_asgi.testing import Clock, TestServer, connect
from tests.support.backends import serves

pytestmark = pytest.mark.runtime

each_transport = pytest.mark.parametrize("transport", ["polling", "websocket"])


class Watched(Server):
    """A server that notes who comes and goes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.connections = 0
        self.reasons: list[str] = []

        @self.on("connection")
        async def connected(socket: Socket) -> None:
            self.connections += 1

        @self.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            self.reasons.append(reason)

        @self.on("silent")
        async def silent(socket: Socket, *, ack: Any) -> None:
            pass

        @self.on("broken")
        async def broken(socket: Socket) -> None:
            raise ZeroDivisionError

        @self.on("echo")
        async def echo(socket: Socket, value: Any) -> Any:
            return value


@serves  # on uvloop, too
@each_transport
async def test_heartbeats_keep_a_client_connected(transport: str) -> None:
    clock, io = Clock(), Watched()
    async with connect(io, clock=clock, transports=[transport]) as client:
        pings = 0

        @client.manager.on("ping")
        def pinged() -> None:
            nonlocal pings
            pings += 1

        await clock.advance(3600)
        assert client.connected
        assert pings == 3600 // 25
    assert io.reasons == ["client namespace disconnect"]


@each_transport
async def test_the_server_drops_a_client_that_is_silent(transport: str) -> None:
    clock, io = Clock(), Watched(ping_interval=10, ping_timeout=5)
    async with connect(io, clock=clock, transports=[transport]) as client:
        client.go_silent()
        await clock.advance(14)
        assert io.reasons == []
        await clock.advance(1)
        assert io.reasons == ["ping timeout"]
        assert await client.disconnected() == "ping timeout"


async def test_the_client_notices_a_silent_server() -> None:
    clock, io = Clock(), Watched(ping_interval=10, ping_timeout=5)
    async with connect(io, clock=clock, reconnection=True) as client:
        client.go_silent()
        await clock.advance(16)
        assert await client.disconnected() == "ping timeout"
        client.go_online()
        await clock.advance(1)
        assert client.connected
        assert await client.emit_with_ack("echo", 1) == 1
    assert io.connections == 2


async def test_an_acknowledgement_that_does_not_come() -> None:
    clock = Clock()
    async with connect(Watched(), clock=clock) as client:
        with pytest.raises(AckTimeout):
            await clock.advance_until(client.emit_with_ack("silent", timeout=600))
        assert clock.elapsed == pytest.approx(600, abs=0.01)
    async with connect(Watched(), clock=clock) as client:
        with pytest.raises(ConnectionLost):
            await clock.advance_until(_ask_and_drop(client))


async def _ask_and_drop(client: Any) -> None:
    await client.emit("echo", 1)
    client.go_silent()
    await client.emit_with_ack("echo", 2, timeout=3000)


async def test_the_server_waits_for_an_acknowledgement() -> None:
    clock, io = Clock(), Watched()
    async with connect(io, clock=clock):
        (socket,) = io.sockets.sockets.values()
        with pytest.raises(AckTimeout):
            await clock.advance_until(socket.emit_with_ack("question", timeout=30))
        assert clock.elapsed == pytest.approx(30, abs=0.01)


async def test_reconnection() -> None:
    clock, io = Clock(), Watched()
    async with connect(io, clock=clock, reconnection=True, reconnection_delay=2) as client:
        attempts: list[tuple[int, float]] = []

        @client.manager.on("reconnect_attempt")
        def attempt(number: int) -> None:
            attempts.append((number, clock.elapsed))

        client.go_offline()
        assert await client.disconnected() == "transport error"
        await clock.advance(13)
        assert attempts == [(1, 2), (2, 6), (3, 11)]  # five seconds at the most
        await client.emit("echo", "kept")
        client.go_online()
        await clock.advance(5)
        assert client.connected
        assert await client.emit_with_ack("echo", 1) == 1
    assert io.connections == 2


async def test_a_client_that_does_not_come_back() -> None:
    clock, io = Clock(), Watched()
    async with connect(
        io, clock=clock, reconnection=True, reconnection_attempts=3, reconnection_delay=1
    ) as client:
        client.go_offline()
        with pytest.raises(ConnectError, match="3 attempts"):
            await clock.advance_until(client.wait())
    async with connect(io) as client:
        client.drop_connection()
        with pytest.raises(ConnectError, match="the connection ended"):
            await client.wait()
        await client.connect()
        assert await client.emit_with_ack("echo", 1) == 1


async def test_recovery() -> None:
    clock = Clock()
    io = Watched(connection_state_recovery=True)
    async with connect(io, clock=clock, reconnection=True) as client:
        await io.emit("news", 1)
        assert await client.received("news") == 1
        before = client.id
        client.go_offline()
        await io.emit("news", 2)
        client.go_online()
        await clock.advance(2)
        assert client.recovered
        assert client.id == before
        assert await client.received("news") == 2
        client.go_offline()
        await clock.advance(121)
        client.go_online()
        await clock.advance(5)
        assert not client.recovered


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio needs the lifespan
async def test_a_server_without_a_lifespan(anyio_backend: str) -> None:
    io = Watched()
    app = Starlette()
    app.mount("/socket.io", io)
    for _ in range(2):
        clock = Clock()
        async with connect(app, clock=clock) as client:
            client.go_silent()
            await clock.advance(46)
            assert await client.disconnected() == "ping timeout"
    async with connect(app) as client:
        assert await client.emit_with_ack("echo", 1) == 1
        await client.emit("broken")
        with pytest.raises(ZeroDivisionError):
            await client.received("anything")
    assert stray_fault_listeners == []
    with pytest.raises(RuntimeError, match="does not have the clock"):
        async with connect(app, clock=Clock()):
            pass


async def test_a_server_that_was_not_made_with_the_clock() -> None:
    io = Watched()
    async with TestServer(io) as server, server.connect(), server.connect():
        with pytest.raises(RuntimeError, match="without this clock"):
            async with connect(io, clock=Clock()):
                pass


async def test_a_client_that_joins_nothing_in_time() -> None:
    clock, io = Clock(), Watched(connect_timeout=45)
    async with TestServer(io, clock=clock) as server:
        await server.network().request(
            "GET", "http://testserver/socket.io/?EIO=4&transport=polling", {}
        )
        assert io.engine.clients_count == 1
        await clock.advance(46)
        assert io.engine.clients_count == 0
