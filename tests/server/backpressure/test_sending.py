"""A client that reads slowly: emits wait, volatile ones are dropped, in the end it is closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.server.delivery import HIGH_WATER
from tests.support.clients import PollingClient, WebSocketClient, connect_engine
from tests.support.serving import Served
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]
CHUNK = "x" * 100_000


async def only_socket(io: Server) -> Socket:
    await until(lambda: io.sockets.sockets)
    (socket,) = io.sockets.sockets.values()
    return socket


async def open_polling(client: PollingClient, io: Server) -> Socket:
    """Join with a client that does not poll any more."""
    await client.open()
    await client.post("40")
    await client.poll()
    return await only_socket(io)


async def fill(socket: Socket) -> int:
    """Emit until the emit waits; returns how many were emitted."""
    for count in range(1, 10_000):
        with anyio.move_on_after(0.3):
            await socket.emit("data", count, CHUNK)
            continue
        return count
    raise AssertionError("no emit ever waited")


async def read_numbers(ws: WebSocketClient, last: int) -> list[int]:
    numbers: list[int] = []
    while not numbers or numbers[-1] < last:
        message = await ws.receive()
        assert isinstance(message, str)
        numbers.append(int(message[:40].rstrip("]").split(",")[1]))
    return numbers


async def test_emits_wait_for_a_poll(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with PollingClient(served.url) as client, anyio.create_task_group() as tasks:
        socket = await open_polling(client, io)
        with anyio.fail_after(2):
            await socket.emit("small")  # far from the high-water mark
        done = anyio.Event()

        async def emit() -> None:
            await socket.emit("large", "x" * HIGH_WATER)
            done.set()

        tasks.start_soon(emit)
        await until(lambda: socket.conn.buffered > HIGH_WATER)
        assert not done.is_set()
        assert len(await client.poll()) == 2
        with anyio.fail_after(5):
            await done.wait()
        assert socket.conn.buffered == 0


async def test_emits_wait_for_a_websocket(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40")
        await ws.receive()
        socket = await only_socket(io)
        count = await fill(socket)
        assert HIGH_WATER <= socket.conn.buffered < HIGH_WATER + 2 * len(CHUNK)
        # Nothing was lost because an emit was not waited for to its end.
        async with anyio.create_task_group() as tasks:
            drained = anyio.Event()

            async def drain() -> None:
                await socket.drain()
                drained.set()

            tasks.start_soon(drain)
            assert await read_numbers(ws, count) == list(range(1, count + 1))
            with anyio.fail_after(5):
                await drained.wait()
        assert socket.conn.buffered == 0


async def test_a_volatile_event_is_dropped_for_a_slow_client(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _), connect_engine(served.url) as (quick, _):
        await ws.send("40")
        await ws.receive()
        socket = await only_socket(io)
        await quick.send("40")
        await quick.receive()
        count = await fill(socket)
        await io.volatile.emit("data", count + 1)
        await socket.volatile.emit("data", count + 2)
        assert await read_numbers(quick, count + 1) == [count + 1]
        assert await read_numbers(ws, count) == list(range(1, count + 1))
        await socket.drain()
        await until(lambda: socket.conn.__socketio__.transport.writable)
        await socket.volatile.emit("data", count + 3)
        assert await read_numbers(ws, count + 1) == [count + 3]


async def test_volatile_events_wait_for_no_poll(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with PollingClient(served.url) as client:
        socket = await open_polling(client, io)
        await socket.volatile.emit("lost", 1)
        await socket.volatile.emit("lost", b"with", b"attachments")
        await socket.emit("kept")
        assert await client.poll() == ['42["kept"]']
        received: list[str | bytes] = []

        async def poll() -> None:
            received.extend(await client.poll())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(poll)
            await until(lambda: socket.conn.__socketio__.transport.writable)
            # All of a packet, or nothing: the second one finds a poll that is answered already.
            socket.volatile.emit("binary", b"\x01")
            socket.volatile.emit("too late", b"\x02")
        assert received == ['451-["binary",{"_placeholder":true,"num":0}]', b"\x01"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_the_limit(serving: Serving, transport: str) -> None:
    limit = 300_000
    io = Server(send_buffer_limit=limit)
    left: list[tuple[str, str | None]] = []

    @io.on("disconnect")
    def disconnected(socket: Socket, reason: str, description: str | None) -> None:
        left.append((reason, description))

    served = await serving(io)
    async with PollingClient(served.url) as client, connect_engine(served.url) as (ws, _):
        if transport == "polling":
            socket = await open_polling(client, io)
        else:
            await ws.send("40")
            await ws.receive()
            socket = await only_socket(io)
        with anyio.fail_after(10):
            while not left:
                socket.emit("data", CHUNK)  # nobody waits
                await anyio.lowlevel.checkpoint()
        ((reason, description),) = left
        assert reason == "transport error"
        assert description is not None
        assert f"allowed are {limit} (send_buffer_limit)" in description
        assert socket.conn.buffered == 0
        assert io.engine.clients_count == (1 if transport == "polling" else 0)
        with anyio.fail_after(5):
            await socket.emit("data", CHUNK)  # no error, and nothing to wait for
            await socket.drain()


async def test_many_small_events_count_as_well(serving: Serving) -> None:
    io = Server(send_buffer_limit=100_000)
    served = await serving(io)
    async with PollingClient(served.url) as client:
        socket = await open_polling(client, io)
        for _ in range(2000):
            socket.emit("x")
        assert not socket.connected


async def test_waiting_ends_with_the_connection(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with PollingClient(served.url) as client, anyio.create_task_group() as tasks:
        socket = await open_polling(client, io)
        ended: list[str] = []

        async def emit() -> None:
            await socket.emit("large", CHUNK)
            ended.append("emit")

        async def drain() -> None:
            await socket.drain()
            ended.append("drain")

        tasks.start_soon(emit)
        tasks.start_soon(drain)
        await until(lambda: socket.conn.buffered > HIGH_WATER)
        socket.conn.__socketio__.end("transport close")
        await until(lambda: sorted(ended) == ["drain", "emit"])
