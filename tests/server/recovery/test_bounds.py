"""What is kept for clients that are away has an end."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import MemoryLog, memory_log, packet_store
from socketio_asgi.protocol import EncodeError
from tests.support.serving import Served
from tests.support.waiting import until

from .support import App, Guest

StartApp = Callable[..., Awaitable[App]]


def log_of(io: Server) -> MemoryLog:
    log = io.sockets.adapter.log
    assert isinstance(log, MemoryLog)
    return log


async def test_too_many_packets(start_app: StartApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_store, "MAX_ROOM_PACKETS", 10)
    app = await start_app()
    late, early = Guest(app.url), Guest(app.url)
    for count, guest in ((1, late), (2, early)):
        async with guest.connected():
            await (await app.arrived(count)).emit("first")
            await guest.event()
        await app.alone()
        await app.io.emit("number", count)
    for number in range(3, 12):
        await app.io.emit("number", number)
    # Of those to all, ten are kept: the one that is gone was meant for the other client alone.
    async with early.connected():
        assert (await app.arrived(3)).recovered
        await app.io.emit("end")
        assert await early.events() == [["number", number] for number in range(2, 12)]
    async with late.connected():
        assert not (await app.arrived(4)).recovered


@pytest.mark.parametrize(("missed", "recovered"), [(15, True), (25, False)])
async def test_too_many_bytes(
    serving: Callable[..., Awaitable[Served]], missed: int, recovered: bool
) -> None:
    # Never more than half of what may wait for one client: it could not come back otherwise.
    io = Server(connection_state_recovery=True, send_buffer_limit=400_000)
    guest = Guest((await serving(io)).url)
    async with guest.connected():
        sid = guest.sid
    await until(lambda: not io.sockets.sockets)
    for _ in range(missed):
        await io.emit("missed", "x" * 10_000)
    async with guest.connected():
        assert (guest.sid == sid) is recovered
        await io.emit("end")
        assert len(await guest.events()) == (missed if recovered else 0)
    assert log_of(io)._packets.size < 210_000


async def test_a_packet_larger_than_everything(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await app.arrived(1)
    await app.alone()
    await app.io.emit("huge", "x" * (packet_store.MAX_ROOM_BYTES + 1))
    log = log_of(app.io)
    assert (len(log._packets), log._packets.size) == (0, 0)
    async with guest.connected():
        assert not (await app.arrived(2)).recovered


async def test_too_many_sockets(start_app: StartApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_log, "MAX_SESSIONS", 2)
    app = await start_app()
    guests = [Guest(app.url) for _ in range(3)]
    for count, guest in enumerate(guests, start=1):
        async with guest.connected():
            await app.arrived(count)
        await app.alone()
    async with AsyncExitStack() as stack:
        recovered = []
        for count, guest in enumerate(guests, start=4):
            await stack.enter_async_context(guest.connected())
            recovered.append((await app.arrived(count)).recovered)
        # The oldest went.
        assert recovered == [False, True, True]


async def test_what_expired_is_let_go(start_app: StartApp) -> None:
    class Data(dict[str, Any]):
        pass

    app = await start_app(max_disconnection_duration=0.5)
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        socket.data = Data()
        kept = weakref.ref(socket.data)
    await app.alone()
    await app.io.emit("missed")
    app.seen.clear()
    del socket
    gc.collect()
    assert kept() is not None
    await anyio.sleep(0.6)
    await app.io.emit("something else")
    gc.collect()
    assert kept() is None
    assert len(log_of(app.io)._packets) == 1


async def test_an_event_that_cannot_be_encoded_leaves_no_gap(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await app.arrived(1)
    await app.alone()
    await app.io.emit("one")
    with pytest.raises(EncodeError):
        await app.io.emit("broken", object())
    await app.io.emit("two")
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        await app.io.emit("end")
        assert await guest.events() == [["one"], ["two"]]
