"""Event handlers: registration, arguments, order, threads, exceptions, back-pressure, context."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.events.workers import WORKER_SHARE
from tests.support.peer import Peer, event_packet
from tests.support.waiting import until

from .conftest import Join
from .support import add_sync

IN_FLIGHT = 100
"""The default number of events of one socket that are handled at a time."""


class TestRegistration:
    def test_one_handler_for_an_event(self) -> None:
        io = Server()

        @io.on("event")
        async def first(socket: Socket) -> None: ...

        with pytest.raises(ValueError, match="'event' has a handler already"):
            io.on("event")(first)
        with pytest.raises(ValueError, match="'event' has a handler already"):
            io.of("/").on("event")(first)
        io.of("/other").on("event")(first)  # every namespace has its own

    def test_one_handler_for_a_lifecycle_event(self) -> None:
        io = Server()
        for name in ("connection", "disconnecting", "disconnect"):
            io.on(name)(lambda socket: None)
            with pytest.raises(ValueError, match="already"):
                io.on(name)(lambda socket: None)

    @pytest.mark.parametrize("name", ["connect", "connect_error"])
    def test_events_of_the_client_are_named(self, name: str) -> None:
        with pytest.raises(ValueError, match="'connection'"):
            Server().on(name)(lambda socket: None)

    @pytest.mark.parametrize("name", [None, 1, b"event", lambda: None])
    def test_the_name_is_text(self, name: Any) -> None:
        with pytest.raises(TypeError):
            Server().on(name)(lambda socket: None)

    def test_the_function_is_returned_unchanged(self) -> None:
        io = Server()

        async def handler(socket: Socket) -> None: ...

        assert io.on("event")(handler) is handler
        assert io.use(handler) is handler

    def test_keyword_only_parameters_nobody_passes(self) -> None:
        async def handler(socket: Socket, *, database: Any) -> None: ...

        with pytest.raises(TypeError, match="'database'"):
            Server().on("event")(handler)

    def test_generators_are_no_handlers(self) -> None:
        async def handler(socket: Socket) -> Any:
            yield 1

        with pytest.raises(TypeError, match="generator"):
            Server().on("event")(handler)

    def test_a_middleware_takes_the_socket_alone(self) -> None:
        async def middleware(socket: Socket, next: Any) -> None: ...  # noqa: A002

        with pytest.raises(TypeError, match="the socket and nothing else"):
            Server().use(middleware)


def nothing() -> Any:
    return "nothing"


def one(socket: Socket) -> Any:
    return "one"


def two(socket: Socket, first: Any) -> Any:
    return [first]


def optional(socket: Socket, first: Any, second: Any = "default") -> Any:
    return [first, second]


def everything(socket: Socket, *args: Any) -> Any:
    return list(args)


def truly_everything(*args) -> Any:  # type: ignore[no-untyped-def]
    return list(args[1:])


def with_option(socket: Socket, first: Any, *, option: str) -> Any:
    return [first, option]


class Handler:
    async def __call__(self, socket: Socket, first: Any) -> Any:
        return [first]

    async def method(self, socket: Socket, first: Any) -> Any:
        return [first]


async def bound(extra: str, socket: Socket, first: Any) -> Any:
    return [extra, first]


@pytest.mark.parametrize(
    ("handler", "sent", "answer"),
    [
        (nothing, [1, 2], "nothing"),
        (one, [1, 2], "one"),
        (two, [1], [1]),
        (two, [1, 2, 3], [1]),
        (two, [None], [None]),
        (optional, [1], [1, "default"]),
        (optional, [1, 2, 3], [1, 2]),
        (everything, [], []),
        (everything, [1, 2, 3], [1, 2, 3]),
        (truly_everything, [1, 2], [1, 2]),
        (functools.partial(with_option, option="option"), [1, 2], [1, "option"]),
        (Handler(), [1, 2], [1]),
        (Handler().method, [1, 2], [1]),
        (functools.partial(bound, "extra"), [1], ["extra", 1]),
        (lambda socket, first: first, [1], 1),
    ],
)
async def test_arguments(
    io: Server, join: Join, handler: Callable[..., Any], sent: list[Any], answer: Any
) -> None:
    io.on("event")(handler)
    peer = await join(io)
    assert await peer.request("event", *sent) == [answer]


async def test_missing_arguments_are_refused_before_the_call(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Any] = []

    @io.on("event")
    async def event(socket: Socket, first: Any, second: Any) -> None:
        calls.append((first, second))

    peer = await join(io)
    caplog.clear()
    await peer.emit("event", "secret")
    await peer.sync()
    assert calls == []
    (record,) = [r for r in caplog.records if r.name.startswith("socketio_asgi")]
    assert record.levelname == "WARNING"
    assert "'event'" in record.getMessage()
    assert "secret" not in caplog.text


async def test_a_type_error_within_a_handler_does_not_run_it_twice(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Any] = []

    @io.on("event")
    async def event(socket: Socket, *args: Any) -> None:
        calls.append(args)
        raise TypeError("event() takes 1 positional argument but 2 were given")

    peer = await join(io)
    await peer.emit("event", 1)
    await peer.sync()
    assert calls == [(1,)]


@pytest.mark.runtime
@pytest.mark.parametrize("plain", [False, True])
async def test_exceptions_are_logged_and_never_fatal(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture, plain: bool
) -> None:
    async def broken(socket: Socket) -> None:
        raise ExceptionGroup("several", [ValueError("inner")])

    def broken_thread(socket: Socket) -> None:
        raise RuntimeError("inner")

    io.on("event")(broken_thread if plain else broken)
    peer, other = await join(io), await join(io)
    caplog.clear()
    await peer.emit("event")
    await until(lambda: [r for r in caplog.records if r.levelname == "ERROR"])
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert record.exc_info is not None
    await peer.sync()
    await other.sync()


@pytest.mark.runtime
async def test_handlers_start_in_order_and_overlap(io: Server, join: Join, transport: str) -> None:
    gate = anyio.Event()
    started: list[int] = []

    @io.on("event")
    async def event(socket: Socket, number: int) -> int:
        started.append(number)
        await gate.wait()
        return number

    peer = await join(io, transport)
    await peer.send(*(event_packet("event", number, ack=number) for number in range(50)))
    await until(lambda: len(started) == 50)
    assert started == list(range(50))
    gate.set()
    answers = [await peer.text() for _ in range(50)]
    assert sorted(answers) == sorted(f"3{number}[{number}]" for number in range(50))


@pytest.mark.runtime
async def test_plain_functions_run_in_threads_beside_the_loop(io: Server, join: Join) -> None:
    release = threading.Event()

    @io.on("block")
    def block(socket: Socket) -> str:
        assert release.wait(10)
        return threading.current_thread().name

    peer, other = await join(io), await join(io)
    await peer.emit("block", ack=1)
    await peer.sync()
    await other.sync()
    release.set()
    (name,) = await peer.acknowledgement(ack=1)
    assert name != threading.main_thread().name


@pytest.mark.runtime
async def test_one_client_cannot_take_all_threads(io: Server, join: Join) -> None:
    """Whatever it has run in them: events, its comings and goings, in all of its namespaces."""
    release = threading.Event()
    running = 0

    def block(socket: Socket) -> None:
        nonlocal running
        running += 1
        assert release.wait(10)

    rooms = [io.of(f"/room-{number}") for number in range(10)]
    for room in rooms:
        room.on("block")(block)
        room.on("disconnect")(block)

    @io.on("quick")
    def quick(socket: Socket) -> str:
        return "done"

    peer, other = await join(io), await join(io)
    for room in rooms:
        await peer.join(room.name)
        await peer.send(*[f'2{room.name},["block"]'] * 5, f"1{room.name},")
    await until(lambda: running == WORKER_SHARE)
    assert await other.request("quick") == ["done"]
    assert running == WORKER_SHARE
    release.set()
    await until(lambda: running == 60)
    await peer.sync()


@pytest.mark.runtime
async def test_plain_functions_leave_the_threads_of_others_alone(io: Server, join: Join) -> None:
    """Slow handlers must not starve the routes of the application."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    borrowed: list[float] = []

    @io.on("look")
    def look(socket: Socket) -> None:
        borrowed.append(limiter.borrowed_tokens)

    peer = await join(io)
    assert await peer.request("look") == []
    assert borrowed == [0]


