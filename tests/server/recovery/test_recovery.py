"""What a client gets back: https://socket.io/docs/v4/connection-state-recovery/"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import (
    LocalNamespace,
    MemoryAdapter,
    PacketLog,
    RestoredSocket,
    SavedSocket,
)
from socketio_asgi.runtime.awaitables import DONE
from tests.support.clients import PollingClient
from tests.support.residue import no_residue
from tests.support.waiting import until

from .support import App, Guest

StartApp = Callable[..., Awaitable[App]]


async def test_id_rooms_data_and_missed_events(start_app: StartApp) -> None:
    app = await start_app()
    io, guest = app.io, Guest(app.url)
    async with guest.connected():
        first = await app.arrived(1)
        assert not first.recovered
        await first.join("room", "other")
        first.data["name"] = "ann"
        await first.emit("hello", 1)
        assert await guest.event() == ["hello", 1]
    await app.alone()
    sid, pid = guest.sid, guest.pid
    await io.emit("all", 1)
    await io.to("room").emit("room", b"\x01".hex(), {"deep": [1]})
    await io.to("elsewhere").emit("not for it")
    await io.to("room", "other").emit("two rooms, once")
    await io.except_("other").emit("excluded")
    await io.to(first.id).emit("own room")
    async with guest.connected():
        second = await app.arrived(2)
        await io.emit("end")
        assert await guest.events() == [
            ["all", 1],
            ["room", "01", {"deep": [1]}],
            ["two rooms, once"],
            ["own room"],
        ]
        assert (guest.sid, guest.pid) == (sid, pid)
        assert second is not first
        assert second.recovered
        assert second.id == first.id
        assert second.rooms == {first.id, "room", "other"}
        assert second.data == {"name": "ann"}
        assert [one.id for one in await io.in_("room").fetch_sockets()] == [sid]


async def test_the_wire_is_that_of_the_official_server(start_app: StartApp) -> None:
    # pid beside sid in CONNECT; the offset as the last argument of every event.
    app = await start_app()
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("40")
        (answer,) = await client.poll()
        assert isinstance(answer, str)
        assert answer.startswith('40{"sid":"')
        assert '"pid":"' in answer
        socket = await app.arrived(1)
        socket.emit("bytes", b"\x01")
        text, attachment = await client.poll()
        assert isinstance(text, str)
        assert text.startswith('451-["bytes",{"_placeholder":true,"num":0},"')
        assert attachment == b"\x01"


async def test_without_the_option_nothing_is_added(
    serving: Callable[..., Awaitable[Any]],
) -> None:
    io = Server()

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await socket.emit("hello", "text")

    served = await serving(io)
    guest = Guest(served.url)
    async with guest.connected(pid="something", offset="0-0"):
        assert guest.pid is None
        assert await guest.ws.receive() == '42["hello","text"]'


async def test_without_the_option_the_adapter_is_not_asked(
    serving: Callable[..., Awaitable[Any]],
) -> None:
    asked: list[str] = []

    class Asked(PacketLog):
        def position(self) -> str:
            return ""

        def is_after(self, offset: str, other: str) -> bool:
            return offset > other

        def save(self, saved: SavedSocket) -> Awaitable[None]:
            asked.append("save")
            return DONE

        async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
            asked.append("find")
            return None

    def make_adapter(namespace: LocalNamespace) -> MemoryAdapter:
        adapter = MemoryAdapter(namespace, recovers=False)
        adapter.log = Asked()
        return adapter

    for option, expected in ((False, []), (True, ["find", "save"])):
        io = Server(adapter=make_adapter, connection_state_recovery=option)
        guest = Guest((await serving(io)).url)
        async with guest.connected(pid="something", offset="0-0"):
            await until(lambda: len(io.sockets.sockets) == 1)  # noqa: B023
        await until(lambda: io.engine.clients_count == 0)  # noqa: B023
        assert asked == expected


async def test_binary_events_are_sent_again_with_their_attachments(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).emit("mark")
        await guest.event()
    await app.alone()
    await app.io.emit("binary", b"\x00\xff", [b"two"])
    async with guest.connected_raw() as ws:
        text = await ws.receive()
        assert isinstance(text, str)
        assert text.startswith('452-["binary",{"_placeholder":true,"num":0}')
        assert [await ws.receive(), await ws.receive()] == [b"\x00\xff", b"two"]


async def test_what_was_lost_with_the_connection_comes_again(start_app: StartApp) -> None:
    # Sent before the loss was noticed, but never received: the offset tells.
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        for number in range(5):
            await socket.emit("number", number)
        assert await guest.event() == ["number", 0]
        assert await guest.event() == ["number", 1]
    await app.alone()
    await app.io.emit("number", 5)
    async with guest.connected():
        await app.io.emit("end")
        assert await guest.events() == [["number", number] for number in range(2, 6)]


async def test_acknowledged_and_volatile_events_are_not_kept(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await until(lambda: socket.conn.__socketio__.transport.writable)
        socket.volatile.emit("volatile", 1)
        await socket.emit("mark")
        assert await guest.event() == ["volatile", 1]
        await guest.event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: socket.emit_with_ack("question", timeout=5))
            message = await guest.ws.receive()
            assert message == '420["question"]'  # without an offset
            await guest.ws.send("430[1]")
    await app.alone()
    io = app.io
    await io.volatile.emit("volatile", 2)
    assert await io.timeout(1).emit_with_ack("question") == []
    await io.emit("kept")
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        await io.emit("end")
        assert await guest.events() == [["kept"]]


async def test_emits_to_the_socket_while_it_is_away(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.join("room")
    await app.alone()
    await socket.emit("to the old object", 1)
    await socket.send("a message")
    await socket.to("room").emit("to the others only")
    await socket.broadcast.emit("to the others only")
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        await app.io.emit("end")
        assert await guest.events() == [["to the old object", 1], ["message", "a message"]]


async def test_a_client_that_received_nothing_before_the_cut(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).join("room")
    await app.alone()
    await app.io.to("room").emit("missed")
    assert guest.offset is None
    async with guest.connected():
        assert (await app.arrived(2)).recovered
        assert await guest.event() == ["missed"]


async def test_a_client_that_missed_nothing_at_all(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    for count in (1, 2, 3):
        async with guest.connected():
            socket = await app.arrived(count)
            assert socket.recovered is (count > 1)
        await app.alone()
    assert len({socket.id for socket in app.seen}) == 1


async def test_two_recoveries_in_a_row(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await (await app.arrived(1)).join("room")
    for count in (2, 3, 4):
        await app.alone()
        await app.io.to("room").emit("missed", count)
        async with guest.connected():
            assert (await app.arrived(count)).recovered
            await app.io.emit("end")
            assert await guest.events() == [["missed", count]]


async def test_a_cut_before_the_missed_events_arrived(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        socket = await app.arrived(1)
        await socket.emit("first")
        await guest.event()
    await app.alone()
    await app.io.emit("missed", 1)
    async with guest.connected():
        await app.arrived(2)  # and lost again, before it has read anything
    await app.alone()
    await app.io.emit("missed", 2)
    async with guest.connected():
        assert (await app.arrived(3)).recovered
        await app.io.emit("end")
        assert await guest.events() == [["missed", 1], ["missed", 2]]


async def test_a_client_that_is_faster_than_the_server(start_app: StartApp) -> None:
    # It comes back before its lost connection was noticed: that one ends, this one continues it.
    app = await start_app()
    guest, again = Guest(app.url), Guest(app.url)
    async with guest.connected():
        first = await app.arrived(1)
        await first.join("room")
        await first.emit("one")
        await guest.event()
        await first.emit("two")
        again.pid, again.offset = guest.pid, guest.offset
        async with again.connected():
            second = await app.arrived(2)
            assert second.recovered
            assert second.rooms == {first.id, "room"}
            assert again.sid == guest.sid
            assert await again.event() == ["two"]
            assert app.io.sockets.sockets == {first.id: second}
            await until(lambda: app.left == [(first.id, "transport close")])
            await guest.ws.receive_close()
            await second.emit("three")
            assert await again.event() == ["three"]


async def test_each_namespace_is_recovered_by_itself(start_app: StartApp) -> None:
    app = await start_app()
    seen: list[Socket] = []
    app.io.of("/chat").on("connection")(seen.append)
    guest = Guest(app.url, "/chat")
    async with guest.connected():
        await until(lambda: seen)
    await until(lambda: not app.io.of("/chat").sockets)
    await app.io.emit("of the main namespace")
    await app.io.of("/chat").emit("missed")
    # The main namespace does not know this secret.
    stranger = Guest(app.url)
    async with stranger.connected(pid=guest.pid):
        assert not (await app.arrived(1)).recovered
    async with guest.connected():
        await until(lambda: len(seen) == 2)
        assert seen[1].recovered
        assert await guest.event() == ["missed"]


async def test_no_residue(start_app: StartApp) -> None:
    app = await start_app()
    guest = Guest(app.url)
    async with guest.connected():
        await app.arrived(1)
    await app.alone()
    async with no_residue():
        for count in (2, 3):
            await app.io.emit("missed")
            async with guest.connected():
                await app.arrived(count)
            await app.alone()
