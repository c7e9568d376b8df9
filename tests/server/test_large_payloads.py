"""Many events in one POST: the bound on events in flight holds within the payload as well."""

from __future__ import annotations

from typing import Any

import anyio

from socketio_asgi import Server, Socket
from tests.support.peer import event_packet, join_peer
from tests.support.serving import Served
from tests.support.waiting import until

COUNT = 300


async def test_events_of_one_payload_wait_for_each_other(serving: Any) -> None:
    io = Server(max_events_in_flight=5)
    running, most, seen = 0, 0, []
    gate = anyio.Event()

    @io.on("work")
    async def work(socket: Socket, number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        await anyio.lowlevel.checkpoint()
        seen.append(number)
        running -= 1

    served: Served = await serving(io)
    async with join_peer(served.url, "polling") as peer:
        # The answer comes although no handler has ended.
        await peer.send(*[event_packet("work", number) for number in range(COUNT)])
        await until(lambda: running == 5)
        gate.set()
        await until(lambda: len(seen) == COUNT)
    assert most == 5
    assert sorted(seen) == list(range(COUNT))


async def test_packets_that_wait_are_dropped_with_their_session(serving: Any) -> None:
    io = Server(max_events_in_flight=1)
    started: list[int] = []
    gate = anyio.Event()

    @io.on("work")
    async def work(socket: Socket, number: int) -> None:
        started.append(number)
        await gate.wait()

    served: Served = await serving(io)
    async with join_peer(served.url, "polling") as peer:
        await peer.send(event_packet("work", 1), event_packet("work", 2))
        await until(lambda: started == [1])
        for socket in list(io.sockets.sockets.values()):
            socket.disconnect(close=True)
        assert await peer.text() == "1"
        await peer.ended()
        await until(lambda: io.engine.clients_count == 0)
        gate.set()
    assert started == [1]
