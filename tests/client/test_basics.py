"""A client and a server of ours: connecting, events, acknowledgements, namespaces, leaving."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused, Server, Socket
from socketio_asgi.client import Client, ClientSocket, ReceivedEvent
from socketio_asgi.exceptions import AckTimeout, ConnectError, ConnectionLost, TransportError
from tests.support.ports import listening_socket
from tests.support.residue import no_residue
from tests.support.waiting import until

VALUES: list[Any] = [
    *(None, True, 0, -1.5, 2**53, "", "text \u2028 \U0001f600", [], {}, {"": [None, {"a": "b"}]}),
    *(b"", b"\x00\xff", {"deep": [b"\x01", {"er": b"\x02"}]}),
]


pytestmark = pytest.mark.runtime


@pytest.fixture(autouse=True)
def _echo(io: Server) -> None:
    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> Any:
        return args

    @io.on("again")
    async def again(socket: Socket, *args: Any) -> None:
        await socket.emit("again", *args)

    @io.on("ask me")
    async def ask_me(socket: Socket, *args: Any) -> Any:
        return await socket.emit_with_ack("question", *args, timeout=5)

    @io.on("never")
    async def never(socket: Socket, *, ack: Any) -> None:
        """Keep the acknowledgement."""

    @io.on("leave")
    async def leave(socket: Socket) -> None:
        await socket.disconnect()

    @io.on("cut")
    async def cut(socket: Socket) -> None:
        socket.conn.close()


async def test_any_value_both_ways(url: str, transports: dict[str, Any]) -> None:
    async with no_residue(), Client(url, **transports) as io:
        assert io.connected
        assert io.id
        assert await io.emit_with_ack_values("echo", *VALUES) == VALUES
        await io.emit("again", *VALUES)
        received = await io.wait_for("again", timeout=5)
        assert received == ReceivedEvent("again", tuple(VALUES))


async def test_order_under_load(url: str, transports: dict[str, Any]) -> None:
    got: list[int] = []
    async with Client(url, **transports) as io:

        @io.on("again")
        async def again(number: int, data: bytes) -> None:
            got.append(number)

        for number in range(500):
            io.emit("again", number, b"x" * (number % 7))
        await until(lambda: len(got) == 500)
    assert got == list(range(500))


async def test_the_session_moves_on_to_websocket(url: str) -> None:
    names: list[str] = []
    async with Client(url) as io:

        @io.manager.on("upgrade")
        def upgraded(name: str) -> None:
            names.append(name)

        await until(lambda: names == ["websocket"])
        assert await io.emit_with_ack("echo", 1) == 1


async def test_questions_of_the_server(url: str, transports: dict[str, Any]) -> None:
    async with Client(url, **transports) as io:

        @io.on("question")
        async def question(first: int, second: bytes = b"") -> Any:
            return first + 1, second

        assert await io.emit_with_ack("ask me", 1, b"x") == 2


async def test_handlers_validate_and_answer_errors(url: str) -> None:
    async with Client(url) as io:

        @io.on("question")
        async def question(number: int) -> int:
            return number

        answer = await io.emit_with_ack("ask me", "no number")
        assert answer["error"]["code"] == "validation"


async def test_a_plain_function_runs_in_a_thread(url: str) -> None:
    async with Client(url) as io:

        @io.on("question")
        def question(text: str) -> str:
            return text.upper()

        assert await io.emit_with_ack("ask me", "a") == "A"


async def test_the_first_of_several_handlers_answers(url: str) -> None:
    seen: list[str] = []
    async with Client(url) as io:

        @io.on("question")
        async def first() -> str:
            return "first"

        @io.on("question")
        async def second() -> str:
            seen.append("second")
            return "second"

        assert await io.emit_with_ack("ask me") == "first"
        assert seen == ["second"]
        io.off("question", first)
        assert await io.emit_with_ack("ask me") == "second"


async def test_a_handler_answers_by_its_ack(url: str) -> None:
    async with Client(url) as io:

        @io.on("question")
        async def question(*, ack: Any) -> None:
            await ack("later")

        assert await io.emit_with_ack("ask me") == "later"


async def test_no_answer_in_time(url: str) -> None:
    async with Client(url) as io:
        with pytest.raises(AckTimeout):
            await io.emit_with_ack("never", timeout=0.05)


async def test_no_answer_because_the_connection_ends(url: str) -> None:
    async with (
        Client(url, reconnection_delay=0.01) as client,
        anyio.create_task_group() as tasks,
    ):

        async def ask() -> None:
            with pytest.raises(ConnectionLost):
                await client.emit_with_ack("never")

        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        client.emit("cut")


async def test_lifecycle(url: str, transports: dict[str, Any]) -> None:
    seen: list[Any] = []
    client = Client(url, reconnection_delay=0.01, **transports)

    @client.on("connect")
    async def connected() -> None:
        seen.append("connect")

    @client.on("disconnect")
    async def disconnected(reason: str, detail: Any) -> None:
        seen.append(reason)

    async with client:
        await until(lambda: seen == ["connect"])
        client.emit("cut")
        await until(lambda: seen[-1] == "connect" and len(seen) == 3)
        await client.emit("leave")
        await client.wait()
        assert not client.active
        await client.connect()
        assert client.connected
    assert seen[1] in ("transport close", "transport error")
    assert seen[3:] == ["io server disconnect", "connect", "io client disconnect"]


async def test_manager_events_of_a_reconnection(url: str) -> None:
    seen: list[Any] = []
    async with Client(url, reconnection_delay=0.01) as io:
        for event in ("close", "reconnect_attempt", "open", "reconnect"):
            io.manager.on(event)(lambda *args, event=event: seen.append((event, *args)))
        io.emit("cut")
        await until(lambda: bool(seen) and seen[-1][0] == "reconnect")
    assert [event for event, *_ in seen[:4]] == ["close", "reconnect_attempt", "open", "reconnect"]
    assert seen[1][1:] == (1,)


async def test_namespaces_share_a_connection(io: Server, url: str) -> None:
    admin = io.of("/admin")

    @admin.use
    async def check(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "secret":
            raise ConnectionRefused("who are you?", {"code": 42})

    @admin.on("hello")
    async def hello(socket: Socket) -> str:
        return "admin"

    client = Client(url, namespaces=["/admin"])
    with pytest.raises(ConnectionRefused, match="who are you") as caught:
        await client.__aenter__()
    assert caught.value.data == {"code": 42}
    async with no_residue(), Client(url) as client:
        admins = client.of("/admin", auth={"token": "secret"})
        assert isinstance(admins, ClientSocket)
        assert client.of("admin") is admins
        await admins.connect()
        assert await admins.emit_with_ack("hello") == "admin"
        await until(lambda: io.engine.clients_count == 1)
        await client.disconnect()
        assert await admins.emit_with_ack("hello") == "admin"
        await admins.disconnect()
        await until(lambda: io.engine.clients_count == 0)


async def test_auth_is_asked_for_each_time(io: Server, url: str) -> None:
    seen: list[Any] = []

    @io.use
    async def note(socket: Socket) -> None:
        seen.append(socket.handshake.auth)

    count = 0

    async def auth() -> dict[str, int]:
        nonlocal count
        count += 1
        return {"count": count}

    async with Client(url, auth=auth, reconnection_delay=0.01) as client:
        client.emit("cut")
        await until(lambda: len(seen) == 2 and client.connected)
    assert seen == [{"count": 1}, {"count": 2}]


async def test_an_auth_function_that_raises(url: str) -> None:
    def auth() -> dict[str, int]:
        raise LookupError("no token")

    with pytest.raises(ConnectError, match="no token"):
        async with Client(url, auth=auth):
            raise AssertionError("it must not connect")


async def test_events_wait_for_the_connection(url: str) -> None:
    client = Client(url)
    client.emit("again", 1)
    client.emit("again", 2)
    async with client:
        assert [(await client.wait_for("again", timeout=5)).data] == [1]


async def test_events_as_they_come(url: str) -> None:
    got: list[Any] = []
    async with Client(url) as io:

        async def collect() -> None:
            got.extend([event.data async for event in io.events("again")])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            await anyio.wait_all_tasks_blocked()
            for number in range(5):
                io.emit("again", number)
            assert await io.emit_with_ack("echo", 1) == 1
            await io.disconnect()
    assert got == [0, 1, 2, 3, 4]


async def test_volatile_events_are_dropped_without_a_connection(url: str) -> None:
    got: list[int] = []
    client = Client(url)
    client.volatile.emit("again", 1)
    async with client:
        client.on("again")(got.append)
        assert await client.emit_with_ack("echo", 1) == 1
    assert got == []


async def test_nobody_is_there() -> None:
    with listening_socket() as sock:
        port = sock.getsockname()[1]
    async with no_residue():
        with pytest.raises(TransportError):
            async with Client(f"http://127.0.0.1:{port}"):
                raise AssertionError("it must not connect")


async def test_retries_deliver_in_order(io: Server, url: str) -> None:
    got: list[int] = []

    @io.on("count")
    async def counted(socket: Socket, number: int) -> None:
        got.append(number)

    async with Client(url, retries=3, ack_timeout=1, reconnection_delay=0.01) as client:
        for number in range(10):
            client.emit("count", number)
        await client.emit("count", 10)
    assert got == list(range(11))
