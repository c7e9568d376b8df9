"""Options of a client: mistakes that are told at once, and what the options do."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.client import Client, EventsLost, OfflineBufferFull
from socketio_asgi.protocol import EncodeError
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.support.waiting import until

from .conftest import Serving

MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"url": 3}, TypeError, "url must be text"),
    ({"url": "localhost:3000"}, ValueError, "the url of a server is like https://example.com"),
    ({"url": "ftp://example.com"}, ValueError, "the url of a server"),
    ({"url": "http://example.com:99999"}, ValueError, "no valid port"),
    ({"url": "http://example.com:0"}, ValueError, "no valid port"),
    ({"url": "http://example.com/a,b"}, ValueError, "comma"),
    ({"transport": ["polling"]}, TypeError, "transport"),
    ({"transports": "polling"}, TypeError, "transports must be a list of texts"),
    ({"transports": []}, ValueError, "one or more of"),
    ({"transports": ["polling", "polling"]}, ValueError, "one or more of"),
    ({"transports": ["webtransport"]}, ValueError, "'polling', 'websocket'"),
    ({"auth": "token"}, TypeError, "auth must be a dict"),
    ({"path": "/socket.io/?a=b"}, ValueError, "must not hold a query"),
    ({"query": {"a": 1}}, TypeError, "query must be a dict of texts"),
    ({"headers": {"a": "b\r\nc: d"}}, ValueError, "header"),
    ({"namespaces": "/admin"}, TypeError, "namespaces must be a list"),
    ({"reconnection": 1}, TypeError, "reconnection must be True or False"),
    ({"reconnection_attempts": 0}, ValueError, "reconnection_attempts"),
    ({"reconnection_delay": 0}, ValueError, "reconnection_delay must be a positive number"),
    ({"reconnection_delay_max": 5_000_000}, ValueError, "is in seconds"),
    ({"randomization_factor": 2}, ValueError, "from 0 to 1"),
    ({"randomization_factor": "half"}, TypeError, "from 0 to 1"),
    ({"connect_timeout": -1}, ValueError, "connect_timeout"),
    ({"ack_timeout": "10"}, TypeError, "ack_timeout"),
    ({"retries": -1}, ValueError, "retries"),
    ({"offline_buffer": 1.5}, ValueError, "offline_buffer"),
    ({"max_in_flight": 0}, ValueError, "max_in_flight"),
    ({"parser": object()}, TypeError, "parser must have encode"),
]


@pytest.mark.parametrize(("options", "error", "message"), MISTAKES)
def test_mistakes(options: dict[str, Any], error: type[Exception], message: str) -> None:
    url = options.pop("url", "http://localhost:3000") if "url" in options else "http://localhost"
    with pytest.raises(error, match=message):
        Client(url, **options)


def test_addresses() -> None:
    assert Client("ws://localhost:3000").namespace == "/"
    assert Client("wss://[::1]:3000/admin/").namespace == "/admin/"
    assert Client("https://example.com/chat?room=1").namespace == "/chat"


def test_mistakes_of_handlers() -> None:
    io = Client("http://localhost")
    with pytest.raises(TypeError, match="the name of the event is missing"):
        io.on(print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no server can send the event 'disconnecting'"):
        io.on("disconnecting")
    with pytest.raises(ValueError, match="a manager has no event 'connect'"):
        io.manager.on("connect")
    with pytest.raises(TypeError, match="plain def"):

        @io.manager.on("open")
        async def opened() -> None: ...

    with pytest.raises(ValueError, match="reserved"):
        io.emit("connect")
    with pytest.raises(EncodeError):
        io.emit("x", object())
    with pytest.raises(ValueError, match="timeout"):
        io.timeout(0)


async def test_a_client_that_has_not_begun() -> None:
    io = Client("http://localhost")
    for use in (io.emit_with_ack("x"), io.wait_for("x")):
        with pytest.raises(RuntimeError, match="has not begun"):
            await use
    await io.disconnect()
    await io.close()
    assert not io.connected


def test_the_buffer_without_a_connection_is_bounded() -> None:
    io = Client("http://localhost", offline_buffer=2)
    io.emit("x")
    io.emit("x")
    with pytest.raises(OfflineBufferFull, match="2 events wait"):
        io.emit("x")
    io.volatile.emit("x")
    other = Client("http://localhost", offline_buffer=1, retries=1)
    other.emit("x")
    with pytest.raises(OfflineBufferFull):
        other.emit("x")


async def test_another_parser(serving: Serving) -> None:
    io = Server(parser=MsgpackParser())

    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> Any:
        return args

    served = await serving(io)
    for transport in ("polling", "websocket"):
        async with Client(served.url, transports=[transport], parser=MsgpackParser()) as client:
            values = [1, "é", b"\x00", {"a": [b"b"]}, None]
            assert await client.emit_with_ack_values("echo", *values) == values


async def test_the_last_transport_is_remembered(io: Server, url: str) -> None:
    names: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        names.append(socket.conn.transport.name)

    async with Client(url, remember_upgrade=True, reconnection_delay=0.01) as client:
        await until(lambda: client.manager.transport == "websocket")
        for session in tuple(io.sockets.sockets.values()):
            session.conn.close()
        await until(lambda: len(names) == 2)
    assert names == ["polling", "websocket"]


async def test_handlers_one_after_another(io: Server, url: str) -> None:
    running = 0
    most: list[int] = []

    async def handle(number: int) -> None:
        nonlocal running
        running += 1
        most.append(running)
        await anyio.sleep(0.01)
        running -= 1

    for ordered, expected in ((False, 5), (True, 1)):
        most.clear()
        async with Client(url, ordered=ordered) as client:
            client.on("go")(handle)
            for number in range(5):
                await io.emit("go", number)
            await until(lambda: len(most) == 5)
        assert max(most) == expected


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_too_many_handlers_stop_the_reading(serving: Serving, transport: str) -> None:
    io = Server()
    served = await serving(io)
    release = anyio.Event()
    begun: list[int] = []
    async with Client(served.url, max_in_flight=10, transports=[transport]) as client:

        @client.on("go")
        async def go(number: int, data: str) -> None:
            begun.append(number)
            await release.wait()

        manager = client.__socketio__.manager
        for number in range(300):
            io.emit("go", number, "x" * 10_000)
        await until(lambda: manager.paused)
        await anyio.sleep(0.1)  # for what would come if it were read
        assert 10 <= len(begun) < 300
        release.set()
        await until(lambda: len(begun) == 300)
    assert begun == list(range(300))


async def test_a_stream_that_is_too_slow(io: Server, url: str) -> None:
    async with Client(url) as client, client.stream("go", max_waiting=3) as events:
        for number in range(5):
            await io.emit("go", number)
        await io.emit("end")
        await client.wait_for("end", timeout=5)
        assert [(await anext(events)).data for _ in range(3)] == [0, 1, 2]
        with pytest.raises(EventsLost, match="2 events were dropped"):
            await anext(events)
        await io.emit("go", 6)
        assert (await anext(events)).data == 6