@pytest.mark.runtime
async def test_many_slow_plain_functions_make_progress(io: Server, join: Join) -> None:
    release = threading.Event()
    finished: list[int] = []

    @io.on("block")
    def block(socket: Socket, number: int) -> None:
        assert release.wait(20)
        finished.append(number)

    peer = await join(io)
    for number in range(60):  # more than there are threads
        await peer.emit("block", number)
    await peer.sync()
    release.set()
    await until(lambda: len(finished) == 60)
    assert set(finished) == set(range(60))


@pytest.mark.runtime
class TestBackPressure:
    """Beyond a number of events in flight, the connection is not read."""

    def block(self, io: Server, name: str = "block") -> tuple[anyio.Event, list[int]]:
        gate = anyio.Event()
        started: list[int] = []

        @io.on(name)
        async def block(socket: Socket, number: int) -> None:
            started.append(number)
            await gate.wait()

        return gate, started

    async def flood(self, peer: Peer, count: int) -> None:
        for number in range(count):
            await peer.emit("block", number)

    async def test_websocket(self, io: Server, join: Join) -> None:
        gate, started = self.block(io)
        peer, other = await join(io), await join(io)
        await self.flood(peer, 3 * IN_FLIGHT)
        await until(lambda: len(started) == IN_FLIGHT)
        await other.sync()  # nobody else notices
        await anyio.sleep(0.05)
        assert len(started) == IN_FLIGHT
        gate.set()
        await until(lambda: len(started) == 3 * IN_FLIGHT)
        assert started == list(range(3 * IN_FLIGHT))
        await peer.sync()

    async def test_polling(self, io: Server, join: Join) -> None:
        gate, started = self.block(io)
        peer = await join(io, "polling")
        await peer.send(*(event_packet("block", number) for number in range(IN_FLIGHT)))
        await until(lambda: len(started) == IN_FLIGHT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.send, event_packet("block", IN_FLIGHT))
            await anyio.sleep(0.05)
            assert len(started) == IN_FLIGHT  # the POST waits
            gate.set()
        await until(lambda: len(started) == IN_FLIGHT + 1)
        await peer.sync()

    async def test_another_namespace_does_not_open_the_gate(self, io: Server, join: Join) -> None:
        gate, started = self.block(io)
        other_gate = anyio.Event()
        other_started: list[int] = []

        @io.of("/other").on("block")
        async def block(socket: Socket, number: int) -> None:
            other_started.append(number)
            await other_gate.wait()

        peer = await join(io)
        await peer.join("/other")
        await peer.emit("block", 0, namespace="/other")
        await self.flood(peer, 2 * IN_FLIGHT)
        await until(lambda: len(started) == IN_FLIGHT)
        other_gate.set()  # a handler of the other namespace ends
        await anyio.sleep(0.05)
        assert len(started) == IN_FLIGHT
        gate.set()
        await until(lambda: len(started) == 2 * IN_FLIGHT)

    async def test_a_client_can_leave_meanwhile(self, io: Server, join: Join) -> None:
        gate, started = self.block(io)
        reasons: list[str] = []

        @io.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            reasons.append(reason)

        peer = await join(io)
        await self.flood(peer, 2 * IN_FLIGHT)
        await until(lambda: len(started) == IN_FLIGHT)
        await peer.drop()
        gate.set()
        await until(lambda: reasons)

    async def test_a_paused_client_is_not_taken_for_dead(self, join: Join) -> None:
        io = Server(ping_interval=0.1, ping_timeout=1)
        add_sync(io)
        gate, started = self.block(io)
        peer = await join(io)
        await self.flood(peer, 2 * IN_FLIGHT)
        await until(lambda: len(started) == IN_FLIGHT)
        await anyio.sleep(1.5)  # longer than a ping and its pong may take
        assert io.engine.clients_count == 1
        gate.set()
        await peer.sync()


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.mark.runtime
async def test_handlers_run_in_copies_of_the_context_of_the_start(
    connect: Any, transport: str
) -> None:
    io = Server()
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        variable.set("start" if scope["type"] == "lifespan" else "request")
        await io(scope, receive, send)

    @io.use
    async def middleware(socket: Socket) -> None:
        seen.append(("middleware", variable.get()))
        variable.set("changed by the middleware")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        seen.append(("connection", variable.get()))
        variable.set("changed by connection")

    @io.on("event")
    async def event(socket: Socket, value: str) -> str:
        before = variable.get()
        variable.set(value)
        await anyio.lowlevel.checkpoint()
        assert variable.get() == value
        return before

    @io.on("thread")
    def thread(socket: Socket) -> str:
        return variable.get()

    @io.on("disconnect")
    async def disconnected(socket: Socket) -> None:
        seen.append(("disconnect", variable.get()))

    peer = await connect(app, transport)
    await peer.join()
    assert await peer.request("event", "a") == ["start"]
    assert await peer.request("event", "b") == ["start"]
    assert await peer.request("thread") == ["start"]
    await peer.send("1")
    await until(lambda: len(seen) == 3)
    assert seen == [(name, "start") for name in ("middleware", "connection", "disconnect")]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio needs the lifespan
