"""A client that joins a namespace again, and what comes for one that it has left.

The official client says nothing when it leaves before its CONNECT was answered, as React's strict
mode lets it do: it only sends the next CONNECT, and goes by the last answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused, ConnectionStateRecovery, Server, Socket
from socketio_asgi.server import joining
from tests.support.clients import connect_engine
from tests.support.serving import Served
from tests.support.waiting import until

from .conftest import Join
from .support import Connect, add_sync

Serving = Callable[..., Awaitable[Served]]
LEFT = "client namespace disconnect"


class App:
    """A namespace that records who comes and goes; its middleware waits when it is told to."""

    def __init__(self, io: Server, name: str = "/a") -> None:
        self.namespace = io.of(name)
        self.asked: list[Socket] = []
        self.joined: list[Socket] = []
        self.left: list[tuple[Socket, str]] = []
        self.events: list[tuple[Socket, Any]] = []
        self.gates: dict[int, anyio.Event] = {}
        add_sync(self.namespace)

        @self.namespace.use
        async def middleware(socket: Socket) -> None:
            self.asked.append(socket)
            if gate := self.gates.get(len(self.asked)):
                await gate.wait()
            if socket.handshake.auth.get("banned"):
                raise ConnectionRefused("banned")

        @self.namespace.on("connection")
        async def connected(socket: Socket) -> None:
            self.joined.append(socket)

        @self.namespace.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            self.left.append((socket, reason))

        @self.namespace.on("event")
        async def event(socket: Socket, value: Any) -> Any:
            self.events.append((socket, value))
            return value

    def hold(self, attempt: int) -> anyio.Event:
        """Let the middleware wait at that attempt, which is counted from 1."""
        self.gates[attempt] = anyio.Event()
        return self.gates[attempt]


def sid_of(answer: str) -> str:
    assert answer.startswith("0/a,"), answer
    sid: str = json.loads(answer.removeprefix("0/a,"))["sid"]
    return sid


async def test_once_connected_the_first_socket_ends(io: Server, join: Join, transport: str) -> None:
    app = App(io)
    peer = await join(io, transport)
    await peer.send("0/a,")
    first = sid_of(await peer.text())
    await peer.send("0/a,")
    second = sid_of(await peer.text())
    assert first != second
    await until(lambda: len(app.joined) == 2)
    assert [(socket.id, reason) for socket, reason in app.left] == [(first, LEFT)]
    assert not app.left[0][0].connected
    assert list(app.namespace.sockets) == [second]
    assert await peer.request("event", 1, namespace="/a") == [1]
    assert app.events == [(app.joined[1], 1)]
    await peer.sync()  # the other namespace noticed nothing
    assert list(io.sockets.sockets) == [peer.id]


async def test_the_main_namespace_as_well(io: Server, join: Join, transport: str) -> None:
    peer = await join(io, transport)
    first = peer.id
    assert await peer.join() != first
    assert list(io.sockets.sockets) == [peer.id]
    await peer.sync()


async def test_a_join_in_a_middleware_is_abandoned_without_an_answer(
    io: Server, join: Join, transport: str
) -> None:
    app = App(io)
    gate = app.hold(1)
    peer = await join(io, transport)
    await peer.send("0/a,")
    await until(lambda: len(app.asked) == 1)
    await peer.send("0/a,")
    second = sid_of(await peer.text())
    gate.set()
    await peer.sync("/a")  # nothing but that answer has come
    assert app.asked[1].id == second
    assert app.joined == [app.asked[1]]
    assert app.left == []
    assert not app.asked[0].connected
    await peer.sync()


async def test_an_abandoned_join_is_not_refused_either(io: Server, join: Join) -> None:
    app = App(io)
    gate = app.hold(1)
    peer = await join(io)
    await peer.send('0/a,{"banned":true}')
    await until(lambda: len(app.asked) == 1)
    await peer.send("0/a,")
    sid_of(await peer.text())
    gate.set()
    await peer.sync("/a")


async def test_the_handler_of_connection_ends_before_that_of_disconnect(
    io: Server, join: Join, transport: str
) -> None:
    a = io.of("/a")
    gate = anyio.Event()
    log: list[str] = []
    ids: list[str] = []

    @a.on("connection")
    async def connected(socket: Socket) -> None:
        ids.append(socket.id)
        if len(ids) == 1:
            await gate.wait()
        log.append(f"connected {ids.index(socket.id)}")

    @a.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        log.append(f"{reason} {ids.index(socket.id)}")

    peer = await join(io, transport)
    await peer.send("0/a,")
    first = sid_of(await peer.text())
    await until(lambda: ids)
    await peer.send("0/a,")
    assert ids[0] == first
    assert sid_of(await peer.text()) != first
    await until(lambda: log)
    gate.set()
    await until(lambda: len(log) == 3)
    assert log == ["connected 1", "connected 0", f"{LEFT} 0"]


async def test_a_name_that_is_looked_for(io: Server, join: Join, transport: str) -> None:
    gates = [anyio.Event(), anyio.Event()]
    asked: list[Mapping[str, Any]] = []

    async def decide(name: str, auth: Mapping[str, Any]) -> bool:
        asked.append(auth)
        await gates[len(asked) - 1].wait()
        return True

    joined: list[Mapping[str, Any]] = []
    parent = io.of(decide)
    parent.on("connection")(lambda socket: joined.append(socket.handshake.auth))
    peer = await join(io, transport)
    await peer.send('0/a,{"try":1}', '0/a,{"try":2}')
    await until(lambda: len(asked) == 2)
    gates[0].set()
    await peer.sync()
    assert not io.of("/a").sockets
    gates[1].set()
    sid_of(await peer.text())
    await until(lambda: joined)
    assert joined == [{"try": 2}]
    await peer.sync()


async def test_a_state_that_is_looked_for(connect: Connect) -> None:
    io = Server(connection_state_recovery=ConnectionStateRecovery())
    add_sync(io)
    peer = await connect(io)
    pid = json.loads((await peer.connect()).removeprefix("0"))["pid"]
    first = next(iter(io.sockets.sockets))
    await peer.wire.close()
    await until(lambda: not io.sockets.sockets)
    again = await connect(io)
    connect_packet = f'0{{"pid":"{pid}"}}'
    await again.send(connect_packet)
    answers = [json.loads((await again.text()).removeprefix("0"))]
    await again.send(connect_packet)
    answers.append(json.loads((await again.text()).removeprefix("0")))
    assert answers[0]["sid"] == first
    assert answers[1]["sid"] != first
    assert list(io.sockets.sockets) == [answers[1]["sid"]]
    await again.sync()


@pytest.mark.parametrize("refused", [False, True])
async def test_what_the_first_answer_lets_the_client_send_waits_for_the_second(
    io: Server, join: Join, transport: str, refused: bool
) -> None:
    app = App(io)
    gate = app.hold(2)
    peer = await join(io, transport)
    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.send('0/a,{"banned":true}' if refused else "0/a,")
    await until(lambda: len(app.asked) == 2)
    # The official client takes the first answer for that to its second CONNECT.
    await peer.send('2/a,7["event",1]', "3/a,5[]", '2/a,8["event",2]')
    await peer.sync()
    assert app.events == []
    gate.set()
    if refused:
        assert (await peer.text()).startswith("4/a,")
    else:
        sid_of(await peer.text())
        assert [await peer.text(), await peer.text()] == ["3/a,7[1]", "3/a,8[2]"]
        assert app.events == [(app.asked[1], 1), (app.asked[1], 2)]
        await peer.sync("/a")
    await peer.sync()
    connection = next(iter(io.sockets.sockets.values())).__socketio__.connection
    assert connection.in_flight == 0


class Asked:
    """A parent whose function waits when it is asked for the second time."""

    def __init__(self, io: Server) -> None:
        self.count = 0
        self.gate = anyio.Event()
        self.events: list[Any] = []
        parent = io.of(self.decide)

        @parent.on("event")
        async def event(socket: Socket, value: Any) -> Any:
            self.events.append(value)
            return value

    async def decide(self, name: str, _auth: Mapping[str, Any]) -> bool:
        self.count += 1
        if self.count == 2:
            await self.gate.wait()
        return True


async def test_also_while_the_namespace_is_looked_for(connect: Connect) -> None:
    io = Server(cleanup_empty_child_namespaces=True)
    asked = Asked(io)
    peer = await connect(io)
    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.send("1/a,", "0/a,", '2/a,7["event",1]', "3/a,0[]")
    await until(lambda: asked.count == 2)
    asked.gate.set()
    sid_of(await peer.text())
    assert await peer.text() == "3/a,7[1]"
    assert asked.events == [1]


@pytest.mark.parametrize("waiting", ["middleware", "name"])
async def test_the_session_ends_while_events_wait(connect: Connect, waiting: str) -> None:
    io = Server(cleanup_empty_child_namespaces=True)
    add_sync(io)
    if waiting == "name":
        asked = Asked(io)
        gate, events = asked.gate, asked.events
    else:
        app = App(io)
        gate, events = app.hold(2), app.events
    peer = await connect(io)
    await peer.join()
    connection = next(iter(io.sockets.sockets.values())).__socketio__.connection
    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.send("1/a,", "0/a,", '2/a,["event",1]', '2/a,["event",2]')
    await peer.sync()
    assert connection.in_flight == 2
    await peer.wire.close()
    await until(lambda: connection.in_flight == 0)
    gate.set()
    await until(lambda: not io.engine.clients_count)
    assert events == []


async def test_a_client_of_version_2(serving: Serving) -> None:
    io = Server(allow_eio3=True)
    app = App(io)
    served = await serving(io)
    async with connect_engine(served.url, eio="3") as (ws, _):
        assert await ws.receive() == "40"
        for x in (1, 2):
            await ws.send(f"40/a?x={x}")
            assert await ws.receive() == "40/a,"
        await until(lambda: len(app.joined) == 2)
        assert [socket.handshake.auth for socket in app.joined] == [{"x": "1"}, {"x": "2"}]
        assert app.left == [(app.joined[0], LEFT)]
        await ws.send('42/a,7["event",1]')
        assert await ws.receive() == "43/a,7[1]"


async def test_a_handler_of_disconnect_may_close_the_connection(io: Server, join: Join) -> None:
    app = App(io)
    peer = await join(io)

    @io.on("disconnect")
    async def disconnected(socket: Socket) -> None:
        await socket.disconnect(close=True)

    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.send("0")
    await peer.ended()
    await until(lambda: io.engine.clients_count == 0)
    assert not io.sockets.sockets
    assert not app.namespace.sockets


# -- what comes late -----------------------------------------------------------------------------

LATE = [
    ['2/a,["event",1]'],
    ['2/a,7["event",1]'],
    ["3/a,0[]"],
    ["1/a,"],
    ['51-/a,["event",{"_placeholder":true,"num":0}]', b"data"],
]


@pytest.mark.parametrize("packets", LATE, ids=["event", "question", "ack", "disconnect", "binary"])
async def test_late_packets_are_dropped(
    io: Server, join: Join, transport: str, packets: list[Any]
) -> None:
    app = App(io)
    peer = await join(io, transport)
    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.send("1/a,", *packets)
    await peer.sync()
    assert app.events == []
    await peer.send("0/a,")
    sid_of(await peer.text())
    await peer.sync("/a")


async def test_a_client_that_leaves_during_a_middleware_may_say_so_twice(
    io: Server, join: Join
) -> None:
    app = App(io)
    gate = app.hold(1)
    peer = await join(io)
    await peer.send("0/a,")
    await until(lambda: app.asked)
    await peer.send("1/a,", "1/a,")
    await peer.sync()
    gate.set()
    await peer.sync()


async def test_an_answer_that_comes_while_the_client_joins_again(io: Server, join: Join) -> None:
    """The official client sends it whenever its application calls the function."""
    app = App(io)
    peer = await join(io)
    await peer.send("0/a,")
    sid_of(await peer.text())
    gate = app.hold(2)
    await peer.send("1/a,", "0/a,")
    await until(lambda: len(app.asked) == 2)
    await peer.send("3/a,0[]")
    await peer.sync()
    gate.set()
    sid_of(await peer.text())


async def test_a_namespace_that_the_client_never_joined(io: Server, join: Join) -> None:
    App(io)
    peer = await join(io)
    await peer.send("0/b,")
    assert (await peer.text()).startswith("4/b,")  # there is none
    await peer.send('2/b,["event",1]')
    await peer.ended()


async def test_the_names_that_are_remembered_are_few(
    io: Server, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "MAX_LEFT_NAMES", 3)
    io.of(re.compile(r"/room-\d+"))
    peer = await join(io)
    names = [f"/room-{number}" for number in range(5)]
    for name in names:
        await peer.send(f"0{name},")
        assert (await peer.text()).startswith(f"0{name},")
        await peer.send(f"1{name},")
    for name in names:
        await peer.send(f'2{name},["event"]')
    await peer.sync()


def test_names_that_were_left() -> None:
    left = joining.LeftNames()
    for number in range(joining.MAX_LEFT_NAMES):
        left.add(f"/{number}")
    assert "/0" in left
    assert "/other" not in left
    left.discard("/0")
    assert "/0" not in left
    left.add("/0")
    left.add("/one more")
    assert "/0" in left
    assert "/other" in left  # nobody knows any more
    left.discard("/other")
    assert "/other" in left
