"""A client that comes back to another server, whose broker has kept what it missed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from socketio_asgi import Server, Socket
from tests.adapters.loopback import Bus
from tests.support.serving import Served
from tests.support.waiting import until

from .support import Guest


class Cluster:
    """Two servers that share a broker, and the sockets that have connected to each."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.servers = [bus.server(connection_state_recovery=True) for _ in range(2)]
        self.seen: list[list[Socket]] = [[], []]
        self.urls: list[str] = []
        for server, seen in zip(self.servers, self.seen, strict=True):
            server.on("connection")(seen.append)

    async def arrived(self, number: int, count: int = 1) -> Socket:
        """Wait until so many sockets have connected to a server."""
        await until(lambda: len(self.seen[number]) >= count)
        return self.seen[number][count - 1]

    async def alone(self, number: int) -> Server:
        """Wait until a server has no client, and all is saved."""
        server = self.servers[number]
        await until(lambda: not server.sockets.sockets)
        await until(lambda: self.bus.archive.saved)
        return server


@pytest.fixture
async def cluster(serving: Callable[..., Awaitable[Served]]) -> Cluster:
    found = Cluster(Bus(positions=True))
    found.urls = [(await serving(server)).url for server in found.servers]
    return found


async def test_on_another_server(cluster: Cluster) -> None:
    guest = Guest(cluster.urls[0])
    async with guest.connected():
        first = await cluster.arrived(0)
        await first.join("room")
        first.data["name"] = "é"
        await first.emit("hello")
        assert await guest.event() == ["hello"]
    server = await cluster.alone(0)
    await server.emit("missed", 1)
    await cluster.servers[1].to("room").emit("missed", 2)
    await cluster.servers[1].to("elsewhere").emit("not for it")
    guest.url = cluster.urls[1]
    async with guest.connected():
        second = await cluster.arrived(1)
        assert second.recovered
        assert (second.id, second.data) == (first.id, {"name": "é"})
        assert second.rooms == {first.id, "room"}
        await server.emit("end")
        assert await guest.events() == [["missed", 1], ["missed", 2]]


async def test_a_claim_that_fails_ends_the_connection(cluster: Cluster) -> None:
    guest = Guest(cluster.urls[0])
    async with guest.connected():
        await cluster.arrived(0)
    await cluster.alone(0)
    cluster.bus.archive.forgotten = 10**6  # the messages are gone, the socket is still there
    with pytest.raises(Exception, match=r"clos|1000|1005"):
        async with guest.connected():
            raise AssertionError("it must not join")
    # As official clients do, it comes again; nothing is left of the earlier socket.
    async with guest.connected():
        socket = await cluster.arrived(0, 2)
        assert not socket.recovered
