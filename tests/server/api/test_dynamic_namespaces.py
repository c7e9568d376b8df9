"""Namespaces by regular expression and by function."""

from __future__ import annotations

import gc
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import ConnectionRefused, Namespace, Server, Socket
from tests.support.clients import PollingClient, WebSocketClient, connect_engine
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


@pytest.mark.parametrize("cleanup", [False, True, None])
async def test_what_is_cleaned_up(serving: Serving, cleanup: bool | None) -> None:
    io = Server() if cleanup is None else Server(cleanup_empty_child_namespaces=cleanup)
    cleanup = cleanup is not False
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
        assert parent.children["/room-1"] is child  # the same one, because it is referred to


NAME = "/room-1"


class Rooms:
    """Dynamic namespaces on a server, and what happened there."""

    def __init__(self, io: Server) -> None:
        self.io = io
        self.parent = io.of(re.compile(r"/room-\d+"))
        self.made: list[str] = []
        self.gate = anyio.Event()
        self.left = 0

        @io.on_new_namespace
        def on_new(namespace: Namespace) -> None:
            self.made.append(namespace.name)
            namespace.state = []

            @namespace.on("own")
            async def own(_socket: Socket) -> str:
                return "of the child"

        @self.parent.on("disconnect")
        async def disconnected(socket: Socket) -> None:
            await self.gate.wait()
            await socket.namespace.emit("left")
            self.left += 1

    async def leave(self, ws: WebSocketClient) -> None:
        """Leave the namespace, and wait until it is gone."""
        await ws.send(f"41{NAME},")
        await until(lambda: not self.parent.children)
        assert self.io._namespaces.find(NAME) is None
        assert len(self.io.__socketio__.adapters._adapters) == 1


async def asks(ws: WebSocketClient, event: str) -> str:
    await ws.send(f'42{NAME},7["{event}"]')
    return str(await ws.receive()).removeprefix(f"43{NAME},7")


@pytest.mark.runtime
async def test_a_child_goes_by_default_and_comes_back(serving: Serving) -> None:
    rooms = Rooms(Server())
    rooms.gate.set()
    async with connected(rooms.io, serving) as ws:
        for number in range(1, 4):
            assert await joins(ws, NAME)
            assert await asks(ws, "own") == '["of the child"]'
            assert rooms.made == [NAME] * number
            await rooms.leave(ws)
            gc.collect()  # with and without the object that it was before


@pytest.mark.runtime
async def test_who_comes_while_a_handler_of_another_one_runs(serving: Serving) -> None:
    """As when a page is loaded again: the handler of its last visit reaches the new one."""
    rooms = Rooms(Server())
    async with connected(rooms.io, serving) as ws:
        assert await joins(ws, NAME)
        kept = rooms.parent.children[NAME]
        await rooms.leave(ws)
        assert await joins(ws, NAME)
        assert rooms.parent.children[NAME] is kept
        rooms.gate.set()
        assert await ws.receive() == f'42{NAME},["left"]'
        assert rooms.made == [NAME] * 2
        assert await asks(ws, "own") == '["of the child"]'
        rooms.io.of(NAME).emit("by name")
        kept.emit("by reference")
        for event in ("by name", "by reference"):
            assert await ws.receive() == f'42{NAME},["{event}"]'


@pytest.mark.parametrize("what", ["handler", "middleware", "server event", "attribute"])
async def test_what_would_not_come_back_keeps_it(serving: Serving, what: str) -> None:
    rooms = Rooms(Server())
    child = rooms.io.of(NAME)
    if what == "handler":
        child.on("later")(lambda _: "registered later")
    elif what == "middleware":
        child.use(lambda _: None)
    elif what == "server event":
        child.on_server_event("event")(lambda: None)
    else:
        child.history = ["hello"]
    child_id = id(child)
    del child
    async with connected(rooms.io, serving) as ws:
        for _ in range(2):
            assert await joins(ws, NAME)
            if what == "handler":
                assert await asks(ws, "later") == '["registered later"]'
            await ws.send(f"41{NAME},")
            await until(lambda: not rooms.io.of(NAME).sockets)
            gc.collect()
            assert id(rooms.parent.children[NAME]) == child_id
    assert rooms.made == [NAME]


@pytest.mark.parametrize("cleanup", [False, True, None])
async def test_a_name_that_a_function_has_accepted(serving: Serving, cleanup: bool | None) -> None:
    """By its name alone, nobody could find its parent again, nor the middlewares of that."""
    io = Server(cleanup_empty_child_namespaces=cleanup)
    parent = io.of(lambda name, _: name == NAME)
    async with connected(io, serving) as ws:
        assert await joins(ws, NAME)
        child = parent.children[NAME]
        await ws.send(f"41{NAME},")
        await until(lambda: not child.sockets)
        assert (NAME in parent.children) is not cleanup
        assert (io.of(NAME) is child) is not cleanup


async def test_many_names_leave_nothing_behind(serving: Serving) -> None:
    io = Server()
    parent = io.of(re.compile(r"/room-\d+"))
    refused: list[str] = []

    @parent.use
    async def middleware(socket: Socket) -> None:
        if socket.namespace.name.endswith("7"):
            refused.append(socket.namespace.name)
            raise ConnectionRefused("no")

    served = await serving(io)
    async with PollingClient(served.url) as client:
        await client.open()
        for first in range(0, 3000, 500):
            names = [f"/room-{number}" for number in range(first, first + 500)]
            await client.post(*(f"40{name}," for name in names))
            # One that was refused has nothing to leave.
            await client.post(*(f"41{name}," for name in names if not name.endswith("7")))
    await until(lambda: not parent.children)
    assert len(refused) == 300
    gc.collect()
    core = parent.__socketio__
    assert (len(core._gone), len(io._namespaces), len(io.__socketio__.adapters._adapters)) == (
        0,
        1,
        1,
    )
