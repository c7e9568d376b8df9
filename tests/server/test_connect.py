"""Joining a namespace: CONNECT, its answer, and what comes before and after."""

from __future__ import annotations

import json
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import sniffio

from socketio_asgi import ConnectionRefused, Server, Socket
from tests.support.clients import PollingClient
from tests.support.peer import event_packet
from tests.support.waiting import until

from .conftest import Join, Serving
from .support import Connect, add_sync


@pytest.mark.runtime
async def test_the_answer_has_the_public_id(io: Server, join: Join, transport: str) -> None:
    peer = await join(io, transport)
    assert peer.id in io.sockets.sockets
    assert peer.id != peer.sid  # the session id is a secret
    assert len(peer.id) == 20


async def test_auth_reaches_middlewares_and_handlers(
    io: Server, join: Join, transport: str
) -> None:
    seen: list[Any] = []

    @io.use
    async def check(socket: Socket) -> None:
        seen.append(socket.handshake.auth)

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        seen.append(socket.handshake.auth)

    await join(io, transport, auth={"token": "t", "deep": [1, {"a": None}]})
    await until(lambda: len(seen) == 2)
    assert seen == [{"token": "t", "deep": [1, {"a": None}]}] * 2


async def test_no_auth_is_an_empty_dict(io: Server, join: Join) -> None:
    await join(io)
    (socket,) = io.sockets.sockets.values()
    assert socket.handshake.auth == {}


@pytest.mark.parametrize("payload", ['"text"', "[1]", "null", "true"])
async def test_auth_that_is_no_object_breaks_the_protocol(
    io: Server, connect: Connect, payload: str
) -> None:
    peer = await connect(io)
    await peer.send("0" + payload)
    await peer.ended()
    assert not io.sockets.sockets


async def test_the_answer_comes_before_what_the_connection_handler_emits(
    io: Server, join: Join, transport: str
) -> None:
    @io.on("connection")
    async def connected(socket: Socket) -> None:
        socket.emit("welcome", socket.id)

    peer = await join(io, transport)
    assert await peer.expect("welcome") == [peer.id]


@pytest.mark.runtime
async def test_middlewares_run_in_order_sync_and_async(io: Server, join: Join) -> None:
    order: list[str] = []

    @io.use
    async def first(socket: Socket) -> None:
        await anyio.lowlevel.checkpoint()
        order.append("first")

    @io.use
    def second(socket: Socket) -> None:
        order.append("second")

    @io.use
    async def third(socket: Socket) -> None:
        assert not socket.connected
        assert socket.id not in io.sockets.sockets
        order.append("third")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        order.append("connection")

    await join(io)
    await until(lambda: len(order) == 4)
    assert order == ["first", "second", "third", "connection"]


@pytest.mark.parametrize("data", [None, {"code": 42}, 0, False, "", []])
async def test_a_refusal_reaches_the_client_with_its_data(
    io: Server, connect: Connect, transport: str, data: Any
) -> None:
    later: list[str] = []

    @io.use
    async def refuse(socket: Socket) -> None:
        raise ConnectionRefused("not authorized", data=data)

    @io.use
    async def never(socket: Socket) -> None:
        later.append("middleware")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        later.append("connection")

    peer = await connect(io, transport)
    expected = {"message": "not authorized"} | ({} if data is None else {"data": data})
    assert await peer.refused() == expected
    assert later == []
    assert not io.sockets.sockets


async def test_a_plain_middleware_refuses_as_well(io: Server, connect: Connect) -> None:
    @io.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no")

    peer = await connect(io)
    assert await peer.refused() == {"message": "no"}


