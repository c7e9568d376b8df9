"""The observer of a server: everything that happens, and nothing that it could disturb."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from socketio_asgi import ConnectionRefused, RefusedRequest, Server, Session, Socket
from socketio_asgi.events.plans import HandlerCall
from socketio_asgi.protocol import EnginePacket, OutgoingPacket
from socketio_asgi.server import Observer
from tests.server.support import Connect, add_sync
from tests.support.waiting import until

from .conftest import Serving


class Watching(Observer):
    def __init__(self) -> None:
        self.log: list[Any] = []
        self.bytes = {"in": 0, "out": 0}

    def session_opened(self, session: Session) -> None:
        self.log.append(("session", session.transport.name))

    def session_closed(self, session: Session, reason: str, description: str | None) -> None:
        self.log.append(("session closed", reason))

    def request_refused(self, refused: RefusedRequest) -> None:
        self.log.append(("request refused", refused.message))

    def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
        self.bytes["in"] += size

    def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
        self.bytes["out"] += size

    def socket_joined(self, socket: Socket[Any]) -> None:
        self.log.append(("joined", socket.namespace.name))

    def socket_refused(self, namespace: str, error: ConnectionRefused) -> None:
        self.log.append(("refused", namespace, error.message))

    def socket_left(self, socket: Socket[Any], reason: str) -> None:
        self.log.append(("left", socket.namespace.name, reason))

    def handler_started(self, call: HandlerCall) -> None:
        self.log.append(("started", call.handler.registration.name))

    def handler_ended(self, call: HandlerCall, seconds: float, error: BaseException | None) -> None:
        self.log.append(("ended", call.handler.registration.name, type(error).__name__))

    def broadcast(self, namespace: str, recipients: int) -> None:
        self.log.append(("broadcast", namespace, recipients))


def serve_all(io: Server) -> None:
    add_sync(io)

    @io.on("fails")
    async def fails(socket: Socket) -> None:
        raise LookupError("lost")

    @io.on("all")
    async def all_(socket: Socket) -> None:
        io.emit("hello")

    @io.of("/closed").use
    async def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no")


async def test_what_is_seen(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    watching = Watching()
    io = Server(observer=watching)
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    await peer.refused("/closed")
    await peer.emit("fails")
    await peer.emit("all")
    assert await peer.event() == ["hello"]
    await peer.leave()
    await peer.close()
    await until(lambda: io.engine.clients_count == 0)
    assert watching.log == [
        ("session", "websocket"),
        ("joined", "/"),
        ("started", "refuse"),
        ("ended", "refuse", "ConnectionRefused"),
        ("refused", "/closed", "no"),
        ("started", "fails"),
        ("ended", "fails", "LookupError"),
        ("started", "all"),
        ("broadcast", "/", 1),
        ("ended", "all", "NoneType"),
        ("left", "/", "client namespace disconnect"),
        ("session closed", "transport close"),
    ]
    assert watching.bytes["in"] > len('2["fails"]')
    assert watching.bytes["out"] > len('2["hello"]')


async def test_an_observer_that_raises(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Observer):
        def session_opened(self, session: Session) -> None:
            raise OSError

        def socket_joined(self, socket: Socket[Any]) -> None:
            raise OSError

        def handler_started(self, call: HandlerCall) -> None:
            raise OSError

        def handler_ended(self, call: HandlerCall, seconds: float, error: Any) -> None:
            raise OSError

        def broadcast(self, namespace: str, recipients: int) -> None:
            raise OSError

    io = Server(observer=Failing())
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    await peer.emit("all")
    assert await peer.event() == ["hello"]
    assert sum(record.levelno >= logging.ERROR for record in caplog.records) >= 5


def test_an_observer_that_would_never_run() -> None:
    class Late(Observer):
        async def socket_joined(self, socket: Socket[Any]) -> None:  # type: ignore[override]
            ...

    with pytest.raises(TypeError, match=r"Late\.socket_joined\(\) is called at once"):
        Server(observer=Late())
    with pytest.raises(TypeError, match="instance of a subclass of Observer"):
        Server(observer=print)  # type: ignore[arg-type]


async def test_calls_that_are_not_watched_keep_their_short_way(serving: Serving) -> None:
    class Elsewhere(Observer):
        def session_opened(self, session: Session) -> None: ...

    for observer, simple in ((Elsewhere(), True), (Watching(), False), (None, True)):
        io = Server(observer=observer)
        serve_all(io)
        handler: Any = io.sockets.__socketio__.handlers.event("all")
        assert handler.simple is simple


class Seeing(Observer):
    def __init__(self) -> None:
        self.log: list[Any] = []

    def socket_joined(self, socket: Socket[Any]) -> None:
        self.log.append(("joined", sorted(socket.rooms - {socket.id})))

    def socket_left(self, socket: Socket[Any], reason: str) -> None:
        self.log.append(("left", sorted(socket.rooms - {socket.id})))

    def room_joined(self, namespace: str, room: str, sid: str) -> None:
        self.log.append(("room joined", namespace, room, sid))

    def room_left(self, namespace: str, room: str, sid: str) -> None:
        self.log.append(("room left", namespace, room, sid))

    def event_received(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        self.log.append(("received", socket.id, list(values)))

    def event_sent(self, socket: Socket[Any], values: Sequence[Any]) -> None:
        self.log.append(("sent", socket.id, list(values)))


async def test_rooms_are_seen(connect: Connect) -> None:
    io = Server(observer=(seeing := Seeing()))
    add_sync(io)

    @io.use
    async def admit(socket: Socket) -> None:
        await socket.join("before")

    @io.on("move")
    async def move(socket: Socket) -> None:
        await socket.join("a", "b", "a", socket.id)
        await socket.join("b")
        await socket.leave("a")
        await socket.leave("a")
        await io.in_("b").sockets_join("c")
        await io.sockets_leave("b")

    peer = await connect(io)
    sid = await peer.join()
    await peer.emit("move")
    await peer.sync()
    await peer.leave()
    await until(lambda: seeing.log[-1][0] == "left")
    assert [entry for entry in seeing.log if entry[0] not in ("received", "sent")] == [
        ("joined", ["before"]),
        ("room joined", "/", "a", sid),
        ("room joined", "/", "b", sid),
        ("room left", "/", "a", sid),
        ("room joined", "/", "c", sid),
        ("room left", "/", "b", sid),
        ("left", ["before", "c"]),
    ]


async def test_events_are_seen(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server(observer=(seeing := Seeing()))
    add_sync(io)
    peer, other = await connect(io), await connect(io)
    sids = [await peer.join(), await other.join()]
    await peer.emit("nobody takes it", 1, {"deep": [2]})
    await peer.sync()
    await io.emit("news", 2)
    await io.to(sids[0]).emit("to one")
    assert await peer.event() == ["news", 2]
    assert seeing.log[2:] == [
        ("received", sids[0], ["nobody takes it", 1, {"deep": [2]}]),
        ("received", sids[0], ["sync"]),
        ("sent", sids[0], ["news", 2]),
        ("sent", sids[1], ["news", 2]),
        ("sent", sids[0], ["to one"]),
    ]
    # It is no listener of the application.
    assert "nobody takes it" in caplog.text
    assert io.sockets.sockets[sids[0]].listeners_any() == []


async def test_several_observers(connect: Connect) -> None:
    watching, seeing = Watching(), Seeing()
    io = Server(observer=watching)
    serve_all(io)
    io.observe(seeing)
    peer = await connect(io)
    await peer.join()
    await peer.emit("all")
    assert await peer.event() == ["hello"]
    assert ("broadcast", "/", 1) in watching.log
    assert [entry[0] for entry in seeing.log] == ["joined", "received", "sent"]


async def test_an_observer_of_a_server_that_runs(connect: Connect) -> None:
    io = Server()
    serve_all(io)
    early = await connect(io)
    await early.join()
    io.observe(watching := Watching())
    io.observe(seeing := Seeing())
    await early.emit("all")
    assert await early.event() == ["hello"]
    late = await connect(io)
    await late.join()
    await late.emit("all")
    assert await late.event() == ["hello"]
    assert watching.log == [
        ("started", "all"),
        ("broadcast", "/", 1),
        ("ended", "all", "NoneType"),
        ("session", "websocket"),
        ("joined", "/"),
        ("started", "all"),
        ("broadcast", "/", 2),
        ("ended", "all", "NoneType"),
    ]
    assert [entry[0] for entry in seeing.log] == ["joined", "received", "sent"]


def test_namespaces_are_listed() -> None:
    io = Server()
    namespaces = io.namespaces
    assert list(namespaces) == ["/"]
    chat = io.of("/chat")
    assert dict(namespaces) == {"/": io.sockets, "/chat": chat}