async def test_without_a_lifespan_it_is_the_context_of_the_making(
    connect: Any, transport: str
) -> None:
    token = variable.set("making")
    io = Server()
    variable.reset(token)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            variable.set("request")
            await io(scope, receive, send)

    @io.on("event")
    async def event(socket: Socket) -> str:
        return variable.get()

    peer = await connect(app, transport)
    await peer.join()
    assert await peer.request("event") == ["making"]


async def test_lifecycle_names_are_out_of_reach_for_clients(io: Server, join: Join) -> None:
    calls: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket, *args: Any) -> None:
        calls.append("connection")

    peer = await join(io)
    await peer.emit("connection", "forged", ack=1)  # an ordinary event without a handler
    await peer.sync()
    assert calls == ["connection"]


@pytest.mark.parametrize(
    "name",
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"],
)
async def test_reserved_names_break_the_protocol(io: Server, join: Join, name: str) -> None:
    calls: list[str] = []

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        calls.append(reason)

    peer = await join(io)
    await peer.emit(name, "forged")
    await peer.ended()
    await until(lambda: calls)
    assert calls == ["parse error"]


@pytest.mark.parametrize("name", ["error", "__proto__", "constructor", "", "sync ", "message"])
async def test_other_names_are_ordinary(io: Server, join: Join, name: str) -> None:
    @io.on(name)
    async def handler(socket: Socket, value: int) -> int:
        return value + 1

    peer = await join(io)
    assert await peer.request(name, 1) == [2]
