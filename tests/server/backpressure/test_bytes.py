"""The bytes of large events that one connection has in work are bounded, as they are in memory."""

from __future__ import annotations

import json
from typing import Any

import anyio
import ormsgpack
import pytest
from websockets.asyncio.client import connect as connect_compressing

from socketio_asgi import Server, Socket
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.server.conftest import Join, Serving, connect, join, transport
from tests.server.support import Connect, add_sync
from tests.support.backends import on_asyncio
from tests.support.clients import engine_url
from tests.support.waiting import until

__all__ = ["connect", "join", "transport"]  # fixtures

SIZE = 20_000
LIMIT = 5 * SIZE


class Work:
    """A handler that waits until it is released."""

    def __init__(self, **options: Any) -> None:
        self.io = Server(max_bytes_in_flight=LIMIT, **options)
        self.started = self.ended = 0
        self.go_on = anyio.Event()
        add_sync(self.io)
        self.io.on("work")(self.work)

    async def work(self, socket: Socket, *args: Any) -> None:
        self.started += 1
        await self.go_on.wait()
        self.ended += 1

    async def stays_at(self, count: int) -> None:
        await until(lambda: self.started == count)
        await anyio.wait_all_tasks_blocked()
        assert self.started == count

    async def ends(self, count: int) -> None:
        self.go_on.set()
        await until(lambda: self.ended == count)


def work_event(*args: Any, namespace: str = "") -> str:
    return f"2{namespace}{json.dumps(['work', *args])}"


@pytest.mark.parametrize(
    ("arg", "count"),
    [
        pytest.param("x" * SIZE, 5, id="text"),
        pytest.param([[]] * (SIZE // 4), 1, id="lists"),
        pytest.param([{}] * (SIZE // 4), 1, id="dicts"),
    ],
)
async def test_text(connect: Connect, transport: str, arg: Any, count: int) -> None:
    work = Work()
    peer, other = await connect(work.io, transport), await connect(work.io)
    await peer.join()
    await other.join()
    await peer.send(*[work_event(arg)] * 8)
    await work.stays_at(count)
    await other.sync()  # other clients notice nothing
    await work.ends(8)


async def test_small_events_are_not_counted(join: Join, transport: str) -> None:
    work = Work()
    peer = await join(work.io, transport)
    await peer.send(*[work_event("x" * 2000)] * 60)
    await work.stays_at(60)
    await work.ends(60)


async def test_attachments(join: Join, transport: str) -> None:
    work = Work()
    peer = await join(work.io, transport)
    head = '52-["work",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    packet: list[str | bytes] = [head, b"x" * SIZE, b""]
    await peer.send(*packet * 8)
    await work.stays_at(5)
    await work.ends(8)


@pytest.mark.parametrize(
    ("arg", "count"),
    [
        pytest.param(b"x" * SIZE, 5, id="bytes"),
        pytest.param([[]] * SIZE, 1, id="lists"),
        pytest.param([{"": 0}] * (SIZE // 3), 1, id="dicts"),
    ],
)
async def test_messagepack(connect: Connect, transport: str, arg: Any, count: int) -> None:
    work = Work(parser=MsgpackParser())
    peer = await connect(work.io, transport)
    await peer.send(ormsgpack.packb({"type": 0, "nsp": "/"}))
    assert await peer.receive()
    await peer.send(*[ormsgpack.packb({"type": 2, "nsp": "/", "data": ["work", arg]})] * 8)
    await work.stays_at(count)
    await work.ends(8)


async def test_all_namespaces_together(join: Join, transport: str) -> None:
    work = Work()
    work.io.of("/a").on("work")(work.work)
    peer = await join(work.io, transport)
    await peer.join("/a")
    both = work_event("x" * SIZE), work_event("x" * SIZE, namespace="/a,")
    await peer.send(*both * 4)
    await work.stays_at(5)
    await work.ends(8)


async def test_one_event_after_another_when_they_are_ordered(join: Join) -> None:
    work = Work()
    work.io.on("ordered", ordered=True)(work.work)
    peer = await join(work.io)
    await peer.send(*['2["ordered","' + "x" * SIZE + '"]'] * 8, work_event())
    await work.stays_at(1)
    await work.ends(9)


async def test_events_that_wait_for_the_connection_handler(join: Join, transport: str) -> None:
    work = Work()
    gate = anyio.Event()

    @work.io.on("connection")
    async def connected(socket: Socket) -> None:
        await gate.wait()

    peer = await join(work.io, transport)
    await peer.send(*[work_event("x" * SIZE)] * 8)
    gate.set()
    await work.stays_at(5)
    await work.ends(8)


async def test_events_that_middlewares_decide_about(join: Join, transport: str) -> None:
    work = Work()
    gate = anyio.Event()
    asked = 0

    @work.io.on("connection")
    async def connected(socket: Socket) -> None:
        @socket.use
        async def middleware(event: Any) -> None:
            nonlocal asked
            asked += 1
            await gate.wait()

    peer = await join(work.io, transport)
    await peer.send(*[work_event("x" * SIZE)] * 8)
    await until(lambda: asked == 1)
    gate.set()
    await work.stays_at(5)
    await work.ends(8)


async def test_a_handler_that_asks_its_client(join: Join, transport: str) -> None:
    """The answer is behind what is not read, whatever the size of the event."""
    work = Work()
    answers: list[Any] = []

    @work.io.on("ask")
    async def ask(socket: Socket, text: str) -> None:
        answers.append(await socket.emit_with_ack("question"))

    peer = await join(work.io, transport)
    for _ in range(3):
        await peer.send('2["ask","' + "x" * 3 * LIMIT + '"]')
        await peer.answer("yes")
    await until(lambda: answers == ["yes"] * 3)


async def test_clients_that_do_not_answer(join: Join, transport: str) -> None:
    io = Server(max_bytes_in_flight=LIMIT)
    asked = 0

    @io.on("ask")
    async def ask(socket: Socket, text: str) -> None:
        nonlocal asked
        asked += 1
        await socket.emit_with_ack("question")

    peer = await join(io, transport)
    await peer.send(*['2["ask","' + "x" * SIZE + '"]'] * 20)
    await until(lambda: asked == 10)
    await anyio.wait_all_tasks_blocked()
    assert asked == 10
    await peer.drop()


async def test_what_is_left_when_a_client_leaves(join: Join, transport: str) -> None:
    """The events of a socket that left while they waited are counted no longer."""
    work = Work()
    gate = anyio.Event()

    @work.io.of("/a").on("connection")
    async def connected(socket: Socket) -> None:
        await gate.wait()

    peer = await join(work.io, transport)
    await peer.join("/a")
    await peer.send(*[work_event("x" * SIZE, namespace="/a,")] * 4, "1/a,")
    await peer.send(work_event("x" * SIZE))
    await until(lambda: work.started == 1)
    gate.set()
    await peer.send(*[work_event("x" * SIZE)] * 7)
    await work.stays_at(5)
    await work.ends(8)


@on_asyncio
async def test_compressed_messages_count_with_their_full_size(serving: Serving) -> None:
    """Where the ASGI server has agreed to compression: a few bytes become many."""
    work = Work()
    served = await serving(work.io)
    url = engine_url(served.url, EIO="4", transport="websocket")
    async with connect_compressing(url, compression="deflate") as websocket:
        await websocket.recv()
        await websocket.send("40")
        await websocket.recv()
        for _ in range(8):
            await websocket.send("4" + work_event("x" * SIZE))
        await work.stays_at(5)
        await work.ends(8)
