"""A value that cannot be encoded is the caller's error at once, whoever gets it, even nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.protocol import DefaultParser, EncodeError, Packet
from tests.adapters.loopback import Bus
from tests.support.waiting import until

from .conftest import Join

WRONG = object()


class CountingParser(DefaultParser):
    """It counts the packets that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[Any] = []

    def encode(self, packet: Packet) -> list[str | bytes]:
        self.encoded.append(packet.data)
        return super().encode(packet)

    def count(self, event: str) -> int:
        return sum(isinstance(data, list) and data[:1] == [event] for data in self.encoded)


SERVERS: dict[str, Callable[[], Server]] = {
    "memory": Server,
    "recovery": lambda: Server(connection_state_recovery=True),
    "cluster": lambda: Bus().server(),
}


def choices(io: Server) -> list[Any]:
    """What emits, and reaches nobody at present."""
    parent = io.of(re.compile(r"/room-\d"))
    io.of("/room-1")
    return [
        io.of("/nobody"),
        io.to("nobody's"),
        io.volatile.to("nobody's"),
        io.local.to("nobody's"),
        io.to("nobody's").except_("room"),
        io.except_("everybody"),
        io.local.except_("everybody"),
        parent,
        parent.to("room"),
        io.of(lambda _name, _auth: False),
    ]


def test_before_there_is_an_event_loop() -> None:
    io = Server()
    for emitter in choices(io):
        with pytest.raises(EncodeError):
            emitter.emit("event", WRONG)
    with pytest.raises(EncodeError):
        io.server_side_emit("event", WRONG)
    with ThreadPoolExecutor(1) as pool, pytest.raises(EncodeError):
        pool.submit(io.emit, "event", WRONG).result(10)


@pytest.mark.runtime
@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("in_thread", [False, True])
async def test_nobody_gets_it(join: Join, kind: str, in_thread: bool) -> None:
    io = SERVERS[kind]()
    await join(io)
    for socket in io.sockets.sockets.values():
        await socket.join("everybody")

    async def call(function: Callable[..., Any], *args: Any) -> Any:
        if in_thread:
            return await anyio.to_thread.run_sync(function, *args)
        return function(*args)

    for emitter in choices(io):
        with pytest.raises(EncodeError):
            await call(emitter.emit, "event", {"deep": [WRONG]})
        await call(emitter.emit, "event", {"deep": [1]})
    with pytest.raises(EncodeError):
        await call(io.server_side_emit, "event", WRONG)
    await call(io.server_side_emit, "event", 1)


@pytest.mark.parametrize("kind", SERVERS)
async def test_questions_to_nobody(join: Join, kind: str) -> None:
    io = SERVERS[kind]()
    if kind != "cluster":  # whose adapter has to be started
        with pytest.raises(EncodeError):
            await io.emit_with_ack("event", WRONG)
    await join(io)
    for emitter in (io.to("nobody's"), io.local.to("nobody's"), io.volatile.to("nobody's")):
        with pytest.raises(EncodeError):
            await emitter.timeout(5).emit_with_ack("event", WRONG)
    with pytest.raises(EncodeError):
        await io.server_side_emit_with_ack("event", WRONG, timeout=5)


@pytest.mark.parametrize("kind", SERVERS)
async def test_a_client_that_has_left(join: Join, kind: str) -> None:
    io = SERVERS[kind]()
    await join(io)
    (socket,) = io.sockets.sockets.values()
    await socket.disconnect()
    for emitter in (socket, socket.volatile, socket.compress(False), socket.broadcast):
        with pytest.raises(EncodeError):
            emitter.emit("event", WRONG)
    for asker in (socket, socket.volatile):
        with pytest.raises(EncodeError):
            await asker.emit_with_ack("event", WRONG)


@pytest.mark.parametrize("asks", [False, True])
async def test_acknowledgements(io: Server, join: Join, asks: bool) -> None:
    outcomes: list[str] = []

    @io.on("event")
    async def event(socket: Socket, *, ack: Any) -> None:
        for answer in (ack, ack):  # the second of which nobody gets
            try:
                answer(WRONG)
            except EncodeError:
                outcomes.append("raised")

    peer = await join(io)
    await peer.emit("event", ack=1 if asks else None)
    await until(lambda: outcomes == ["raised", "raised"])
    await peer.sync()


async def test_what_a_handler_returns_to_a_client_that_has_left(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("event")
    async def event(socket: Socket) -> object:
        await socket.disconnect()
        return WRONG

    peer = await join(io)
    await peer.emit("event", ack=1)
    await until(lambda: "the return value of the handler of 'event'" in caplog.text)


@pytest.mark.parametrize("recovery", [False, True])
async def test_what_it_costs(join: Join, recovery: bool) -> None:
    parser = CountingParser()
    io = Server(parser=parser, connection_state_recovery=recovery)
    parent = io.of(re.compile(r"/room-\d"))
    await join(io)
    peer = await join(io)
    for name in ("/room-1", "/room-2"):
        await peer.join(name)
    for name in ("/room-3", "/room-4", "/room-5"):
        io.of(name)  # where nobody is
    io.emit("to all")
    io.to(next(iter(io.sockets.sockets))).emit("to one")
    io.to("nobody's").emit("to nobody")
    io.volatile.to("nobody's").emit("volatile to nobody")
    parent.emit("to children")
    parent.to("nobody's").emit("to nobody in children")
    assert [parser.count(event) for event in ("to all", "to one", "to nobody")] == [1, 1, 1]
    assert parser.count("volatile to nobody") == 1
    if not recovery:  # which keeps it for those who come back, in each of the namespaces
        assert parser.count("to children") == 2
        assert parser.count("to nobody in children") == 1
