"""A dynamic namespace that goes with its last client waits for those that may come back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from socketio_asgi import ConnectionStateRecovery, Namespace, Server, Socket
from socketio_asgi.server.parent_namespace import ParentNamespace
from tests.support.residue import no_residue
from tests.support.serving import Served
from tests.support.waiting import until

from .support import Guest

NAME = "/room-1"


class Rooms(NamedTuple):
    """A server of dynamic namespaces, and a client of one of them."""

    io: Server
    parent: ParentNamespace
    guest: Guest
    seen: list[Socket]

    @property
    def child(self) -> Namespace | None:
        return self.parent.children.get(NAME)

    async def arrived(self, count: int) -> Socket:
        await until(lambda: len(self.seen) == count)
        return self.seen[-1]

    async def left(self) -> None:
        """Wait until nobody is connected."""
        await until(lambda: self.io.engine.clients_count == 0)


StartRooms = Callable[[float], Awaitable[Rooms]]


@pytest.fixture
def start(serving: Callable[..., Awaitable[Served]]) -> StartRooms:
    async def start(seconds: float) -> Rooms:
        recovery = ConnectionStateRecovery(max_disconnection_duration=seconds)
        io = Server(connection_state_recovery=recovery, cleanup_empty_child_namespaces=True)
        parent = io.of(re.compile(r"/room-\d"))
        seen: list[Socket] = []
        parent.on("connection")(seen.append)
        return Rooms(io, parent, Guest((await serving(io)).url, NAME), seen)

    return start


async def test_it_stays_for_who_may_come_back(start: StartRooms) -> None:
    rooms = await start(60)
    async with rooms.guest.connected():
        await (await rooms.arrived(1)).join("red")
        child = rooms.child
    await rooms.left()
    assert child is not None
    assert rooms.child is child
    await child.to("red").emit("missed")
    async with rooms.guest.connected():
        socket = await rooms.arrived(2)
        assert socket.recovered
        assert socket.namespace is child
        assert await rooms.guest.event() == ["missed"]
        await rooms.guest.ws.send(f"41{NAME},")
        await until(lambda: rooms.child is None)  # who leaves of one's own will is not waited for


async def test_it_goes_when_nobody_can_come_back_any_more(start: StartRooms) -> None:
    rooms = await start(0.2)
    async with no_residue():
        async with rooms.guest.connected():
            await rooms.arrived(1)
        await until(lambda: rooms.child is None)
        rooms.seen.clear()
    async with rooms.guest.connected():
        assert not (await rooms.arrived(1)).recovered


async def test_it_stays_while_others_come_and_go(start: StartRooms) -> None:
    rooms = await start(60)
    async with rooms.guest.connected():
        await rooms.arrived(1)
        child = rooms.child
    await rooms.left()
    other = Guest(rooms.guest.url, NAME)
    async with other.connected():
        await rooms.arrived(2)
        await other.ws.send(f"41{NAME},")
        await until(lambda: child is not None and not child.sockets)
    assert rooms.child is child
    async with rooms.guest.connected():
        assert (await rooms.arrived(3)).recovered


async def test_who_recovers_is_not_cut_off_by_the_end_of_the_wait(start: StartRooms) -> None:
    rooms = await start(0.3)
    async with rooms.guest.connected():
        await rooms.arrived(1)
    await rooms.left()
    async with rooms.guest.connected():
        socket = await rooms.arrived(2)
        kept, other = rooms.child, Guest(rooms.guest.url, "/room-2")
        # A room that is left at the same time or later goes: so much time has passed.
        async with other.connected():
            await rooms.arrived(3)
        await until(lambda: "/room-2" not in rooms.parent.children)
        assert rooms.child is kept is not None
        await socket.emit("hello")
        assert await rooms.guest.event() == ["hello"]
