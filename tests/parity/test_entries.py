"""Entries of the official API that no other suite is about."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.adapters import Adapter, LocalNamespace, MemoryAdapter
from socketio_asgi.protocol import DefaultParser
from tests.support.clients import PollingClient, connect_engine
from tests.support.serving import Served
from tests.support.waiting import until

Serving = Callable[..., Awaitable[Served]]


@pytest.mark.parametrize("cleanup", [False, True])
async def test_dynamic_namespaces(serving: Serving, cleanup: bool) -> None:
    io = Server(cleanup_empty_child_namespaces=cleanup)
    parent = io.of(re.compile(r"/room-\d+"))
    made: list[Namespace] = []
    io.on_new_namespace(made.append)
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        for name in ("/room-1", "/room-2"):
            await ws.send(f"40{name},")
            assert str(await ws.receive()).startswith(f"40{name},")
        assert [namespace.name for namespace in made] == ["/room-1", "/room-2"]
        assert list(parent.children.values()) == made
        await ws.send("41/room-1,")
        remaining = ["/room-2"] if cleanup else ["/room-1", "/room-2"]
        await until(lambda: not made[0].sockets)
        await until(lambda: list(parent.children) == remaining)
        await ws.send("40/room-1,")
        assert str(await ws.receive()).startswith("40/room-1,")
        assert len(made) == (3 if cleanup else 2)


async def test_an_adapter_of_ones_own(serving: Serving) -> None:
    made: list[LocalNamespace] = []

    def make(namespace: LocalNamespace) -> Adapter:
        made.append(namespace)
        return MemoryAdapter(namespace)

    io = Server(adapter=make)
    admin = io.of("/admin")
    assert [namespace.name for namespace in made] == ["/", "/admin"]
    assert isinstance(admin.adapter, MemoryAdapter)
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40/admin,")
        await ws.receive()
        admin.emit("hello")
        assert await ws.receive() == '42/admin,["hello"]'


async def test_the_request(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with connect_engine(served.url, headers={"X-Test": "1"}) as (ws, _):
        await ws.send("40")
        await ws.receive()
        (socket,) = io.sockets.sockets.values()
        assert socket.request is socket.handshake.connection
        assert socket.request.headers["x-test"] == "1"


class MarkedParser:
    """A parser whose packets are the default ones, with a mark in front."""

    def __init__(self) -> None:
        self._inner = DefaultParser()

    def encode(self, packet: Any) -> list[str | bytes]:
        first, *rest = self._inner.encode(packet)
        return [f"!{first!s}", *rest]

    def decoder(self) -> Any:
        return MarkedDecoder(self._inner.decoder())


class MarkedDecoder:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def add(self, data: str | bytes) -> Any:
        return self._inner.add(data[1:])

    def reset(self) -> None:
        self._inner.reset()


async def test_a_parser_of_ones_own(serving: Serving) -> None:
    io = Server(parser=MarkedParser())

    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value

    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("4!0")
        assert str(await ws.receive()).startswith("4!0{")
        await ws.send('4!20["echo",1]')
        assert await ws.receive() == "4!30[1]"


@pytest.mark.parametrize("trailing_slash", [True, False])
@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io"])
async def test_both_forms_of_the_path(serving: Serving, path: str, trailing_slash: bool) -> None:
    served = await serving(Server(add_trailing_slash=trailing_slash))
    async with PollingClient(served.url, path=path) as client:
        assert (await client.open())["pingInterval"] == 25_000


@pytest.mark.parametrize(
    ("option", "size", "compressed"),
    [
        (True, 500, False),
        (True, 2000, True),
        (100, 500, True),
        (100, 50, False),
        (False, 2000, False),
    ],
)
async def test_http_compression(
    serving: Serving, option: bool | int, size: int, compressed: bool
) -> None:
    io = Server(http_compression=option)
    served = await serving(io)
    async with PollingClient(served.url, headers={"Accept-Encoding": "gzip"}) as client:
        await client.open()
        await client.post("40")
        await client.poll()
        io.emit("text", "x" * size)
        response = await client.request("GET")
    assert ("content-encoding" in response.headers) is compressed
    assert "x" * size in response.text


async def test_sending_and_asking_with_operators_of_a_socket(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40")
        await ws.receive()
        (socket,) = io.sockets.sockets.values()
        socket.send("hello")
        assert await ws.receive() == '42["message","hello"]'
        socket.compress(False).timeout(1).emit("options")
        assert await ws.receive() == '42["options"]'
        replies: list[Any] = []

        @io.on("ask")
        async def ask(socket: Socket) -> None:
            replies.append(await socket.timeout(5).emit_with_ack("question"))

        await ws.send('42["ask"]')
        question = str(await ws.receive())
        number = question.removeprefix("42").partition("[")[0]
        assert json.loads(question.removeprefix(f"42{number}")) == ["question"]
        await ws.send(f'43{number}["answer"]')
        await until(lambda: replies == ["answer"])
