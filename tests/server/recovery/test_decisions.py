"""Who is recovered, and who is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused, Socket
from socketio_asgi.adapters import MemoryLog
from tests.support.clients import PollingClient, connect_engine
from tests.support.waiting import until

from .support import App, Guest, Refused

StartApp = Callable[..., Awaitable[App]]


async def cut_off(app: App, guest: Guest) -> Socket:
    """Let the guest receive one event, and lose its connection; returns its socket."""
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.join("room")
        await socket.emit("first")
        await guest.event()
    await app.alone()
    return socket


def hold_returning(app: App) -> tuple[anyio.Event, anyio.Event]:
    """A middleware in which who returns waits: the events that tell it, and that let it go on."""
    waiting, go_on = anyio.Event(), anyio.Event()

    @app.io.use
    async def middleware(socket: Socket) -> None:
        if socket.recovered:
            waiting.set()
            await go_on.wait()

    return waiting, go_on


async def comes_back_as_new(app: App, guest: Guest, **auth: Any) -> None:
    """Connect again; the guest must be somebody else, who is told nothing."""
    before = guest.sid, guest.pid
    count = len(app.seen)
    async with guest.connected(**auth):
        socket = await app.arrived(count + 1)
        assert not socket.recovered
        assert socket.rooms == {socket.id}
        assert guest.sid not in before
        assert guest.pid not in before
        await app.io.emit("end")
        assert await guest.events() == []


# -- middlewares -----------------------------------------------------------------------------


@pytest.mark.parametrize("skip", [True, False])
async def test_middlewares(start_app: StartApp, skip: bool) -> None:
    app = await start_app(skip_middlewares=skip)
    asked: list[tuple[bool, frozenset[str], Any]] = []

    @app.io.use
    async def middleware(socket: Socket) -> None:
        await anyio.lowlevel.checkpoint()
        asked.append((socket.recovered, socket.rooms - {socket.id}, dict(socket.data)))
        socket.data["asked"] = len(asked)

    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("missed")
    async with guest.connected():
        socket = await app.arrived(2)
        assert socket.recovered
        assert await guest.event() == ["missed"]
    first: Any = (False, frozenset(), {})
    again = (True, frozenset({"room"}), {"asked": 1})  # it sees what was recovered
    assert asked == [first] if skip else [first, again]
    assert socket.data == {"asked": len(asked)}


async def test_a_refused_client_gets_nothing(start_app: StartApp) -> None:
    app = await start_app(skip_middlewares=False)
    allowed = True

    @app.io.use
    async def middleware(socket: Socket) -> None:
        await anyio.lowlevel.checkpoint()
        if not allowed:
            raise ConnectionRefused("banned", data={"until": 5})

    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("secret")
    allowed = False
    async with connect_engine(app.url) as (guest.ws, _):
        with pytest.raises(Refused) as refusal:
            await guest.join()
        assert refusal.value.args == ({"message": "banned", "data": {"until": 5}},)
        assert not app.io.sockets.sockets
        await app.io.emit("another secret")
        await app.io.to("room").emit("a third one")
        # The next message is the answer to the next question, and nothing before it.
        await guest.ws.send("40/unknown,")
        assert await guest.ws.receive() == '44/unknown,{"message":"Invalid namespace"}'
    # A refusal need not be for ever, and costs nobody what it has missed.
    allowed = True
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        await app.io.emit("end")
        assert await guest.events() == [["secret"], ["another secret"], ["a third one"]]


async def test_events_during_a_slow_middleware_are_not_lost(start_app: StartApp) -> None:
    app = await start_app(skip_middlewares=False)
    waiting, go_on = hold_returning(app)
    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("missed", 1)

    async def emit_meanwhile() -> None:
        await waiting.wait()
        await app.io.emit("missed", 2)
        await app.io.to("room").emit("missed", 3)
        go_on.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(emit_meanwhile)
        async with guest.connected():
            await app.arrived(2)
            await app.io.emit("end")
            assert await guest.events() == [["missed", 1], ["missed", 2], ["missed", 3]]


async def test_a_client_lost_during_a_middleware(start_app: StartApp) -> None:
    app = await start_app(skip_middlewares=False)
    waiting, go_on = hold_returning(app)
    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("missed")
    async with connect_engine(app.url) as (ws, _):
        await ws.send(f'40{{"pid":"{guest.pid}","offset":"{guest.offset}"}}')
        await waiting.wait()
        assert not app.io.sockets.sockets
    await until(lambda: app.io.engine.clients_count == 0)
    go_on.set()
    async with guest.connected():
        socket = await app.arrived(2)
        assert socket.recovered
        assert "room" in socket.rooms
        assert await guest.event() == ["missed"]
    assert len(app.seen) == 2  # the one in between never connected


async def test_two_clients_with_the_same_secret_at_once(start_app: StartApp) -> None:
    # The second ends the first, also while a middleware decides about that one.
    app = await start_app(skip_middlewares=False)
    go_on = anyio.Event()
    waiting: list[Socket] = []

    @app.io.use
    async def middleware(socket: Socket) -> None:
        if socket.recovered:
            waiting.append(socket)
            await go_on.wait()

    guest = Guest(app.url)
    await cut_off(app, guest)
    connect = f'40{{"pid":"{guest.pid}","offset":"{guest.offset}"}}'
    async with connect_engine(app.url) as (one, _), connect_engine(app.url) as (two, _):
        await one.send(connect)
        await until(lambda: len(waiting) == 1)
        await two.send(connect)
        await until(lambda: len(waiting) == 2)
        await one.receive_close()
        go_on.set()
        answer = await two.receive()
        assert isinstance(answer, str)
        assert f'"sid":"{guest.sid}"' in answer
        assert app.io.sockets.sockets == {guest.sid: waiting[1]}


# -- what a client may claim -----------------------------------------------------------------


FORGED: list[dict[str, Any]] = [
    *({"pid": pid} for pid in ("unknown", "", 5, None, ["list"], {"an": "object"})),
    *({"offset": offset} for offset in ("unknown", "", "-", "AAAAAAAA-0", 5, {"$gt": ""})),
]
NEVER_GIVEN = ["", "x", "-1", "1_1", "01", "4ffff", "ffff", "ffffffffffffffff", "1" * 1000]


async def test_forged_values(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("secret")
    stream = (guest.offset or "").rpartition("-")[0]
    forged = [*FORGED, *({"offset": f"{stream}-{number}"} for number in NEVER_GIVEN)]
    for auth in forged:
        thief = Guest(app.url)
        thief.pid, thief.offset = guest.pid, guest.offset
        await comes_back_as_new(app, thief, **auth)
    assert len(app.seen) == 1 + len(forged)
    async with guest.connected():  # and the owner is not harmed
        assert (await app.arrived(2 + len(forged))).recovered
        assert await guest.event() == ["secret"]


async def test_the_public_id_is_no_secret(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    await cut_off(app, guest)
    thief = Guest(app.url)
    thief.offset = guest.offset
    async with thief.connected(pid=guest.sid):
        assert not (await app.arrived(2)).recovered
    async with guest.connected():
        assert (await app.arrived(3)).recovered


async def test_a_secret_is_used_once(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    await cut_off(app, guest)
    async with guest.connected():
        await app.arrived(2)
        await guest.ws.send("41")
        await app.alone()
    await comes_back_as_new(app, guest)


async def test_time_is_up(start_app: StartApp) -> None:
    app = await start_app(max_disconnection_duration=0.05)
    guest = Guest(app.url)
    await cut_off(app, guest)
    await app.io.emit("secret")
    await anyio.sleep(0.1)
    await comes_back_as_new(app, guest)


async def test_other_traffic_does_not_end_a_quiet_session(start_app: StartApp) -> None:
    # The client's last event is long gone from memory, but none was meant for it since.
    app = await start_app()
    log = app.io.sockets.adapter.log
    assert isinstance(log, MemoryLog)
    heard, silent = Guest(app.url), Guest(app.url)
    async with heard.connected():
        first = await app.arrived(1)
        async with silent.connected():
            second = await app.arrived(2)
            await first.join("room")
            await second.join("room")
            log._packets._duration = 0  # as if a long time passed
            await first.emit("only for one")
            await heard.event()
            await app.io.to("elsewhere").emit("for nobody")
            await anyio.sleep(0.01)
            log._packets._duration = 60
            await app.io.to("elsewhere").emit("for nobody")
            assert len(log._packets) == 1
    await app.alone()
    await app.io.to("room").emit("missed")
    for count, guest in ((3, heard), (4, silent)):
        async with guest.connected():
            assert (await app.arrived(count)).recovered
            assert await guest.event() == ["missed"]


# -- why the client was away -----------------------------------------------------------------


async def leave(guest: Guest, socket: Socket) -> None:
    await guest.ws.send("41")


async def disconnect(guest: Guest, socket: Socket) -> None:
    await socket.disconnect()


async def disconnect_and_close(guest: Guest, socket: Socket) -> None:
    await socket.disconnect(close=True)


async def break_the_protocol(guest: Guest, socket: Socket) -> None:
    await guest.ws.send("4rubbish")


@pytest.mark.parametrize("end", [leave, disconnect, disconnect_and_close, break_the_protocol])
async def test_a_deliberate_end_is_one(
    start_app: StartApp, end: Callable[[Guest, Socket], Awaitable[None]]
) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
        await end(guest, socket)
        await app.alone()
    await app.io.emit("secret")
    await comes_back_as_new(app, guest)


async def abort(guest: Guest) -> None:
    await guest.ws.abort()


async def close_frame(guest: Guest) -> None:
    await guest.ws.close()


async def close_packet(guest: Guest) -> None:
    await guest.ws.send("1")


@pytest.mark.parametrize("cut", [abort, close_frame, close_packet])
async def test_a_lost_connection_is_none(
    start_app: StartApp, cut: Callable[[Guest], Awaitable[None]]
) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await app.arrived(1)
        await cut(guest)
        await app.alone()
    async with guest.connected():
        assert (await app.arrived(2)).recovered


async def test_a_poll_that_broke_off(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("40")
        (answer,) = await client.poll()
        assert isinstance(answer, str)
        guest.pid = answer.partition('"pid":"')[2].partition('"')[0]
        await app.arrived(1)
        with anyio.move_on_after(0.2):
            await client.poll()
    await app.alone()
    await app.io.emit("missed")
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        assert await guest.event() == ["missed"]


async def test_a_client_of_version_2_is_served_without(
    serving: Callable[..., Awaitable[Any]],
) -> None:
    from socketio_asgi import Server

    io = Server(connection_state_recovery=True, allow_eio3=True)
    served = await serving(io)
    async with connect_engine(served.url, eio="3") as (ws, _):
        assert await ws.receive() == "40"
        await until(lambda: io.sockets.sockets)
        await io.emit("hello")
        message = await ws.receive()
        assert isinstance(message, str)
        assert message.startswith('42["hello"')
