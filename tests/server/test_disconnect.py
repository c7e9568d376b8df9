"""Leaving: who is told what, why, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from socketio_asgi import Namespace, Server, Socket
from tests.support.backends import on_asyncio
from tests.support.peer import event_packet
from tests.support.waiting import until

from .conftest import Join

pytestmark = pytest.mark.runtime


class Log:
    """Records why sockets leave."""

    def __init__(self, namespace: Server | Namespace) -> None:
        self.reasons: list[str] = []
        self.descriptions: list[Any] = []

        @namespace.on("disconnect")
        async def disconnected(socket: Socket, reason: str, description: Any) -> None:
            self.reasons.append(reason)
            self.descriptions.append(description)

    async def wait(self, count: int = 1) -> list[str]:
        await until(lambda: len(self.reasons) >= count)
        return self.reasons


async def test_the_client_leaves_the_namespace(io: Server, join: Join, transport: str) -> None:
    log = Log(io)
    peer = await join(io, transport)
    await peer.send("1")
    assert await log.wait() == ["client namespace disconnect"]
    assert not io.sockets.sockets
    assert io.engine.clients_count == 1  # the session is still there
    await peer.join()


async def test_the_client_closes_the_session(io: Server, join: Join, transport: str) -> None:
    log = Log(io)
    peer = await join(io, transport)
    await peer.wire.send("1")
    assert await log.wait() == ["transport close"]
    assert io.engine.clients_count == 0


async def test_the_client_vanishes(io: Server, join: Join) -> None:
    log = Log(io)
    peer = await join(io)
    await peer.drop()
    assert await log.wait() == ["transport close"]


async def test_the_client_gives_no_sign_of_life(join: Join, transport: str) -> None:
    io = Server(ping_interval=0.3, ping_timeout=0.3)
    log = Log(io)
    await join(io, transport)
    assert await log.wait() == ["ping timeout"]


async def test_the_client_breaks_the_protocol(io: Server, join: Join, transport: str) -> None:
    log = Log(io)
    peer = await join(io, transport)
    await peer.send("2{}")
    assert await log.wait() == ["parse error"]
    assert "Socket.IO" in log.descriptions[0]
    await peer.ended()


async def test_the_server_disconnects_the_socket(io: Server, join: Join, transport: str) -> None:
    log = Log(io)
    peer = await join(io, transport)
    (socket,) = io.sockets.sockets.values()
    await socket.disconnect()
    assert not socket.connected
    assert await peer.text() == "1"
    assert await log.wait() == ["server namespace disconnect"]
    assert io.engine.clients_count == 1
    await socket.disconnect()  # does nothing
    await peer.join()


async def test_the_server_closes_the_connection(io: Server, join: Join, transport: str) -> None:
    log, admin_log = Log(io), Log(io.of("/admin"))
    peer = await join(io, transport)
    await peer.join("/admin")
    (socket,) = io.sockets.sockets.values()
    await socket.disconnect(close=True)
    assert [await peer.text(), await peer.text()] == ["1", "1/admin,"]
    await peer.ended()
    assert await log.wait() == ["server namespace disconnect"]
    assert await admin_log.wait() == ["server namespace disconnect"]
    await until(lambda: io.engine.clients_count == 0)


async def test_the_server_shuts_down(io: Server, join: Join, transport: str) -> None:
    log = Log(io)
    await join(io, transport)
    await io.close()
    assert log.reasons == ["server shutting down"]


async def test_all_namespaces_are_told_when_the_connection_ends(io: Server, join: Join) -> None:
    log, admin_log = Log(io), Log(io.of("/admin"))
    peer = await join(io)
    await peer.join("/admin")
    await peer.drop()
    assert await log.wait() == ["transport close"]
    assert await admin_log.wait() == ["transport close"]


async def test_late_packets_after_a_server_disconnect_are_ignored(
    io: Server, join: Join, transport: str
) -> None:
    calls: list[str] = []

    @io.on("event")
    async def event(socket: Socket) -> None:
        calls.append("event")

    peer = await join(io, transport)
    (socket,) = io.sockets.sockets.values()
    await socket.disconnect()
    # Under way when the client got to know.
    await peer.send(event_packet("event"), "30[]", event_packet("event", ack=1), "1")
    assert await peer.text() == "1"
    await peer.roundtrip()
    await peer.join()
    await peer.sync()
    assert calls == []


async def test_events_behind_one_whose_handler_disconnects_are_ignored(
    io: Server, join: Join, transport: str
) -> None:
    calls: list[int] = []

    @io.on("event")
    async def event(socket: Socket, number: int) -> None:
        calls.append(number)
        socket.disconnect()

    peer = await join(io, transport)
    await peer.send(*(event_packet("event", number) for number in range(5)))
    assert await peer.text() == "1"
    await peer.roundtrip()
    await anyio.wait_all_tasks_blocked()
    assert calls == [0]


async def test_events_just_before_the_client_leaves_are_handled(
    io: Server, join: Join, transport: str
) -> None:
    calls: list[Any] = []

    @io.on("event")
    async def event(socket: Socket, number: int) -> None:
        calls.append(number)

    @io.on("disconnect")
    async def disconnected(socket: Socket) -> None:
        calls.append("disconnect")

    peer = await join(io, transport)
    await peer.send(*(event_packet("event", number) for number in range(3)), "1")
    await until(lambda: "disconnect" in calls)
    assert calls == [0, 1, 2, "disconnect"]


async def test_disconnecting_sees_the_rooms_and_disconnect_does_not(io: Server, join: Join) -> None:
    seen: list[Any] = []

    @io.on("disconnecting")
    async def disconnecting(socket: Socket, reason: str, description: Any) -> None:
        seen.append(("disconnecting", reason, socket.rooms))
        socket.to("team").emit("left", socket.id)

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        seen.append(("disconnect", reason, socket.rooms))

    friend = await join(io)
    await io.sockets.sockets[friend.id].join("team")
    peer = await join(io)
    socket = io.sockets.sockets[peer.id]
    await socket.join("team", "other")
    await peer.send("1")
    assert await friend.expect("left") == [peer.id]
    await until(lambda: len(seen) == 2)
    reason = "client namespace disconnect"
    assert seen == [
        ("disconnecting", reason, {"team", "other", peer.id}),
        ("disconnect", reason, frozenset()),
    ]


async def test_disconnect_runs_after_the_connection_handler(io: Server, join: Join) -> None:
    gate = anyio.Event()
    order: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        order.append("connection begins")
        await gate.wait()
        order.append("connection ends")

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        order.append(reason)

    peer = await join(io)
    await peer.drop()
    await until(lambda: io.engine.clients_count == 0)
    await anyio.wait_all_tasks_blocked()
    assert order == ["connection begins"]
    gate.set()
    await until(lambda: len(order) == 3)
    assert order == ["connection begins", "connection ends", "transport close"]


async def test_an_exception_in_disconnecting_does_not_keep_disconnect_away(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("disconnecting")
    async def disconnecting(socket: Socket) -> None:
        raise RuntimeError("oops")

    log = Log(io)
    peer = await join(io)
    await peer.send("1")
    await log.wait()
    assert "'disconnecting'" in caplog.text


async def test_lifecycle_parameters_are_optional(io: Server, join: Join) -> None:
    seen: list[Any] = []

    @io.on("disconnecting")
    async def disconnecting() -> None:
        seen.append("nothing")

    @io.on("disconnect")
    def disconnected(socket: Socket, *rest: Any) -> None:
        seen.append(rest)

    peer = await join(io)
    await peer.send("1")
    await until(lambda: len(seen) == 2)
    assert seen == ["nothing", ("client namespace disconnect", None)]


async def test_a_disconnect_does_not_cancel_handlers(io: Server, join: Join) -> None:
    entered, gate, done = anyio.Event(), anyio.Event(), anyio.Event()

    @io.on("work")
    async def work(socket: Socket) -> str:
        entered.set()
        await gate.wait()
        socket.emit("too late")
        await socket.join("room")
        assert socket.rooms == frozenset()
        done.set()
        return "dropped"

    peer = await join(io)
    await peer.emit("work", ack=1)
    await entered.wait()
    await peer.send("1")
    await until(lambda: not io.sockets.sockets)
    gate.set()
    with anyio.fail_after(5):
        await done.wait()
    await peer.join()  # neither the event nor the acknowledgement came


async def test_emitting_to_who_has_left_is_no_error(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    await peer.drop()
    await until(lambda: not socket.connected)
    await socket.emit("nobody hears this")
    await socket.leave("room")
    await io.to(peer.id).emit("nobody hears this")


async def test_the_next_socket_of_a_client_has_nothing_of_the_last(io: Server, join: Join) -> None:
    peer = await join(io)
    first = io.sockets.sockets[peer.id]
    first.data["key"] = "value"
    await first.join("room")
    await peer.send("1")
    await peer.join()
    second = io.sockets.sockets[peer.id]
    assert second is not first
    assert second.data == {}
    assert second.rooms == {peer.id}


@on_asyncio
async def test_a_connection_handler_that_is_cancelled_holds_nothing_back(
    io: Server, join: Join
) -> None:
    """It awaits a task that somebody else cancels, which only asyncio can do."""
    log = Log(io)
    handled: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        other = asyncio.create_task(asyncio.sleep(10))
        other.cancel()
        await other

    @io.on("event")
    async def on_event(socket: Socket, value: str) -> None:
        handled.append(value)

    peer = await join(io)
    await peer.emit("event", "first")
    await until(lambda: handled == ["first"])
    await peer.send("1")
    assert await log.wait() == ["client namespace disconnect"]
