"""A client gets what its socket may see: from its own start, and by the rooms of each moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import packet_store, track
from tests.support.waiting import until

from .support import App, Guest

StartApp = Callable[..., Awaitable[App]]


async def back(app: App, guest: Guest, count: int) -> list[list[Any]]:
    """Connect again, as a recovered client; returns what was missed."""
    async with guest.connected():
        assert (await app.arrived(count)).recovered
        await app.io.emit("end")
        events = await guest.events()
    await app.alone()
    return events


async def test_nothing_from_before_it_joined_the_room(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
        await app.io.to("room").emit("secret")
        await socket.join("room")
        await app.io.to("room").emit("of the room")  # lost with the connection
    await app.alone()
    await app.io.to("room").emit("missed")
    assert await back(app, guest, 2) == [["of the room"], ["missed"]]


async def test_what_was_kept_from_it_stays_so(start_app: StartApp) -> None:
    # It was in the excluded room then, and is not any more.
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
        await socket.join("muted", "room")
        await app.io.except_("muted").emit("secret")
        await app.io.to("room").emit("of the room")
        await socket.leave("muted")
        await socket.leave("room")
        await app.io.to("room").emit("secret")
        await app.io.except_("muted").emit("to all others")
    await app.alone()
    # What it was sent is its own, also when it has left the room since.
    assert await back(app, guest, 2) == [["of the room"], ["to all others"]]


async def test_nothing_from_before_it_connected(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).emit("first")
        await guest.event()
        await guest.ws.send("41")
        await app.alone()
    await app.io.emit("secret")
    guest.pid, old = None, guest.offset
    async with guest.connected():
        await (await app.arrived(2)).emit("sent, and lost")
    await app.alone()
    assert guest.offset == old
    await app.io.emit("missed")
    assert await back(app, guest, 3) == [["sent, and lost"], ["missed"]]


async def test_an_old_offset_after_a_return(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
    old = guest.offset
    await app.alone()
    await app.io.to("room").emit("secret")
    async with guest.connected():
        await (await app.arrived(2)).join("room")
        await app.io.to("room").emit("of the room")
        assert await guest.event() == ["of the room"]
    await app.alone()
    guest.offset = old
    assert await back(app, guest, 3) == [["of the room"]]


# -- changes while it is away ----------------------------------------------------------------


async def leave_by_room(io: Server, socket: Socket) -> None:
    await io.in_("room").sockets_leave("room")


async def leave_by_id(io: Server, socket: Socket) -> None:
    await io.in_(socket.id).sockets_leave("room")


async def leave_of_all(io: Server, socket: Socket) -> None:
    await io.sockets_leave("room", "another")


async def leave_on_the_old_object(io: Server, socket: Socket) -> None:
    await socket.leave("room")


@pytest.mark.parametrize(
    "leave", [leave_by_room, leave_by_id, leave_of_all, leave_on_the_old_object]
)
async def test_leaving_a_room_while_away(
    start_app: StartApp, leave: Callable[[Server, Socket], Awaitable[None]]
) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.join("room", "stays")
    await app.alone()
    await app.io.to("room").emit("missed")
    await leave(app.io, socket)
    await app.io.to("room").emit("secret")
    await app.io.to("stays").emit("missed as well")
    assert await back(app, guest, 2) == [["missed"], ["missed as well"]]
    await until(lambda: app.socket.rooms == set())  # away again, and the handlers have seen it
    async with guest.connected():
        assert (await app.arrived(3)).rooms == {socket.id, "stays"}


async def join_by_room(io: Server, socket: Socket) -> None:
    await io.in_("room").sockets_join("new")


async def join_on_the_old_object(io: Server, socket: Socket) -> None:
    await socket.join("new")


@pytest.mark.parametrize("join", [join_by_room, join_on_the_old_object])
async def test_joining_a_room_while_away(
    start_app: StartApp, join: Callable[[Server, Socket], Awaitable[None]]
) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.join("room")
    await app.alone()
    await app.io.to("new").emit("secret")
    await join(app.io, socket)
    await app.io.to("new").emit("missed")
    async with guest.connected():
        again = await app.arrived(2)
        assert again.rooms == {socket.id, "room", "new"}
        await app.io.to("new").emit("end")
        assert await guest.events() == [["missed"]]


async def disconnect_by_room(io: Server, socket: Socket) -> None:
    await io.in_("room").disconnect_sockets()


async def disconnect_all(io: Server, socket: Socket) -> None:
    await io.disconnect_sockets(close=True)


async def disconnect_the_old_object(io: Server, socket: Socket) -> None:
    await socket.disconnect()


@pytest.mark.parametrize(
    "disconnect", [disconnect_by_room, disconnect_all, disconnect_the_old_object]
)
async def test_disconnecting_it_while_away(
    start_app: StartApp, disconnect: Callable[[Server, Socket], Awaitable[None]]
) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.join("room")
    await app.alone()
    await app.io.emit("secret")
    await disconnect(app.io, socket)
    async with guest.connected():
        again = await app.arrived(2)
        assert not again.recovered
        assert again.id != socket.id
        assert again.rooms == {again.id}
        await app.io.emit("end")
        assert await guest.events() == []


async def test_others_that_are_away_stay_as_they_are(start_app: StartApp) -> None:
    app = await start_app()
    guests = [Guest(app.url) for _ in range(2)]
    for count, guest in enumerate(guests, start=1):
        async with guest.connected():
            await (await app.arrived(count)).join("room", f"room {count}")
        await app.alone()
    await app.io.in_("room 1").sockets_leave("room")
    await app.io.in_("room 1").disconnect_sockets()
    await app.io.in_("nobody").disconnect_sockets()
    async with guests[1].connected():
        again = await app.arrived(3)
        assert again.recovered
        assert again.rooms == {again.id, "room", "room 2"}


async def test_a_client_that_left_on_purpose_is_not_brought_back(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await guest.ws.send("41")
        await app.alone()
        await socket.join("room")
        await socket.leave("room")
        await socket.disconnect()
        assert app.io.sockets.adapter.rooms_of(socket.id) == set()
    async with guest.connected():
        assert not (await app.arrived(2)).recovered


async def test_a_change_during_a_middleware(start_app: StartApp) -> None:
    app = await start_app(skip_middlewares=False)

    @app.io.use
    async def change(socket: Socket) -> None:
        if socket.recovered:
            await app.io.in_("room").sockets_leave("room")
            await app.io.to("room").emit("secret")
            await socket.join("joined by the middleware")

    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).join("room")
    await app.alone()
    async with guest.connected():
        again = await app.arrived(2)
        assert again.rooms == {again.id, "joined by the middleware"}
        await app.io.emit("end")
        assert await guest.events() == []


# -- bounds ----------------------------------------------------------------------------------


async def test_one_client_does_not_end_the_recovery_of_others(
    start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_store, "MAX_ROOM_PACKETS", 100)
    app = await start_app()
    quiet, lossy, loud = Guest(app.url), Guest(app.url), Guest(app.url)
    async with lossy.connected():
        first = await app.arrived(1)
        await first.join("room")
        await first.emit("first")
        await lossy.event()
        await first.emit("sent, and lost")
        async with quiet.connected():
            await (await app.arrived(2)).join("room")
    await app.alone()
    await app.io.to("room").emit("missed", 1)
    async with loud.connected():
        socket = await app.arrived(3)
        for number in range(1000):
            await socket.emit("number", number)
    await app.alone()
    await app.io.emit("missed", 2)
    assert await back(app, quiet, 4) == [["missed", 1], ["missed", 2]]
    missed = [["sent, and lost"], ["missed", 1], ["missed", 2]]
    assert await back(app, lossy, 5) == missed
    async with loud.connected():  # its own have been too many
        assert not (await app.arrived(6)).recovered


async def test_many_changes_of_rooms(start_app: StartApp, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is not known any more is not guessed.
    monkeypatch.setattr(track, "MAX_STAYS", 5)
    app = await start_app()
    guest, late = Guest(app.url), Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
        late.sid, late.pid, late.offset = guest.sid, guest.pid, guest.offset
        for number in range(6):
            await socket.join(f"room {number}")
            await socket.emit("number", number)
            await guest.event()
            await socket.leave(f"room {number}")
    await app.alone()
    async with late.connected():
        assert not (await app.arrived(2)).recovered
    await app.alone()
    assert await back(app, guest, 3) == []


# -- what the client says that it has received ---------------------------------------------------


async def test_without_an_offset_though_it_was_sent_events(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).emit("first")
    await app.alone()
    assert guest.offset is None
    async with guest.connected():
        assert not (await app.arrived(2)).recovered
        await app.io.emit("end")
        assert await guest.events() == []


async def test_with_the_offset_of_another_process_and_nothing_sent(start_app: StartApp) -> None:
    # Official clients keep it when they are not recovered.
    app = await start_app()
    guest = Guest(app.url)
    guest.offset = "of-another-process"
    async with guest.connected():
        await app.arrived(1)
    await app.alone()
    await app.io.emit("missed")
    assert await back(app, guest, 2) == [["missed"]]


async def test_missed_events_come_before_the_answer_to_connect(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).emit("first")
        await guest.event()
    await app.alone()
    await app.io.emit("missed", 1)
    await app.io.emit("missed", b"2")
    async with guest.connected_raw() as ws:
        received = [await ws.receive() for _ in range(4)]
    types = [message[:2] for message in received if isinstance(message, str)]
    assert types == ["42", "45", "40"]
    assert received[2] == b"2"


async def test_volatile_events_carry_the_offset(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await until(lambda: socket.conn.__socketio__.transport.writable)
        await socket.emit("first")
        await guest.event()
        first = guest.offset
        for emit in (socket.volatile.emit, app.io.volatile.emit, app.io.local.volatile.emit):
            for args in ((), ("text",), ([1],)):
                await until(lambda: socket.conn.__socketio__.transport.writable)
                emit("event", *args)
                assert await guest.event() == ["event", *args]
                assert guest.offset == first
        await socket.emit("last", "text")
    await app.alone()
    assert await back(app, guest, 2) == [["last", "text"]]


async def test_a_volatile_event_is_all_that_it_was_sent(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await until(lambda: socket.conn.__socketio__.transport.writable)
        app.io.volatile.emit("now", "text")
        assert await guest.event() == ["now", "text"]
    await app.alone()
    await app.io.emit("missed")
    assert await back(app, guest, 2) == [["missed"]]
