"""Emitting: values, order, threads, binary, and before there is anybody to hear it."""

from __future__ import annotations

import dataclasses
import enum
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from socketio_asgi import Server, Socket
from tests.support.peer import PollingWire, event_packet
from tests.support.waiting import until

from .conftest import Join

VALUES: list[Any] = [
    *(None, True, 0, -1.5, 2**60, 2**70),
    *("", "text \u2028 \U0001f600", [], {}, {"": [None, {"a": "b"}]}),
]


async def test_any_value_both_ways(io: Server, join: Join, transport: str) -> None:
    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> Any:
        socket.emit("echo", *args)

    peer = await join(io, transport)
    await peer.emit("echo", *VALUES)
    assert await peer.expect("echo") == VALUES
    await peer.emit("echo")
    assert await peer.expect("echo") == []


async def test_rich_types_also_beside_binary(io: Server, join: Join) -> None:
    class Colour(enum.Enum):
        RED = "red"

    @dataclasses.dataclass
    class Point:
        x: int
        data: bytes

    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    number = uuid.UUID(int=7)
    peer = await join(io)
    await io.emit("rich", moment, number, Colour.RED, Point(1, b"\x00"))
    head = await peer.text()
    assert head == (
        f'51-["rich","2026-01-02T03:04:05+00:00","{number}","red",'
        '{"x":1,"data":{"_placeholder":true,"num":0}}]'
    )
    assert await peer.receive() == b"\x00"


async def test_binary_at_any_depth_both_ways(io: Server, join: Join, transport: str) -> None:
    received: list[Any] = []

    @io.on("data")
    async def data(socket: Socket, *args: Any) -> None:
        received.extend(args)
        await socket.emit("data", *args)

    peer = await join(io, transport)
    packet = (
        '52-["data",{"a":[{"b":{"_placeholder":true,"num":1}}]},"x",{"_placeholder":true,"num":0}]'
    )
    await peer.send(packet, b"", b"\x00\xff")
    head = await peer.text()
    assert received == [{"a": [{"b": b"\x00\xff"}]}, "x", b""]
    assert head.startswith("52-")
    assert sorted([await peer.receive(), await peer.receive()], key=len) == [b"", b"\x00\xff"]


async def test_a_placeholder_in_a_plain_event_stays_data(io: Server, join: Join) -> None:
    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value

    peer = await join(io)
    value = {"_placeholder": True, "num": 0}
    assert await peer.request("echo", value) == [value]


@pytest.mark.runtime
async def test_order_from_the_loop_without_await(io: Server, join: Join, transport: str) -> None:
    peer = await join(io, transport)
    (socket,) = io.sockets.sockets.values()
    for number in range(0, 300, 3):
        socket.emit("n", number)
        io.emit("n", number + 1)
        io.to(socket.id).emit("n", number + 2)
    assert [(await peer.expect("n"))[0] for _ in range(300)] == list(range(300))


@pytest.mark.runtime
async def test_order_from_a_thread(io: Server, join: Join, transport: str) -> None:
    peer = await join(io, transport)
    (socket,) = io.sockets.sockets.values()

    def work() -> None:
        for number in range(0, 300, 3):
            socket.emit("n", number)
            io.emit("n", number + 1)
            io.to(socket.id).emit("n", number + 2)

    await anyio.to_thread.run_sync(work)
    assert [(await peer.expect("n"))[0] for _ in range(300)] == list(range(300))


@pytest.mark.runtime
async def test_binary_packets_of_many_threads_do_not_interleave(io: Server, join: Join) -> None:
    peer = await join(io)

    def work(name: int) -> None:
        for _ in range(20):
            io.emit("data", name, bytes([name]), bytes([name]))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(80):
        head = await peer.text()
        name = int(head.split(",")[1])
        assert [await peer.receive(), await peer.receive()] == [bytes([name])] * 2
    for thread in threads:
        await anyio.to_thread.run_sync(thread.join)


