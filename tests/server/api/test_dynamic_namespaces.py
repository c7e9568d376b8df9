"""Namespaces by regular expression and by function."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import ConnectionRefused, Namespace, Server, Socket
from tests.support.clients import WebSocketClient, connect_engine
from tests.support.serving import Served
from tests.support.waiting import until

Serving = Callable[..., Awaitable[Served]]


@asynccontextmanager
async def connected(io: Server, serving: Serving) -> AsyncIterator[WebSocketClient]:
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        yield ws


async def joins(ws: WebSocketClient, name: str, auth: str = "") -> bool:
    """Ask for a namespace, and tell whether the client may join."""
    await ws.send(f"40{name},{auth}")
    answer = str(await ws.receive())
    assert (
        answer.startswith(f"40{name},{{") or answer == f'44{name},{{"message":"Invalid namespace"}}'
    )
    return answer.startswith("40")


async def test_the_whole_name_has_to_match(serving: Serving) -> None:
    io = Server()
    io.of(re.compile(r"/room-\d+"))
    async with connected(io, serving) as ws:
        assert await joins(ws, "/room-1")
        for name in ("/room-", "/room-1x", "/x/room-1", "/Room-1"):
            assert not await joins(ws, name)


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_decides_with_name_and_auth(serving: Serving, is_async: bool) -> None:
    io = Server()
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def decide(name: str, auth: Mapping[str, Any]) -> bool:
        asked.append((name, auth))
        return bool(auth.get("key") == "secret")

    async def decide_later(name: str, auth: Mapping[str, Any]) -> bool:
        await anyio.lowlevel.checkpoint()
        return decide(name, auth)

    io.of(decide_later if is_async else decide)
    async with connected(io, serving) as ws:
        assert not await joins(ws, "/a")
        assert await joins(ws, "/a", '{"key":"secret"}')
    assert asked == [("/a", {}), ("/a", {"key": "secret"})]


async def test_a_function_that_raises_decides_against(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.of
    def decide(_name: str, _auth: Mapping[str, Any]) -> bool:
        raise LookupError("no database")

    async with connected(io, serving) as ws:
        assert not await joins(ws, "/a")
        await ws.send("40")
        assert str(await ws.receive()).startswith("40{")
    assert "no database" in caplog.text


async def test_the_first_parent_that_takes_a_name_has_it(serving: Serving) -> None:
    io = Server()
    static = io.of("/abc")
    first, second = io.of(re.compile("/a.*")), io.of(re.compile("/.*"))
    async with connected(io, serving) as ws:
        for name in ("/a1", "/b1", "/abc"):
            assert await joins(ws, name)
    assert list(first.children) == ["/a1"]
    assert list(second.children) == ["/b1"]
    assert static.name not in first.children


async def test_children_inherit_handlers_and_middlewares(serving: Serving) -> None:
    io = Server()
    parent = io.of(re.compile("/room-.*"))
    order: list[str] = []

    @parent.use
    async def by_parent(socket: Socket) -> None:
        order.append("parent")
        if socket.handshake.auth.get("banned"):
            raise ConnectionRefused("banned", data={"until": 7})

    @parent.on("connection")
    async def on_connection(socket: Socket) -> None:
        order.append(f"connection {socket.namespace.name}")

    @parent.on("name")
    async def name(socket: Socket) -> str:
        return socket.namespace.name

    @io.on_new_namespace
    def on_new(namespace: Namespace) -> None:
        @namespace.use
        async def by_child(_socket: Socket) -> None:
            order.append("child")

        @namespace.on("own")
        async def own(_socket: Socket) -> str:
            return "of the child"

    async with connected(io, serving) as ws:
        assert await joins(ws, "/room-1")
        await ws.send('42/room-1,1["name"]')
        assert await ws.receive() == '43/room-1,1["/room-1"]'
        await ws.send('42/room-1,2["own"]')
        assert await ws.receive() == '43/room-1,2["of the child"]'
        await ws.send('40/room-2,{"banned":true}')
        assert await ws.receive() == '44/room-2,{"message":"banned","data":{"until":7}}'
    assert order == ["parent", "child", "connection /room-1", "parent"]


async def test_a_parent_reaches_all_children(serving: Serving) -> None:
    io = Server()
    parent = io.of(re.compile("/room-.*"))

    @parent.on("connection")
    async def on_connection(socket: Socket) -> None:
        await socket.join("even" if socket.namespace.name.endswith("2") else "odd")

    async with connected(io, serving) as ws:
        for name in ("/room-1", "/room-2"):
            assert await joins(ws, name)
        await until(
            lambda: all(
                len(s.rooms) == 2 for c in parent.children.values() for s in c.sockets.values()
            )
        )
        parent.emit("all", 1)
        assert [await ws.receive(), await ws.receive()] == [
            '42/room-1,["all",1]',
            '42/room-2,["all",1]',
        ]
        parent.to("even").emit("some")
        assert await ws.receive() == '42/room-2,["some"]'
        parent.except_("even").emit("others")
        assert await ws.receive() == '42/room-1,["others"]'
        with pytest.raises(TypeError, match="one namespace"):
            await parent.fetch_sockets()
        with pytest.raises(TypeError, match="one namespace"):
            await parent.emit_with_ack("all")


async def test_a_client_that_leaves_meanwhile_is_not_connected(serving: Serving) -> None:
    io = Server(cleanup_empty_child_namespaces=True)
    asked, gate = anyio.Event(), anyio.Event()
    joined: list[str] = []

    async def decide(_name: str, _auth: Mapping[str, Any]) -> bool:
        asked.set()
        await gate.wait()
        return True

    parent = io.of(decide)

    @parent.on("connection")
    async def on_connection(socket: Socket) -> None:
        joined.append(socket.id)

    async with connected(io, serving) as ws:
        await ws.send("40/a,")
        await asked.wait()
    await until(lambda: io.engine.clients_count == 0)
    gate.set()
    await until(lambda: not parent.children)
    assert joined == []


async def test_a_refused_client_leaves_no_child_behind(serving: Serving) -> None:
    io = Server(cleanup_empty_child_namespaces=True)
    parent = io.of(re.compile("/room-.*"))

    @parent.use
    async def refuse(_socket: Socket) -> None:
        raise ConnectionRefused("no")

    async with connected(io, serving) as ws:
        await ws.send("40/room-1,")
        assert await ws.receive() == '44/room-1,{"message":"no"}'
        assert not parent.children


async def test_two_clients_ask_for_one_name_at_once(serving: Serving) -> None:
    """The function has not answered either of them: there will be one child all the same."""
    io = Server()
    made: list[str] = []
    gate = anyio.Event()
    asked: list[str] = []

    @io.on_new_namespace
    def on_new(namespace: Namespace) -> None:
        made.append(namespace.name)

    @io.of
    async def decide(name: str, _auth: Mapping[str, Any]) -> bool:
        asked.append(name)
        await gate.wait()
        return True

    served = await serving(io)
    async with connect_engine(served.url) as (one, _), connect_engine(served.url) as (two, _):
        for ws in (one, two):
            await ws.send("40/a,")
        await until(lambda: len(asked) == 2)
        gate.set()
        for ws in (one, two):
            assert str(await ws.receive()).startswith("40/a,{")
        io.of("/a").emit("message")
        for ws in (one, two):
            assert await ws.receive() == '42/a,["message"]'
    assert made == ["/a"]


def test_every_new_namespace_is_reported() -> None:
    io = Server()
    made: list[Namespace] = []
    io.on_new_namespace(made.append)
    chat = io.of("/chat")
    own = io.register(Namespace("/own"))
    assert io.of("/chat") is chat
    io.of("/")
    io.of(re.compile("/room-.*"))  # is no namespace that anybody can join
    assert made == [chat, own]


def test_a_child_is_made_by_its_name() -> None:
    io = Server()
    parent = io.of(re.compile(r"/room-\d+"))
    child = io.of("/room-1")
    assert parent.children == {"/room-1": child}
    assert io.of("/room-1") is child
    io.of("/room-x")
    assert list(parent.children) == ["/room-1"]


@pytest.mark.parametrize("cleanup", [False, True])
async def test_what_is_cleaned_up(serving: Serving, cleanup: bool) -> None:
    io = Server(cleanup_empty_child_namespaces=cleanup)
    static, parent = io.of("/static"), io.of(re.compile("/room-.*"))

    @parent.use
    async def check(socket: Socket) -> None:
        if socket.handshake.auth.get("banned"):
            raise ConnectionRefused("no")

    async def refused(ws: WebSocketClient, name: str) -> None:
        await ws.send(f'40{name},{{"banned":true}}')
        assert await ws.receive() == f'44{name},{{"message":"no"}}'

    served = await serving(io)
    async with connect_engine(served.url) as (one, _), connect_engine(served.url) as (two, _):
        await refused(one, "/room-0")
        assert list(parent.children) == ([] if cleanup else ["/room-0"])
        for name in ("/static", "/room-1"):
            assert await joins(one, name)
        child = parent.children["/room-1"]
        await refused(two, "/room-1")
        assert parent.children["/room-1"] is child  # the other one is still there
        await child.emit("hello")
        assert await one.receive() == '42/room-1,["hello"]'
        for name in ("/static", "/room-1"):
            await one.send(f"41{name},")
        await until(lambda: not (static.sockets or child.sockets))
        assert (
            io._namespaces.find("/static") is static.__socketio__
        )  # it was made by the application
        assert ("/room-1" in parent.children) is not cleanup
        assert await joins(two, "/room-1")
        assert (parent.children["/room-1"] is child) is not cleanup
