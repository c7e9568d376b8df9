"""How an event is sent: volatile, compress, timeout and local, chained in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from socketio_asgi import AckTimeout, BroadcastAckError, Server, Socket
from socketio_asgi.adapters import Target
from socketio_asgi.server.selection import Selection
from tests.server.support import socket_of
from tests.support.backends import on_asyncio
from tests.support.background import background
from tests.support.frames import text
from tests.support.peer import PollingWire, WebSocketWire
from tests.support.waiting import until

from .conftest import Join

Emitter = Callable[[Server, Socket], Any]

EMITTERS: dict[str, Emitter] = {
    "server": lambda io, socket: io,
    "namespace": lambda io, socket: io.sockets,
    "operator": lambda io, socket: io.to(socket.id),
    "socket": lambda io, socket: socket,
}

emitters = pytest.mark.parametrize("emitter", EMITTERS.values(), ids=list(EMITTERS))


async def writable(socket: Socket) -> None:
    await until(lambda: socket.conn.__socketio__.transport.writable)


# -- volatile --------------------------------------------------------------------------------------


@emitters
async def test_volatile_to_who_is_ready(
    io: Server, join: Join, transport: str, emitter: Emitter
) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    async with background(client.event) as heard:  # on polling, a poll that waits
        await writable(socket)
        await emitter(io, socket).volatile.emit("now", 1)
        assert await heard.wait() == ["now", 1]


async def fill(socket: Socket) -> None:
    """Send until the client has to read first; on polling, that is at once."""
    while socket.conn.__socketio__.transport.writable:
        socket.emit("filling", "x" * 100_000)
        await anyio.lowlevel.checkpoint()


def without_filling(events: list[list[Any]]) -> list[list[Any]]:
    return [event for event in events if event[0] != "filling"]


@emitters
async def test_volatile_behind_something_else(
    io: Server, join: Join, transport: str, emitter: Emitter
) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    await fill(socket)
    emitter(io, socket).volatile.emit("dropped")
    socket.emit("second")
    assert without_filling(await client.heard()) == [["second"]]


@emitters
@pytest.mark.parametrize("to_all", [False, True], ids=["to one", "to all"])
async def test_volatile_behind_another_packet_of_the_same_turn(
    io: Server, join: Join, transport: str, emitter: Emitter, to_all: bool
) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    ordinary = io if to_all else socket  # by the short cut for one client, or not
    async with background(client.event) as heard:
        await writable(socket)
        ordinary.emit("first")
        emitter(io, socket).volatile.emit("dropped")
        emitter(io, socket).volatile.emit("dropped", b"with an attachment")
        ordinary.emit("second")
        assert await heard.wait() == ["first"]
    assert await client.heard() == [["second"]]


@emitters
async def test_of_two_volatile_events_the_first_is_sent(
    io: Server, join: Join, transport: str, emitter: Emitter
) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    async with background(client.event) as heard:
        await writable(socket)
        emitter(io, socket).volatile.emit("one")
        emitter(io, socket).volatile.emit("two")
        assert await heard.wait() == ["one"]
    assert await client.heard() == []


async def test_volatile_behind_much_of_the_same_turn(io: Server, join: Join) -> None:
    """More than what is sent before the turn is over."""
    client = await join()
    socket = socket_of(io, client)
    await writable(socket)
    for _ in range(3):
        socket.emit("filling", "x" * 50_000)
    socket.volatile.emit("dropped")
    assert without_filling(await client.heard()) == []


@on_asyncio  # on trio, handlers begin when all messages of the turn have come
async def test_volatile_events_of_two_messages(io: Server, join: Join) -> None:
    """They do not stand in the way of one another, even when both come in one turn."""

    @io.on("move")
    async def move(socket: Socket, place: int) -> None:
        await socket.broadcast.volatile.emit("moved", place)
        await socket.broadcast.volatile.emit("moved", "dropped")

    mover, watcher = await join(), await join()
    await writable(socket_of(io, watcher))
    assert isinstance(mover.wire, WebSocketWire)
    await mover.wire.websocket.raw.send(*(text(f'42["move",{place}]') for place in range(3)))
    for place in range(3):
        assert await watcher.event() == ["moved", place]
    assert await watcher.heard() == []


@emitters
async def test_volatile_without_an_open_poll(io: Server, join: Join, emitter: Emitter) -> None:
    client = await join(transport="polling")
    socket = socket_of(io, client)
    assert not socket.conn.__socketio__.transport.writable
    emitter(io, socket).volatile.emit("dropped")
    emitter(io, socket).volatile.send("dropped")
    assert await client.heard() == []


@emitters
async def test_volatile_with_attachments_goes_whole_or_not(
    io: Server, join: Join, emitter: Emitter
) -> None:
    client = await join()
    socket = socket_of(io, client)
    await writable(socket)
    operator = emitter(io, socket).volatile
    operator.emit("binary", b"1", b"2")
    operator.emit("dropped", b"0", b"0")
    received = [await client.receive() for _ in range(3)]
    place = '{"_placeholder":true,"num":%d}'
    assert received == [f'52-["binary",{place % 0},{place % 1}]', b"1", b"2"]
    await fill(socket)
    operator.emit("binary", b"3", b"4")
    socket.emit("end")
    assert without_filling(await client.heard()) == [["end"]]


async def test_volatile_reaches_those_who_are_ready(io: Server, join: Join) -> None:
    ready, busy = await join(), await join(transport="polling")
    io.volatile.emit("now")
    assert await ready.event() == ["now"]
    assert await busy.heard() == []


async def test_a_volatile_question(io: Server, join: Join, transport: str) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    for operator, answer in ((socket, 1), (io, [1])):
        async with background(client.answer, 1) as answered:
            await writable(socket)
            assert await operator.volatile.timeout(5).emit_with_ack("ask") == answer
            await answered.wait()


async def test_a_volatile_question_that_is_missed(io: Server, join: Join) -> None:
    client = await join(transport="polling")
    socket = socket_of(io, client)
    with pytest.raises(AckTimeout):
        await socket.volatile.timeout(0.1).emit_with_ack("ask")
    with pytest.raises(BroadcastAckError):
        await io.timeout(0.1).volatile.emit_with_ack("ask")
    assert await client.heard() == []
    assert socket.__socketio__.acks_awaited == 0


# -- compress --------------------------------------------------------------------------------------


@emitters
@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("question", [False, True], ids=["event", "question"])
async def test_compress(
    io: Server, join: Join, emitter: Emitter, compress: bool, question: bool
) -> None:
    text = "x" * 5_000
    client = await join(transport="polling", headers={"Accept-Encoding": "gzip"})
    socket = socket_of(io, client)
    operator = emitter(io, socket).compress(compress)
    assert isinstance(client.wire, PollingWire)
    async with anyio.create_task_group() as tasks:
        if question:
            tasks.start_soon(operator.emit_with_ack, "text", text)
            await until(lambda: socket.conn.buffered)
        else:
            operator.emit("text", text)
        response = await client.wire.client.request("GET")
        assert text in response.text
        assert is_compressed(response) is compress
        tasks.cancel_scope.cancel()


def is_compressed(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-encoding") == "gzip")


# -- chaining --------------------------------------------------------------------------------------

Step = Callable[[Any], Any]

STEPS: dict[str, Step] = {
    "to": lambda operator: operator.to("red"),
    "except": lambda operator: operator.except_("blue"),
    "volatile": lambda operator: operator.volatile,
    "local": lambda operator: operator.local,
    "compress": lambda operator: operator.compress(False),
    "timeout": lambda operator: operator.timeout(7),
}


def chain(start: Any, steps: tuple[str, ...]) -> Any:
    return reduce(lambda operator, step: STEPS[step](operator), steps, start)


def shown(selection: Selection) -> tuple[object, Target, bool, float]:
    return selection.namespace, selection.target, selection.compress, selection.timeout


async def test_any_order_means_the_same(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    for emitter in EMITTERS.values():
        start = emitter(io, socket)
        selections = {
            shown(chain(start, steps).__selection__) for steps in itertools.permutations(STEPS)
        }
        ((_, target, compress, timeout),) = selections
        assert "red" in target.rooms
        assert "blue" in target.excluded
        assert (target.volatile, target.local) == (True, True)
        assert (compress, timeout) == (False, 7)
        assert (socket.id in target.excluded) is (start is socket)


async def test_operators_do_not_change(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    for start in (io, io.sockets, io.to("red"), socket.broadcast, socket.to("red")):
        before = shown(start.__selection__)
        chain(start, tuple(STEPS))
        assert shown(start.__selection__) == before
    operator = socket.timeout(3)
    for step in STEPS.values():
        step(operator)
    assert operator._selection.timeout == 3
    assert operator._selection.compress
    assert not operator._selection.target.volatile


async def test_a_kept_operator_is_used_again(io: Server, join: Join) -> None:
    client, other = await join(), await join()
    operator = io.to(client.id)
    operator.except_(client.id).emit("nobody")
    operator.to(other.id).emit("both")
    operator.emit("one")
    operator.emit("one again")
    assert await client.heard() == [["both"], ["one"], ["one again"]]
    assert await other.heard() == [["both"]]


async def test_turning_from_the_client_to_the_others(io: Server, join: Join) -> None:
    clients = [await join() for _ in range(3)]
    socket = socket_of(io, clients[0])
    await socket_of(io, clients[1]).join("red")
    for operator in (socket.compress(False), socket.timeout(5), socket.timeout(1).compress(True)):
        operator.emit("self")
        operator.broadcast.emit("others")
        operator.to("red").emit("red")
        operator.in_("red").emit("red too")
        operator.except_("red").emit("not red")
        operator.local.emit("local")
        assert await clients[0].heard() == [["self"]]
        assert await clients[1].heard() == [["others"], ["red"], ["red too"], ["local"]]
        assert await clients[2].heard() == [["others"], ["not red"], ["local"]]


@emitters
async def test_send(io: Server, join: Join, transport: str, emitter: Emitter) -> None:
    client = await join(transport=transport)
    operator = emitter(io, socket_of(io, client))
    operator.send("é", [1])
    operator.compress(False).send()
    operator.timeout(1).send(None)
    assert [await client.event() for _ in range(3)] == [
        ["message", "é", [1]],
        ["message"],
        ["message", None],
    ]