async def test_values_are_taken_when_emit_is_called(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()

    def work() -> None:
        value = {"n": 1}
        socket.emit("value", value)
        io.emit("value", value)
        value["n"] = 2

    work()
    await anyio.to_thread.run_sync(work)
    assert [await peer.expect("value") for _ in range(4)] == [[{"n": 1}]] * 4


@pytest.mark.runtime
async def test_plain_handlers_may_do_everything(io: Server, join: Join) -> None:
    @io.on("enter")
    def enter(socket: Socket, room: str) -> None:
        socket.join(room)
        io.to(room).emit("entered", socket.id)
        socket.emit("welcome")

    @io.on("exit")
    def leave(socket: Socket, room: str) -> None:
        socket.leave(room)
        io.to(room).emit("not for you")

    @io.on("quit")
    def quit_(socket: Socket) -> None:
        socket.emit("bye")
        socket.disconnect()

    peer = await join(io)
    await peer.emit("enter", "room")
    assert await peer.expect("entered") == [peer.id]
    await peer.expect("welcome")
    assert await peer.request("exit", "room") == []
    await peer.sync()
    await peer.emit("quit")
    await peer.expect("bye")
    assert await peer.text() == "1"


@pytest.mark.runtime
async def test_a_route_without_async_may_emit(io: Server, connect: Any) -> None:
    def notify(request: Request) -> PlainTextResponse:
        io.emit("notification", request.query_params["text"])
        return PlainTextResponse("ok")

    routes = [Route("/notify", notify), Mount("/socket.io", io)]
    app = Starlette(routes=routes, lifespan=io.lifespan)
    peer = await connect(app, "polling")
    await peer.join()
    client = peer.wire.client
    base = client.url.removesuffix("/socket.io/")
    assert (await client.http.get(f"{base}/notify", params={"text": "hi"})).text == "ok"
    assert await peer.expect("notification") == ["hi"]


def test_emits_before_the_first_client_are_no_error() -> None:
    io = Server()
    io.emit("event", 1)
    io.to("room").emit("event")
    io.of("/admin").except_("x").volatile.emit("event")
    with pytest.raises(ValueError, match="reserved"):
        io.emit("disconnect")


@pytest.mark.runtime
async def test_emits_before_the_first_client_can_be_awaited() -> None:
    io = Server()
    await io.emit("event", 1)


@pytest.mark.runtime
async def test_emits_after_the_end_are_no_error(io: Server, join: Join) -> None:
    await join(io)
    (socket,) = io.sockets.sockets.values()
    await io.close()
    await io.emit("event")
    await socket.emit("event")
    await anyio.to_thread.run_sync(io.emit, "event")
    await anyio.to_thread.run_sync(socket.emit, "event")


@pytest.mark.parametrize("name", ["connect", "connect_error", "disconnect", "disconnecting"])
async def test_reserved_names_are_refused(io: Server, join: Join, name: str) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    for emit in (io.emit, socket.emit, io.to("room").emit, socket.broadcast.emit):
        with pytest.raises(ValueError, match=f"'{name}' is reserved"):
            emit(name)
    await peer.sync()


@pytest.mark.parametrize("name", [None, 1, b"event"])
def test_the_name_is_text(name: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        Server().emit(name)


async def test_what_cannot_be_encoded_is_the_callers_error(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    for emit in (io.emit, socket.emit, io.to(socket.id).emit):
        with pytest.raises(ValueError, match="cannot encode"):
            emit("event", object())
        with pytest.raises(ValueError, match="cannot encode"):
            await anyio.to_thread.run_sync(emit, "event", object())
    await peer.sync()


@pytest.mark.runtime
async def test_awaiting_an_emit_waits_for_a_slow_client(io: Server, join: Join) -> None:
    peer = await join(io, "polling")  # does not poll
    (socket,) = io.sockets.sockets.values()
    done = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def emit() -> None:
            await socket.emit("large", "x" * 200_000)
            done.set()

        tasks.start_soon(emit)
        await anyio.wait_all_tasks_blocked()
        assert not done.is_set()
        assert isinstance(peer.wire, PollingWire)
        await peer.expect("large")
    assert done.is_set()


@pytest.mark.runtime
async def test_awaiting_an_emit_ends_with_the_client(io: Server, join: Join) -> None:
    peer = await join(io, "polling")
    (socket,) = io.sockets.sockets.values()
    async with anyio.create_task_group() as tasks:

        async def emit() -> None:
            await socket.emit("large", "x" * 200_000)

        tasks.start_soon(emit)
        await anyio.wait_all_tasks_blocked()
        await peer.wire.send("1")


class TestVolatile:
    async def test_is_sent_when_the_client_can_take_it(
        self, io: Server, join: Join, transport: str
    ) -> None:
        @io.on("go")
        async def go(socket: Socket) -> None:
            await until(lambda: socket.conn.__socketio__.transport.writable)
            socket.volatile.emit("to the client", 1)

        @io.on("go on")
        async def go_on(socket: Socket) -> None:
            await until(lambda: socket.conn.__socketio__.transport.writable)
            io.volatile.emit("to everybody", 2)

        peer = await join(io, transport)
        await peer.emit("go")
        assert await peer.expect("to the client") == [1]
        await peer.emit("go on")
        assert await peer.expect("to everybody") == [2]

    async def test_is_dropped_when_no_poll_waits(self, io: Server, join: Join) -> None:
        peer = await join(io, "polling")
        (socket,) = io.sockets.sockets.values()
        socket.volatile.emit("lost")
        io.volatile.emit("lost", b"with", b"attachments")
        io.to(socket.id).volatile.emit("lost")
        socket.emit("kept")
        assert await peer.expect("kept") == []
        await peer.sync()

    async def test_of_a_socket_reaches_its_client_alone(self, io: Server, join: Join) -> None:
        peer, other = await join(io), await join(io)
        socket = io.sockets.sockets[peer.id]
        await until(lambda: socket.conn.__socketio__.transport.writable)
        socket.volatile.emit("event")
        socket.compress(False).emit("plain")
        socket.volatile.compress(True).emit("dropped or not")
        assert await peer.expect("event") == []
        assert await peer.expect("plain") == []
        await other.sync()

    async def test_of_a_socket_goes_on_to_others(self, io: Server, join: Join) -> None:
        peer, other = await join(io), await join(io)
        socket, target = (io.sockets.sockets[p.id] for p in (peer, other))
        await socket.join("room")
        await target.join("room")
        for operator in (
            socket.volatile.to("room"),
            socket.compress(False).in_("room"),
            socket.compress(False).broadcast,
            socket.volatile.local,
            socket.volatile.except_("nobody"),
        ):
            await until(lambda: target.conn.__socketio__.transport.writable)
            operator.emit("event")
            assert await other.expect("event") == []
        await peer.sync()


async def test_packets_in_one_post_are_all_handled(io: Server, join: Join) -> None:
    numbers: list[int] = []

    @io.on("n")
    async def handle(socket: Socket, number: int) -> None:
        numbers.append(number)

    peer = await join(io, "polling")
    await peer.send(*(event_packet("n", number) for number in range(40)))
    await until(lambda: len(numbers) == 40)
    assert numbers == list(range(40))
