"""Events for the members of rooms."""

from __future__ import annotations

import anyio

from .cluster import Cluster
from .events import HELLO
from .suite import Suite

ODD_ROOMS = [
    "*",
    "a?[b]",
    "a#b",
    "#",
    "+",
    "a/b",
    "$SYS",
    "a b.c*d>é",
    "é😀",
    "twenty-characters-20",
    "é" * 20,
    "0",
    "",
    "x" * 500,
]
"""Names that mean something to brokers, look like the id of a socket, or are long."""


class Rooms(Suite):
    """Events for the members of rooms, and for all but them."""

    async def test_an_event_for_a_room(self, cluster: Cluster) -> None:
        """It comes to the members on all servers, and to nobody else."""
        await cluster.clients[1].join("chess")
        await cluster.clients[2].join("chess")
        await cluster.here.io.to("chess").emit(*HELLO)
        await cluster.here.io.to("go").emit("nobody")
        await cluster.expect([], [HELLO], [HELLO], [])

    async def test_an_event_for_several_rooms_comes_once(self, cluster: Cluster) -> None:
        """Also to a client that is in more than one of them."""
        await cluster.clients[0].join("chess")
        await cluster.clients[2].join("chess")
        await cluster.clients[2].join("go")
        await cluster.clients[3].join("go")
        await cluster.here.io.to("chess", "go").emit(*HELLO)
        await cluster.expect([HELLO], [], [HELLO], [HELLO])

    async def test_rooms_that_are_left_out(self, cluster: Cluster) -> None:
        """``except_`` leaves out the members of a room, and single clients, on all servers."""
        await cluster.clients[0].join("chess")
        await cluster.clients[2].join("chess")
        await cluster.clients[2].join("go")
        await cluster.clients[3].join("go")
        io = cluster.here.io
        await io.except_("go").emit("one")
        await io.to("chess").except_("go").emit("two")
        await io.to("chess", "go").except_(cluster.clients[3].id).emit("three")
        one, two, three = ["one"], ["two"], ["three"]
        await cluster.expect([one, two, three], [one], [three], [])

    async def test_an_event_for_one_client(self, cluster: Cluster) -> None:
        """The id of a socket is a room, whichever server has it."""
        await cluster.here.io.to(cluster.clients[2].id).emit(*HELLO)
        await cluster.here.io.to(cluster.clients[0].id).emit(*HELLO)
        await cluster.expect([HELLO], [], [HELLO], [])

    async def test_a_room_that_was_left(self, cluster: Cluster) -> None:
        """Nothing comes any more, and all again after another join."""
        client = cluster.clients[2]
        await client.join("chess")
        await client.request("leave", "chess")
        await cluster.here.io.to("chess").emit(*HELLO)
        await cluster.expect([], [], [], [])  # so that it is not on its way any more
        await client.join("chess")
        await cluster.here.io.to("chess").emit("again")
        await cluster.expect([], [], [["again"]], [])

    async def test_rooms_with_odd_names(self, cluster: Cluster) -> None:
        """Whatever a room is called, its events come to its members alone."""
        await cluster.clients[3].join("other")
        for room in ODD_ROOMS:
            await cluster.clients[2].join(room)
            await cluster.here.io.to(room).emit("to", room)  # the join is over, so it must come
            await cluster.here.io.to("other").except_(room).emit("other", room)
            await cluster.here.io.to("nowhere").to(room).emit("two", room)
        members = [[event, room] for room in ODD_ROOMS for event in ("to", "two")]
        await cluster.expect([], [], members, [["other", room] for room in ODD_ROOMS])

    async def test_a_room_of_three_servers(self, cluster: Cluster) -> None:
        """Members on some of four servers."""
        more = [await cluster.start() for _ in range(2)]
        await cluster.acquainted()
        cluster.clients += [await cluster.connect(server) for server in more]
        members = [cluster.clients[index] for index in (0, 2, 5)]
        for client in members:
            await client.join("chess")
        await more[0].io.to("chess").emit("move")
        await more[0].io.except_("chess").emit("rest")
        expected = [[["move"] if client in members else ["rest"]] for client in cluster.clients]
        await cluster.expect(*expected, sender=more[0])

    async def test_many_rooms_at_once(self, cluster: Cluster) -> None:
        """Hundreds of rooms are joined at the same time, and each of them is heard."""
        client = cluster.clients[2]
        socket = cluster.there.io.sockets.sockets[client.id]
        rooms = [f"room {number}" for number in range(500)]

        async def join(room: str) -> None:
            await socket.join(room)

        async with anyio.create_task_group() as tasks:
            for room in rooms:
                tasks.start_soon(join, room)
        for room in rooms[::50]:
            await cluster.here.io.to(room).emit("to", room)
        await cluster.expect([], [], [["to", room] for room in rooms[::50]], [])

    async def test_rooms_that_come_and_go(self, cluster: Cluster) -> None:
        """A member that goes and comes back hears all that is sent while it is there."""
        client = cluster.clients[2]
        expected: list[list[object]] = []
        for number in range(20):
            room = f"room {number % 2}"
            await client.join(room)
            await cluster.here.io.to(room).emit("to", number)
            expected.append(["to", number])
            await cluster.expect([], [], [["to", number]], [])
            await client.request("leave", room)
