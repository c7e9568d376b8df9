"""The client of tests: events, acknowledgements, refusals, namespaces, errors."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused, Event, Server, Socket
from socketio_asgi.testing import TestServer, connect
from tests.support.backends import serves

pytestmark = pytest.mark.runtime

each_transport = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids="-".join
)


def make_server(**options: Any) -> Server:
    io = Server(**options)

    @io.on("echo")
    async def echo(socket: Socket, *values: Any) -> Any:
        return values

    @io.on("join")
    async def join(socket: Socket, room: str) -> None:
        await socket.join(room)

    @io.on("say")
    async def say(socket: Socket, room: str, text: str) -> None:
        await socket.to(room).emit("said", text)

    @io.on("broken")
    async def broken(socket: Socket) -> None:
        raise ZeroDivisionError("broken")

    return io


@each_transport
async def test_events_and_acknowledgements(transports: list[str]) -> None:
    async with connect(make_server(), transports=transports) as client:
        assert client.connected
        assert client.transport == transports[-1]
        assert await client.emit_with_ack("echo", {"a": [1, b"\x00"]}) == {"a": [1, b"\x00"]}
        assert await client.emit_with_ack_values("echo", 1, 2) == [1, 2]


@serves  # on uvloop, too
@each_transport
async def test_several_clients(transports: list[str]) -> None:
    io = make_server()
    async with connect(io) as ann, connect(io, transports=transports) as bob, connect(io) as eve:
        await bob.emit_with_ack("join", "friends")
        await ann.emit("say", "friends", "hello")
        await ann.emit("say", "friends", "again")
        assert await bob.received("said") == "hello"
        assert await bob.received("said") == "again"
        await bob.assert_nothing_received()
        await eve.assert_nothing_received("said")
        assert ann.id != bob.id
    assert io.engine.clients_count == 0


async def test_events_are_kept_from_the_connection_on() -> None:
    io = make_server()

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await socket.emit("welcome")
        await socket.emit("pair", 1, "two")
        await socket.emit("nothing", None)

    async with connect(io) as client:
        assert [event.name for event in client.history] == ["welcome", "pair", "nothing"]
        assert await client.received("pair") == (1, "two")
        assert (await client.next_event()).name == "welcome"
        assert await client.received("nothing") is None
        await client.assert_nothing_received()
        assert client.history[1].args == (1, "two")


async def test_declared_events() -> None:
    news = Event("news", str)
    io = make_server()
    async with connect(io) as client:
        await io.emit(news, "hello")
        assert await client.received(news) == "hello"
        await client.assert_nothing_received(news)


async def test_what_does_not_come() -> None:
    io = make_server()
    async with connect(io) as client:
        await io.emit("Said", "hello")
        await io.emit("other", 1, 2)
        assert await client.received("other") == (1, 2)
        with pytest.raises(AssertionError) as caught:
            await client.received("said", timeout=0.01)
        lines = str(caught.value).splitlines()
        assert lines[0].endswith("within 0.01 seconds; 'Said' did")
        assert lines[0].startswith("no 'said' came to <TestClient / ")
        assert lines[1:] == [
            "what came so far:",
            "  1. 'Said': 'hello'",
            "  2. (seen) 'other': 1, 2",
        ]
        with pytest.raises(AssertionError, match="did not expect:\n  'Said': 'hello'"):
            await client.assert_nothing_received()
        with pytest.raises(AssertionError, match="did not expect"):
            await client.assert_nothing_received("Said")
        await client.assert_nothing_received("other")
        with pytest.raises(AssertionError, match="was not disconnected"):
            await client.disconnected(timeout=0.01)


async def test_nothing_comes_to_a_client_that_has_left() -> None:
    io = make_server()
    async with connect(io) as client:
        await io.disconnect_sockets()
        assert await client.disconnected() == "io server disconnect"
        with pytest.raises(AssertionError, match="none will: it is not connected\nnothing came"):
            await client.received("news")


async def test_handlers_in_threads_are_waited_for() -> None:
    io = make_server()

    @io.on("slow")
    def slow(socket: Socket) -> None:
        io.emit("done")

    async with connect(io) as ann, connect(io) as bob:
        await ann.emit("slow")
        with pytest.raises(AssertionError, match="'done'"):
            await bob.assert_nothing_received()


async def test_refusals() -> None:
    io = make_server()

    @io.use
    async def authenticate(socket: Socket) -> None:
        if socket.handshake.auth != {"token": "abc"}:
            raise ConnectionRefused("not authorized", data={"code": 42})

    async with TestServer(io) as server:
        with pytest.raises(ConnectionRefused, match="not authorized") as caught:
            async with server.connect(auth={"token": "wrong"}):
                pass
        assert caught.value.data == {"code": 42}
        assert caught.value.__notes__ == ["data: {'code': 42}"]
        async with server.connect(auth={"token": "abc"}) as client:
            assert client.connected
    with pytest.raises(ConnectionRefused, match="Invalid namespace"):
        async with connect(io, "/absent"):
            pass


async def test_namespaces() -> None:
    io = make_server()
    admin = io.of("/admin")

    @admin.on("ask")
    async def ask(socket: Socket, value: int) -> int:
        await socket.emit("asked", value)
        return value + 1

    async with connect(io, "/admin") as client:
        assert client.namespace == "/admin"
        assert await client.emit_with_ack("ask", 1) == 2
        assert await client.received("asked") == 1
    async with connect(io, namespaces=["/admin"]) as client:
        inner = client.of("/admin")
        assert await inner.emit_with_ack("ask", 1) == 2
        assert await inner.received("asked") == 1
        await client.assert_nothing_received()
        assert await client.emit_with_ack("echo", 5) == 5


async def test_the_client_answers_the_server() -> None:
    io = make_server()
    async with connect(io) as client:

        @client.on("question")
        async def question(value: int) -> int:
            return value * 2

        socket = next(iter(io.sockets.sockets.values()))
        assert await socket.emit_with_ack("question", 21, timeout=5) == 42


async def test_errors_of_handlers_reach_the_test() -> None:
    async with connect(make_server()) as client:
        with pytest.raises(ZeroDivisionError):
            await client.emit_with_ack("broken")
        await client.emit("broken")
        with pytest.raises(ZeroDivisionError):
            await client.received("never")
        await client.emit("broken")
        with pytest.raises(ZeroDivisionError):
            await client.assert_nothing_received()
    with pytest.raises(ZeroDivisionError):
        async with connect(make_server()) as client:
            await client.emit("broken")


async def test_errors_that_the_client_is_told_of() -> None:
    async with connect(make_server(), raise_server_exceptions=False) as client:
        answer = await client.emit_with_ack("broken")
        assert answer["error"]["code"] == "internal"
    async with connect(make_server()) as client:
        answer = await client.emit_with_ack("join", 1)
        assert answer["error"]["code"] == "validation"


async def test_a_middleware_that_is_broken() -> None:
    io = make_server()

    @io.use
    async def broken(socket: Socket) -> None:
        raise KeyError("token")

    with pytest.raises(KeyError, match="token"):
        async with connect(io):
            pass


async def test_a_handler_of_the_client_that_is_broken() -> None:
    io = make_server()

    async def use() -> None:
        async with connect(io) as client:

            @client.on("news")
            async def news(value: int) -> None:
                assert value == 2, "it is not two"

            await io.emit("news", 1)

    with pytest.raises(AssertionError, match="not two"):
        await use()


async def test_the_error_of_the_test_comes_as_it_is() -> None:
    async def fail() -> None:
        async with connect(make_server()):
            raise LookupError("that of the test")

    with pytest.raises(LookupError, match="that of the test"):
        await fail()


async def test_handshake() -> None:
    io = make_server(cookie=True)
    seen: list[Any] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        seen.append(socket.handshake)

    options: Any = {
        "auth": {"a": 1},
        "headers": {"X-Test": "1"},
        "cookies": {"session": "abc"},
        "query": {"room": "7"},
        "client_address": ("10.0.0.1", 1234),
        "base_url": "https://example.com",
    }
    async with connect(io, transports=["polling"], **options) as client:
        assert client.cookies.keys() == {"session", "io"}
    (handshake,) = seen
    assert handshake.auth == {"a": 1}
    assert handshake.query["room"] == "7"
    assert handshake.headers["x-test"] == "1"
    assert handshake.headers["cookie"] == "session=abc"
    assert handshake.headers["host"] == "example.com"
    assert handshake.secure
    assert handshake.address == "10.0.0.1"


async def test_mistakes() -> None:
    io = make_server()
    async with connect(io):
        with pytest.raises(RuntimeError, match="served already"):
            async with connect(io, raise_server_exceptions=False):
                pass
        connect_any: Any = connect
        with pytest.raises(TypeError, match="colour"):
            async with connect_any(io, colour="red"):
                pass


@each_transport
async def test_the_reason_of_a_client_that_leaves(transports: list[str]) -> None:
    io = make_server()
    reasons: list[str] = []

    @io.on("disconnect")
    async def left(socket: Socket, reason: str) -> None:
        reasons.append(reason)

    async with TestServer(io) as server:
        for _ in range(10):
            async with server.connect(transports=transports):
                pass
    assert reasons == ["client namespace disconnect"] * 10


async def test_concurrent_clients() -> None:
    io = make_server()
    async with TestServer(io) as server, anyio.create_task_group() as tasks:

        async def use(number: int) -> None:
            async with server.connect(transports=["polling", "websocket"]) as client:
                assert await client.emit_with_ack("echo", number) == number

        for number in range(20):
            tasks.start_soon(use, number)
