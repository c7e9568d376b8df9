"""What one socket listens to by itself: events, everything that comes or goes, and middlewares."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server, Socket
from tests.server.support import socket_of
from tests.support.background import background
from tests.support.peer import Peer
from tests.support.tcp import TIMEOUT
from tests.support.waiting import until

from .conftest import Join

LOGGER = "socketio_asgi.server"


@pytest.fixture
async def client(join: Join) -> Peer:
    return await join()


@pytest.fixture
def socket(io: Server, client: Peer) -> Socket:
    return socket_of(io, client)


# -- listeners to one event ------------------------------------------------------------------------


async def test_listeners_beside_the_handler(
    io: Server, join: Join, transport: str, anyio_backend: Any
) -> None:
    log: list[Any] = []

    @io.on("event")
    async def handler(_socket: Socket, *args: Any) -> str:
        log.append(("handler", args))
        return "from the handler"

    client = await join(transport=transport)
    socket = socket_of(io, client)

    @socket.on("event")
    async def first(*args: Any) -> str:
        log.append(("first", args))
        return "ignored"

    @socket.on("event")
    async def second(one: Any = None) -> None:
        log.append(("second", one))

    @socket.once("event")
    def once(*args: Any) -> None:
        log.append(("once", args))

    assert await client.ask("event", 1, "é") == ["from the handler"]
    await until(lambda: len(log) == 4)  # a plain function runs in a thread
    assert sorted(log) == [
        ("first", (1, "é")),
        ("handler", (1, "é")),
        ("once", (1, "é")),
        ("second", 1),
    ]
    assert [name for name, _ in log if name != "once"] == ["first", "second", "handler"]
    log.clear()
    await client.ask("event")
    assert log == [("first", ()), ("second", None), ("handler", ())]


async def test_a_listener_is_of_one_socket(io: Server, client: Peer, join: Join) -> None:
    other = await join()
    log: list[str] = []
    socket_of(io, client).on("event")(lambda: log.append("one"))
    socket_of(io, other).on("event")(lambda: log.append("other"))
    await client.emit("event")
    await until(lambda: log == ["one"])


async def test_once_is_once(client: Peer, socket: Socket) -> None:
    log: list[int] = []

    @socket.once("event")
    async def once(number: int) -> None:
        log.append(number)

    await client.send('2["event",1]', '2["event",2]', '2["event",3]')
    await client.ask("sync")
    assert log == [1]
    assert socket.event_names() == []


async def test_taking_listeners_off(client: Peer, socket: Socket) -> None:
    log: list[str] = []

    def listener(text: str) -> Any:
        async def listen() -> None:
            log.append(text)

        return listen

    one, two, three = listener("one"), listener("two"), listener("three")
    socket.on("event")(one)
    socket.on("event")(two)
    socket.once("event")(three)
    socket.on("another")(one)
    assert socket.event_names() == ["event", "another"]
    socket.off("event", two)
    socket.off("event", three)
    socket.off("event", listener("unknown"))
    socket.off("unknown", one)
    await client.emit("event")
    await client.ask("sync")
    assert log == ["one"]
    socket.remove_all_listeners("event")
    socket.remove_all_listeners("unknown")
    assert socket.event_names() == ["another"]
    await client.emit("event")
    await client.emit("another")
    await client.ask("sync")
    assert log == ["one", "one"]
    socket.remove_all_listeners()
    assert socket.event_names() == []
    await client.emit("another")
    await client.ask("sync")
    assert log == ["one", "one"]


async def test_taking_itself_off(client: Peer, socket: Socket) -> None:
    log: list[str] = []

    @socket.on("event")
    async def listener() -> None:
        log.append("event")
        socket.off("event", listener)

    for _ in range(2):
        await client.emit("event")
        await client.ask("sync")
    assert log == ["event"]


async def test_a_listener_answers_through_ack(client: Peer, socket: Socket) -> None:
    @socket.on("now")
    async def now(value: Any, *, ack: Any) -> str:
        await ack(value, "more")
        await ack("a second time")
        return "not this"

    @socket.on("later")
    async def later(*, ack: Any) -> None:
        socket.on("trigger")(lambda: ack("at last"))

    @socket.on("thread")
    def thread(*, ack: Any) -> None:
        ack("from a thread")

    assert await client.ask("now", 1) == [1, "more"]
    assert await client.ask("thread") == ["from a thread"]
    await client.emit("later", ack=70)
    await until(lambda: "trigger" in socket.event_names())
    await client.emit("trigger")
    assert (await client.packet())[2:] == (70, ["at last"])
    await client.emit("now", 1)  # nobody asked
    assert await client.heard() == []


async def test_ack_in_handlers(io: Server, client: Peer) -> None:
    kept: list[Any] = []

    @io.on("never")
    async def never(_socket: Socket, *, ack: Any) -> str:
        kept.append(ack)
        return "not this"

    @io.on("several")
    async def several(_socket: Socket, *, ack: Any) -> None:
        await ack(1, None, b"x")

    @io.on("default")
    async def default(_socket: Socket, *, ack: Any = None) -> None:
        await ack()

    await client.emit("never", ack=5)
    await client.emit("several", ack=6)
    message = [await client.receive() for _ in range(2)]
    assert message == ['61-6[1,null,{"_placeholder":true,"num":0}]', b"x"]
    assert await client.ask("default") == []
    kept[0]("at last")
    assert (await client.packet())[2:] == (5, ["at last"])


@pytest.mark.parametrize("register", ["on", "once"])
async def test_registration(socket: Socket, register: str) -> None:
    decorator = getattr(socket, register)

    def listener() -> None: ...

    with pytest.raises(TypeError, match=rf"is missing: write @socket\.{register}\('listener'\)"):
        decorator(listener)
    with pytest.raises(TypeError, match=rf"not 3; write @socket\.{register}\('3'\)"):
        decorator(3)
    for name in ("connect", "disconnect", "disconnecting"):
        with pytest.raises(ValueError, match=f"'{name}'; .* a handler of 'connection'"):
            decorator(name)


async def test_exceptions_of_listeners(
    io: Server, client: Peer, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []

    @socket.on("event")
    async def fails() -> None:
        raise RuntimeError("a mistake")

    @socket.on("event")
    async def works() -> None:
        log.append("works")

    with caplog.at_level(logging.ERROR, LOGGER):
        await client.emit("event")
        await client.ask("sync")
    assert log == ["works"]
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [  # type: ignore[union-attr]
        ("a mistake",)
    ]


async def test_missing_arguments(
    client: Peer, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[Any] = []

    @socket.on("event")
    async def two(one: Any, two: Any) -> None:
        log.append((one, two))

    with caplog.at_level(logging.WARNING, LOGGER):
        await client.emit("event", 1)
        await client.emit("event", 1, 2, 3)
        await client.ask("sync")
    assert log == [(1, 2)]
    assert "two: is required" in caplog.text


# -- catch-all listeners ---------------------------------------------------------------------------


async def test_everything_that_comes(io: Server, join: Join, transport: str) -> None:
    log: list[Any] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await anyio.lowlevel.checkpoint()
        socket.on_any(lambda *args: log.append(("first", *args)))
        socket.prepend_any(lambda *args: log.append(("before", *args)))

    @io.on("event")
    async def handler(_socket: Socket, *args: Any) -> None:
        log.append(("handler", *args))

    client = await join(transport=transport)
    await client.emit("event", 1)
    await client.emit("unknown", {"é": None})
    await client.emit("connection")  # an ordinary name here
    await client.ask("sync")
    expected = [
        ("before", "event", 1),
        ("first", "event", 1),
        ("handler", 1),
        ("before", "unknown", {"é": None}),
        ("first", "unknown", {"é": None}),
        ("before", "connection"),
        ("first", "connection"),
        ("before", "sync"),
        ("first", "sync"),
    ]
    assert [entry for entry in log if entry[0] != "handler"] == [
        entry for entry in expected if entry[0] != "handler"
    ]
    assert log.index(("handler", 1)) > log.index(("first", "event", 1))


async def test_everything_that_goes(io: Server, client: Peer, socket: Socket) -> None:
    log: list[Any] = []
    socket.on_any_outgoing(lambda *args: log.append(("first", *args)))
    socket.prepend_any_outgoing(lambda *args: log.append(("before", *args)))
    socket.emit("own", 1)
    io.emit("all", [2])
    io.to(socket.id).compress(False).emit("room")
    io.except_(socket.id).emit("not for it")
    socket.broadcast.emit("not for it")
    socket.send("é")
    async with background(socket.emit_with_ack, "question") as asked:
        for _ in range(4):
            await client.event()
        await client.answer()
        await asked.wait()
    await client.ask("sync")  # an acknowledgement is no event
    names = [("own", 1), ("all", [2]), ("room",), ("message", "é"), ("question",)]
    assert log == [(who, *name) for name in names for who in ("before", "first")]


async def test_binary_data_that_goes(io: Server, client: Peer, socket: Socket) -> None:
    log: list[Any] = []
    socket.on_any_outgoing(lambda *args: log.append(args))
    socket.emit("own", b"\x01")
    io.emit("all", {"deep": [b"\x02"]})
    place = '{"_placeholder":true,"num":0}'
    assert [await client.receive() for _ in range(4)] == [
        *(f'51-["own",{place}]', b"\x01"),
        *(f'51-["all",{{"deep":[{place}]}}]', b"\x02"),
    ]
    assert log == [("own", b"\x01"), ("all", {"deep": [b"\x02"]})]


async def test_taking_catch_all_listeners_off(client: Peer, socket: Socket) -> None:
    log: list[str] = []

    def one(*_args: Any) -> None:
        log.append("one")

    def two(*_args: Any) -> None:
        log.append("two")

    sides = (
        (socket.on_any, socket.prepend_any, socket.off_any, socket.listeners_any),
        (
            socket.on_any_outgoing,
            socket.prepend_any_outgoing,
            socket.off_any_outgoing,
            socket.listeners_any_outgoing,
        ),
    )
    for on, prepend, off, listeners in sides:
        assert on(one) is one
        assert prepend(two) is two
        assert listeners() == [two, one]
        listeners().clear()  # a copy
        off(one)
        off(one)
        assert listeners() == [two]
        on(one)
        off()
        assert listeners() == []
    socket.emit("event")
    await client.ask("sync")
    assert log == []


async def test_exceptions_of_catch_all_listeners(
    io: Server, client: Peer, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[Any] = []

    def fails(*_args: Any) -> None:
        raise RuntimeError("a mistake")

    socket.on_any(fails)
    socket.on_any_outgoing(fails)
    socket.on_any(lambda *args: log.append(args))
    with caplog.at_level(logging.ERROR, LOGGER):
        await socket.emit("out")
        assert await client.heard() == [["out"]]
    assert log == [("sync",)]
    assert len([record for record in caplog.records if record.exc_info]) == 2


async def test_catch_all_listeners_are_called_at_once(client: Peer, socket: Socket) -> None:
    async def listener(*_args: Any) -> None: ...

    for register in (
        socket.on_any,
        socket.prepend_any,
        socket.on_any_outgoing,
        socket.prepend_any_outgoing,
        socket.on_error,
    ):
        with pytest.raises(TypeError, match="plain def"):
            register(listener)


# -- middlewares of a socket -----------------------------------------------------------------------


async def test_middlewares_see_and_change_events(io: Server, join: Join, transport: str) -> None:
    log: list[Any] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.on_any(lambda *args: log.append(("as it came", *args)))

        @socket.use
        async def first(name: str, args: list[Any]) -> None:
            log.append(("first", name, list(args)))
            args.append("added")

        @socket.use
        def second(name: str, args: list[Any]) -> None:  # in a thread
            log.append(("second", name, list(args)))
            args[0] = "changed"

    @io.on("event")
    async def handler(_socket: Socket, *args: Any) -> Any:
        return args

    client = await join(transport=transport)
    assert await client.ask("event", 1) == ["changed", "added"]
    assert log == [
        ("as it came", "event", 1),
        ("first", "event", [1]),
        ("second", "event", [1, "added"]),
    ]


async def test_middlewares_refuse(io: Server, client: Peer, socket: Socket) -> None:
    errors: list[Exception] = []
    handled: list[Any] = []
    seen: list[str] = []

    @io.on("event")
    async def handler(_socket: Socket, value: Any) -> None:
        handled.append(value)

    @socket.use
    async def check(_name: str, args: list[Any]) -> None:
        if args == ["bad"]:
            raise ValueError("not this one")

    @socket.use
    async def after(name: str) -> None:
        seen.append(name)

    socket.on_any(lambda name, *_args: seen.append(f"any {name}"))
    socket.on_error(errors.append)
    await client.emit("event", "bad", ack=70)
    await client.emit("event", "good")
    await client.ask("sync")  # the refused one is not acknowledged
    assert handled == ["good"]
    assert [str(error) for error in errors] == ["not this one"]
    assert sorted(seen) == ["any event", "any event", "any sync", "event", "sync"]


async def test_refused_without_a_listener(
    client: Peer, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    @socket.use
    async def refuse(name: str) -> None:
        if name == "event":
            raise ValueError("not this one")

    with caplog.at_level(logging.WARNING, LOGGER):
        await client.emit("event")
        await client.ask("sync")
    assert "not this one" in caplog.text


async def test_slow_middlewares_keep_the_order(io: Server, join: Join, transport: str) -> None:
    log: list[int] = []
    go = anyio.Event()

    @io.on("event")
    async def handler(_socket: Socket, number: int) -> None:
        log.append(number)

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        @socket.use
        async def slow(_name: str, args: list[Any]) -> None:
            if args == [0]:
                await go.wait()

    client = await join(transport=transport)
    for number in range(10):
        await client.emit("event", number)
    await until(lambda: client.id in io.sockets.sockets)
    assert log == []
    go.set()
    await client.ask("sync")
    assert log == list(range(10))


async def test_middlewares_of_one_socket_do_not_hold_another(
    io: Server, client: Peer, socket: Socket, join: Join
) -> None:
    other = await join()
    go = anyio.Event()

    @socket.use
    async def wait(_name: str) -> None:
        await go.wait()

    await client.emit("sync")
    with anyio.fail_after(TIMEOUT):
        await other.ask("sync")
    go.set()