async def test_a_refused_client_may_try_again(io: Server, connect: Connect) -> None:
    @io.use
    async def check(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "right":
            raise ConnectionRefused("wrong token")

    peer = await connect(io)
    assert await peer.refused(auth={"token": "wrong"}) == {"message": "wrong token"}
    await peer.join(auth={"token": "right"})


async def test_an_exception_in_a_middleware_refuses_and_tells_nothing(
    io: Server, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @io.use
    async def broken(socket: Socket) -> None:
        raise RuntimeError("the password of the database is hunter2")

    peer = await connect(io)
    assert await peer.refused() == {"message": "Internal server error"}
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "middleware" in record.getMessage()
    assert record.exc_info is not None


async def test_refusal_data_without_json_form_refuses_all_the_same(
    io: Server, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @io.use
    async def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no", data=object())

    peer = await connect(io)
    assert (await peer.refused())["message"] in ("no", "Internal server error")
    assert await peer.refused() == await peer.refused()  # the server lives on
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.runtime
async def test_a_client_that_leaves_during_a_middleware_never_connects(
    io: Server, connect: Connect, transport: str
) -> None:
    entered, go_on = anyio.Event(), anyio.Event()
    events: list[str] = []

    @io.use
    async def slow(socket: Socket) -> None:
        entered.set()
        await go_on.wait()
        events.append("slow ended")

    @io.use
    async def next_one(socket: Socket) -> None:
        events.append("next")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        events.append("connection")

    @io.on("disconnect")
    async def disconnected(socket: Socket) -> None:
        events.append("disconnect")

    peer = await connect(io, transport)
    await peer.send("0")
    await entered.wait()
    await peer.send("1")  # DISCONNECT
    await peer.wire.send("1")  # the Engine.IO CLOSE
    await until(lambda: io.engine.clients_count == 0)
    go_on.set()
    await until(lambda: events)
    await anyio.wait_all_tasks_blocked()
    assert events == ["slow ended"]
    assert not io.sockets.sockets


@pytest.mark.runtime
async def test_a_client_can_leave_during_a_middleware_and_come_again(
    io: Server, connect: Connect
) -> None:
    gates = [anyio.Event(), anyio.Event()]
    entered: list[Socket] = []
    connected: list[Socket] = []

    @io.use
    async def slow(socket: Socket) -> None:
        entered.append(socket)
        await gates[len(entered) - 1].wait()

    @io.on("connection")
    async def on_connection(socket: Socket) -> None:
        connected.append(socket)

    peer = await connect(io)
    await peer.send("0")
    await until(lambda: len(entered) == 1)
    await peer.send("1", "0")
    await until(lambda: len(entered) == 2)
    gates[0].set()  # the middleware of the first attempt ends: nothing comes of it
    await anyio.wait_all_tasks_blocked()
    assert connected == []
    gates[1].set()
    assert (await peer.text()).startswith('0{"sid":')
    await until(lambda: connected)
    assert connected == [entered[1]]


@pytest.mark.runtime
@pytest.mark.parametrize("name", ["", "/dynamic,"])
async def test_a_client_that_leaves_with_its_connect_is_asked_about_at_once_or_not_at_all(
    io: Server, connect: Connect, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """On trio, tasks begin a little later than they are started: the client is gone by then."""
    caplog.set_level("WARNING")
    asked: list[Any] = []

    @io.use
    async def middleware(socket: Socket) -> None:
        asked.append(socket.handshake.auth)
        await anyio.lowlevel.checkpoint()

    async def decide(name: str, auth: Any) -> bool:
        asked.append(auth)
        await anyio.lowlevel.checkpoint()
        return False

    io.of(decide)
    peer = await connect(io, "polling")  # where several packets come together
    await peer.send(f'0{name}{{"token":1}}', f"1{name}", f'0{name}{{"token":2}}')
    await peer.receive()
    await until(lambda: {"token": 2} in asked)
    begun = [] if sniffio.current_async_library() == "trio" else [{"token": 1}]
    assert asked == [*begun, {"token": 2}]
    assert not caplog.records


async def test_what_a_middleware_joins_is_kept(io: Server, join: Join) -> None:
    @io.use
    async def assign(socket: Socket) -> None:
        await socket.join("team")
        socket.data["name"] = "Ann"

    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    assert socket.rooms == {"team", socket.id}
    assert socket.data == {"name": "Ann"}
    await io.to("team").emit("hello")
    assert await peer.expect("hello") == []


async def test_a_refused_client_is_in_no_room(io: Server, connect: Connect) -> None:
    sockets: list[Socket] = []

    @io.use
    async def assign(socket: Socket) -> None:
        await socket.join("team")
        sockets.append(socket)
        raise ConnectionRefused

    peer = await connect(io)
    await peer.refused()
    assert io.sockets.adapter.rooms_of(sockets[0].id) == frozenset()


@pytest.mark.parametrize(
    "packet", ['2["hello"]', "30[]", "1", '4{"message":"x"}', "2/admin,[]", '21["hello"]']
)
async def test_packets_before_connect_break_the_protocol(
    io: Server, connect: Connect, transport: str, packet: str
) -> None:
    calls: list[str] = []

    @io.on("hello")
    async def hello(socket: Socket) -> None:
        calls.append("hello")

    peer = await connect(io, transport)
    await peer.send(packet)
    await peer.ended()
    assert calls == []


async def test_events_during_a_middleware_break_the_protocol(io: Server, connect: Connect) -> None:
    entered = anyio.Event()

    @io.use
    async def slow(socket: Socket) -> None:
        entered.set()
        await anyio.sleep(30)

    peer = await connect(io)
    await peer.send("0")
    await entered.wait()
    await peer.send('2["hello"]')
    await peer.ended()


async def test_an_unknown_namespace_is_refused_and_the_session_stays(
    io: Server, join: Join, transport: str
) -> None:
    peer = await join(io, transport)
    assert await peer.refused("/nowhere") == {"message": "Invalid namespace"}
    await peer.sync()


async def test_asking_for_namespaces_makes_none(io: Server, connect: Connect) -> None:
    peer = await connect(io)
    for index in range(20):
        await peer.refused(f"/guess-{index}")
    assert repr(io).endswith(" 1 namespaces>")


async def test_several_namespaces_over_one_connection(
    io: Server, join: Join, transport: str
) -> None:
    admin = io.of("admin")
    add_sync(admin)

    @io.on("who")
    async def who(socket: Socket) -> str:
        return "main"

    @admin.on("who")
    async def who_admin(socket: Socket) -> str:
        return "admin"

    peer = await join(io, transport)
    main_id = peer.id
    admin_id = await peer.join("/admin")
    assert admin_id != main_id
    assert await peer.request("who") == ["main"]
    assert await peer.request("who", namespace="/admin") == ["admin"]
    await admin.emit("news")
    assert await peer.expect("news", "/admin") == []
    await peer.send("1/admin,")
    await until(lambda: not admin.sockets)
    await peer.sync()  # the main namespace is still there
    assert await peer.join("/admin") not in (main_id, admin_id)


async def test_namespaces_have_their_own_middlewares(io: Server, connect: Connect) -> None:
    @io.of("/admin").use
    async def refuse(socket: Socket) -> None:
        raise ConnectionRefused("admins only")

    peer = await connect(io)
    await peer.join()
    assert await peer.refused("/admin") == {"message": "admins only"}
    await peer.sync()


@pytest.mark.runtime
async def test_who_joins_no_namespace_in_time_is_closed(connect: Connect, transport: str) -> None:
    io = Server(connect_timeout=0.1)
    peer = await connect(io, transport)
    await peer.ended()
    await until(lambda: io.engine.clients_count == 0)


async def test_a_refused_client_must_join_in_time_as_well(connect: Connect) -> None:
    io = Server(connect_timeout=0.7)
    peer = await connect(io)
    await peer.refused("/nowhere")
    await peer.ended()


async def test_who_joined_in_time_stays(join: Join) -> None:
    io = Server(connect_timeout=0.7)
    add_sync(io)
    peer = await join(io)
    await anyio.sleep(0.8)
    await peer.sync()


@pytest.mark.parametrize("who", ["client", "server"])
async def test_who_left_the_last_namespace_must_join_in_time(
    join: Join, transport: str, who: str
) -> None:
    io = Server(connect_timeout=0.7)
    add_sync(io)
    io.of("/a")

    @io.on("leave")
    async def leave(socket: Socket) -> None:
        await socket.disconnect()

    peer = await join(io, transport)
    await peer.join("/a")
    await peer.send("1" if who == "client" else '2["leave"]')
    await anyio.sleep(0.8)
    assert io.engine.clients_count == 1  # it is in the other one
    await peer.send("1/a,")
    await peer.ended()
    await until(lambda: io.engine.clients_count == 0)


async def test_who_joins_again_in_time_stays(join: Join) -> None:
    io = Server(connect_timeout=0.7)
    add_sync(io)
    peer = await join(io)
    await peer.send("1")
    await peer.join()
    await anyio.sleep(0.8)
    await peer.sync()


async def test_refusals_give_no_more_time(connect: Connect) -> None:
    io = Server(connect_timeout=0.5)
    peer = await connect(io)
    ended = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            while not ended.is_set():
                await peer.send("0/nowhere,")
                await anyio.sleep(0.05)

        tasks.start_soon(ask)
        await until(lambda: io.engine.clients_count == 0)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_connect_timeout_must_be_positive(value: float) -> None:
    with pytest.raises(ValueError, match="connect_timeout"):
        Server(connect_timeout=value)


@pytest.mark.runtime
class TestEventsWaitForTheConnectionHandler:
    async def test_they_see_what_it_prepared(self, io: Server, join: Join, transport: str) -> None:
        gate = anyio.Event()

        @io.on("connection")
        async def connected(socket: Socket) -> None:
            await gate.wait()
            socket.data["ready"] = True

        @io.on("look")
        async def look(socket: Socket, number: int) -> Any:
            return number, socket.data.get("ready")

        peer = await join(io, transport)
        for number in range(3):
            await peer.emit("look", number, ack=number)
        await peer.roundtrip()
        gate.set()
        assert [await peer.acknowledgement(ack=n) for n in range(3)] == [
            [0, True],
            [1, True],
            [2, True],
        ]

    async def test_acknowledgements_pass(self, io: Server, join: Join, transport: str) -> None:
        answers: list[Any] = []

        @io.on("connection")
        async def connected(socket: Socket) -> None:
            answers.append(await socket.emit_with_ack("question"))

        @io.on("event")
        async def event(socket: Socket) -> None:
            answers.append("event")

        peer = await join(io, transport)
        number, _ = await peer.question("question")
        await peer.send(event_packet("event"), f'3{number}["answer"]')
        await until(lambda: len(answers) == 2)
        assert answers == ["answer", "event"]

    async def test_other_namespaces_do_not_wait(self, io: Server, join: Join) -> None:
        @io.of("/slow").on("connection")
        async def connected(socket: Socket) -> None:
            await anyio.sleep(30)

        peer = await join(io)
        await peer.join("/slow")
        await peer.sync()

    async def test_too_many_pause_reading(self, io: Server, join: Join, transport: str) -> None:
        gate = anyio.Event()
        calls: list[int] = []

        @io.on("connection")
        async def connected(socket: Socket) -> None:
            await gate.wait()

        @io.on("event")
        async def event(socket: Socket, number: int) -> None:
            calls.append(number)

        peer = await join(io, transport)
        await peer.send(*(event_packet("event", number) for number in range(250)))
        await anyio.wait_all_tasks_blocked()
        assert calls == []
        gate.set()
        await until(lambda: len(calls) == 250)
        assert calls == list(range(250))
        await peer.sync()

    async def test_a_connection_handler_that_raises_lets_them_through(
        self, io: Server, join: Join, caplog: pytest.LogCaptureFixture
    ) -> None:
        @io.on("connection")
        async def connected(socket: Socket) -> None:
            raise RuntimeError("oops")

        peer = await join(io)
        await peer.sync()
        assert "connection" in caplog.text

    async def test_who_is_sent_away_by_it_has_no_events(self, io: Server, join: Join) -> None:
        gate = anyio.Event()
        calls: list[str] = []

        @io.on("connection")
        async def connected(socket: Socket) -> None:
            await gate.wait()
            await socket.disconnect()

        @io.on("event")
        async def event(socket: Socket) -> None:
            calls.append("event")

        @io.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            calls.append(reason)

        peer = await join(io)
        await peer.emit("event")
        await peer.roundtrip()
        gate.set()
        assert await peer.text() == "1"
        await until(lambda: calls)
        await anyio.wait_all_tasks_blocked()
        assert calls == ["server namespace disconnect"]


async def test_the_first_answer_to_an_old_client_has_the_handshake_alone(serving: Serving) -> None:
    """Some clients of revision 3 take that answer for one packet."""
    io = Server(allow_eio3=True)

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await socket.emit("welcome")

    served = await serving(io)
    async with PollingClient(served.url, eio="3") as client:
        first = (await client.request("GET")).text
        length, _, packet = first.partition(":")
        assert len(packet) == int(length)
        client.sid = json.loads(packet.removeprefix("0"))["sid"]
        second = (await client.request("GET")).text
        assert second == '2:4013:42["welcome"]'
