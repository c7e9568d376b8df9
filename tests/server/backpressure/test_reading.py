"""A client that sends faster than its events are handled is not read any further."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from socketio_asgi import Server, Socket
from tests.support.clients import PollingClient, WebSocketClient, connect_engine
from tests.support.serving import Served
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]
LIMIT = 3
PADDING = "x" * 200_000


class App:
    """A server whose handlers wait until they are released."""

    def __init__(self, **options: Any) -> None:
        self.io = Server(max_events_in_flight=LIMIT, **options)
        self.started: list[int] = []
        self.left: list[str] = []
        self.go_on = anyio.Event()

        @self.io.on("work")
        async def work(socket: Socket, number: int, padding: str = "") -> int:
            self.started.append(number)
            await self.go_on.wait()
            return number

        @self.io.on("disconnect")
        def disconnected(socket: Socket, reason: str) -> None:
            self.left.append(reason)


async def join(ws: WebSocketClient) -> None:
    await ws.send("40")
    await ws.receive()


async def send_until_blocked(ws: WebSocketClient) -> int:
    """Send events until TCP takes no more; returns how many have been sent.

    The last one is sent in part, so the connection is of no use afterwards unless it is sent on.
    """
    for number in range(1000):
        message = f'42["work",{number},"{PADDING}"]'
        with anyio.move_on_after(1):
            await ws.send(message)
            continue
        return number
    raise AssertionError("the client was never slowed down")


async def test_tcp_slows_the_client_down(serving: Serving) -> None:
    app = App()
    served = await serving(app.io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        sent = await send_until_blocked(ws)
        assert sent * len(PADDING) < 30_000_000  # buffers of the system and of the ASGI server
        assert app.started == list(range(LIMIT))
        app.go_on.set()
        await until(lambda: len(app.started) >= sent, timeout=10)
        assert app.started == list(range(len(app.started)))


async def test_reading_goes_on_with_each_event_that_is_done(serving: Serving) -> None:
    app = App()
    served = await serving(app.io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        for number in range(50):
            await ws.send(f'42{number}["work",{number}]')
        await until(lambda: len(app.started) == LIMIT)
        app.go_on.set()
        answers = [await ws.receive() for _ in range(50)]
        assert sorted(answers, key=str) == sorted(f"43{n}[{n}]" for n in range(50))
        assert app.started == list(range(50))


async def test_one_client_does_not_slow_another_down(serving: Serving) -> None:
    app = App()

    @app.io.on("ping me")
    async def ping(socket: Socket) -> str:
        return "pong"

    served = await serving(app.io)
    async with connect_engine(served.url) as (busy, _), connect_engine(served.url) as (other, _):
        await join(busy)
        await join(other)
        for number in range(20):
            await busy.send(f'42["work",{number}]')
        await until(lambda: len(app.started) == LIMIT)
        await other.send('421["ping me"]')
        assert await other.receive() == '431["pong"]'
        # The busy one still gets what is sent to it.
        await app.io.emit("hello")
        assert await busy.receive() == '42["hello"]'
        app.go_on.set()


async def test_posts_wait(serving: Serving) -> None:
    app = App()
    served = await serving(app.io)
    async with PollingClient(served.url) as client, anyio.create_task_group() as tasks:
        await client.open()
        await client.post("40")
        await client.poll()
        # The answer waits for no handler, but what is too much waits for its turn.
        await client.post(*(f'42["work",{number}]' for number in range(LIMIT + 2)))
        await until(lambda: len(app.started) == LIMIT)
        answered = anyio.Event()

        async def post() -> None:
            await client.post('42["work",99]')
            answered.set()

        tasks.start_soon(post)
        await app.io.emit("hello")
        assert await client.poll() == ['42["hello"]']
        assert not answered.is_set()
        assert len(app.started) == LIMIT
        app.go_on.set()
        await answered.wait()
        await until(lambda: app.started == [*range(LIMIT + 2), 99])


@pytest.mark.parametrize("eio", ["4", "3"])
async def test_the_heartbeat_spares_a_client_that_is_not_read(serving: Serving, eio: str) -> None:
    app = App(ping_interval=0.3, ping_timeout=0.3, allow_eio3=True)
    served = await serving(app.io)
    async with connect_engine(served.url, eio=eio) as (ws, _):
        await (join(ws) if eio == "4" else ws.receive())
        for number in range(LIMIT):
            await ws.send(f'42["work",{number}]')
        await until(lambda: len(app.started) == LIMIT)
        await anyio.sleep(1)
        assert app.left == []
        await ws.send("3" if eio == "4" else "2")
        app.go_on.set()
        await ws.send('427["work",7]')
        while await ws.receive() != "437[7]":
            pass
        # From now on, silence counts again.
        await until(lambda: app.left == ["ping timeout"])


async def test_events_during_the_connection_handler_are_bounded(serving: Serving) -> None:
    app = App()
    entered, leave = anyio.Event(), anyio.Event()

    @app.io.on("connection")
    async def connected(socket: Socket) -> None:
        entered.set()
        await leave.wait()

    served = await serving(app.io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        await entered.wait()
        app.go_on.set()
        await send_until_blocked(ws)
        assert app.started == []
        leave.set()
        await until(lambda: len(app.started) > LIMIT)
        assert app.started == list(range(len(app.started)))


async def test_a_slow_ordered_handler(serving: Serving) -> None:
    app = App()
    log: list[str] = []

    @app.io.on("ordered", ordered=True)
    async def ordered(socket: Socket, number: int) -> None:
        log.append(f"begin {number}")
        await anyio.lowlevel.checkpoint()
        await app.go_on.wait()
        log.append(f"end {number}")

    served = await serving(app.io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        for number in range(10):
            await ws.send(f'42["ordered",{number}]')
        await until(lambda: log == ["begin 0"])
        app.go_on.set()
        expected = [f"{what} {number}" for number in range(10) for what in ("begin", "end")]
        await until(lambda: log == expected)


async def test_handlers_that_ask_the_client_back(serving: Serving) -> None:
    # The answers have to be read, or the handlers would wait for ever.
    io = Server(max_events_in_flight=LIMIT)

    @io.on("ask me")
    async def ask(socket: Socket, number: int) -> Any:
        return await socket.emit_with_ack("question", number, timeout=5)

    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        count = 2 * LIMIT - 1
        for number in range(count):
            await ws.send(f'42{number}["ask me",{number}]')
        questions = [str(await ws.receive()) for _ in range(count)]
        for question in questions:
            ack, _, body = question[2:].partition("[")
            assert body.startswith('"question"')
            await ws.send(f"43{ack}[{json.loads('[' + body)[1]}]")
        answers = {str(await ws.receive(timeout=3)) for _ in range(count)}
        assert answers == {f"43{number}[{number}]" for number in range(count)}


async def test_a_client_that_never_answers_is_bounded_all_the_same(serving: Serving) -> None:
    io = Server(max_events_in_flight=LIMIT)
    asked: list[int] = []

    @io.on("ask me")
    async def ask(socket: Socket, number: int) -> None:
        asked.append(number)
        await socket.emit_with_ack("question", timeout=1000)

    @io.on("anything")
    async def anything(socket: Socket) -> None:
        asked.append(-1)

    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        for number in range(100):
            await ws.send(f'42["ask me",{number}]')
        await until(lambda: len(asked) >= 2 * LIMIT)
        await anyio.sleep(0.1)  # time for more, if there were more
        assert asked == list(range(2 * LIMIT))


async def test_a_client_that_leaves_while_it_is_not_read(serving: Serving) -> None:
    app = App()
    served = await serving(app.io)
    async with connect_engine(served.url) as (ws, _):
        await join(ws)
        for number in range(LIMIT):
            await ws.send(f'42["work",{number}]')
        await until(lambda: len(app.started) == LIMIT)
        await ws.abort()
    app.go_on.set()
    await until(lambda: app.left in (["transport close"], ["transport error"]))
    await until(lambda: app.io.engine.clients_count == 0)
