"""The examples of the pages on single features, served and talked to."""

from __future__ import annotations

import inspect
from typing import Any

import ormsgpack
import pytest

from socketio_asgi import ConnectionStateRecovery, Cookie, Server
from tests.support.clients import PollingClient, connect_engine
from tests.support.peer import Packet, join_peer, open_peer
from tests.support.waiting import until

from .snippets import ROOT, rows_of
from .test_pages import Serving, page


def documented(page_name: str, heading: str) -> dict[str, str]:
    rows = rows_of(ROOT / "docs" / f"{page_name}.md", heading)
    return {row[0].strip("`"): row[1] for row in rows}


def defaults_of(options: Any) -> dict[str, str]:
    return {
        name: as_text(parameter.default)
        for name, parameter in inspect.signature(options).parameters.items()
    }


def as_text(value: object) -> str:
    return str(value.__name__) if inspect.isfunction(value) else repr(value)


@pytest.mark.parametrize(
    ("page_name", "heading", "options"),
    [
        ("options", "All of them", Server),
        ("options", "Cookie", Cookie),
        ("recovery", "Options", ConnectionStateRecovery),
    ],
    ids=["Server", "Cookie", "ConnectionStateRecovery"],
)
def test_options(page_name: str, heading: str, options: Any) -> None:
    assert documented(page_name, heading) == defaults_of(options)


async def test_asking_many(serving: Serving) -> None:
    served = await serving(page("events")["io"])
    async with join_peer(served.url) as peer:
        await peer.emit("vote", "Tea?", ack=7)
        await peer.answer("yes")
        assert await peer.acknowledgement(ack=7) == [{"yes": 1, "missing": 0}]


async def test_the_sockets_of_a_room(serving: Serving) -> None:
    served = await serving(page("rooms")["io"])
    async with join_peer(served.url) as first, join_peer(served.url) as second:
        assert await first.request("enter", "a") == []
        (closed,) = await second.request("close room", "a")
        assert len(closed) == 1
        assert await second.request("close room", "a") == [[]]


async def test_other_servers(serving: Serving) -> None:
    names = page("rooms")
    await serving(names["io"])
    assert await names["ask_the_others"]() == []


async def test_dynamic_namespaces(serving: Serving) -> None:
    names = page("namespaces")
    served = await serving(names["io"])
    async with join_peer(served.url, namespace="/room-42") as peer:
        assert await peer.expect("entered") == ["/room-42"]
        await names["close_all_rooms"]()
        assert await peer.expect("closing") == []
        assert await peer.refused("/tenant-nobody") == {"message": "Invalid namespace"}
        await peer.join("/tenant-acme")


async def test_listeners(serving: Serving) -> None:
    served = await serving(page("listeners")["io"])
    async with join_peer(served.url) as first, join_peer(served.url) as second:
        await first.emit("ready")
        assert await first.expect("start") == []
        await first.emit("draw", 1, 2)
        assert await second.expect("draw") == [1, 2]
        assert await first.request("play") == []
        assert await first.request("move", 3) == ["accepted"]
        assert await first.request("watch me") == []
        await first.emit("admin:stop")
        assert await first.expect("refused") == ["admin:stop"]


async def test_catch_all_listeners(serving: Serving) -> None:
    io: Server = page("listeners")["io"]
    served = await serving(io)
    async with join_peer(served.url) as peer:
        (socket,) = io.sockets.sockets.values()
        assert await peer.request("record") == []
        await peer.emit("ready")
        assert await peer.expect("start") == []
        await until(lambda: socket.data["log"] == [("in", "ready"), ("out", "start")])


async def test_recovery(serving: Serving) -> None:
    example = page("recovery")
    io: Server = example["io"]
    served = await serving(io)
    async with open_peer(served.url) as peer:
        opened = Packet.parse(await peer.connect()).data
        await until(lambda: "news" in io.sockets.sockets[opened["sid"]].rooms)
        io.in_("news").sockets_join("user ann")
        io.to("news").emit("first")
        (offset,) = await peer.expect("first")
    auth = {"pid": opened["pid"], "offset": offset}
    await until(lambda: not io.sockets.sockets)
    io.to("news").emit("missed")
    async with open_peer(served.url) as peer:
        missed = Packet.parse(await peer.connect(auth=auth))
        assert missed.data[0] == "missed"  # before the answer
        assert (await peer.packet()).data == opened
    await until(lambda: not io.sockets.sockets)
    await example["ban"]("ann")
    async with open_peer(served.url) as peer:
        assert await peer.join(auth=auth) != opened["sid"]


async def test_msgpack(serving: Serving) -> None:
    served = await serving(page("parsers")["io"])
    async with connect_engine(served.url) as (ws, _):
        await ws.send(ormsgpack.packb({"type": 0, "nsp": "/"}))
        assert unpack(await ws.receive())["type"] == 0
        await ws.send(ormsgpack.packb({"type": 2, "nsp": "/", "data": ["read", "a"], "id": 1}))
        reading = {"sensor": "a", "celsius": 21.5, "at": "2030-01-01T00:00:00+00:00"}
        assert unpack(await ws.receive()) == {"type": 3, "nsp": "/", "data": [reading], "id": 1}


def unpack(message: str | bytes) -> dict[str, object]:
    assert isinstance(message, bytes)
    unpacked: dict[str, object] = ormsgpack.unpackb(message)
    return unpacked


async def test_own_parser(serving: Serving) -> None:
    io: Server = page("parsers")["plain"]

    @io.on("echo")
    async def echo(socket: object, value: object) -> object:
        return value

    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send('4[0,"/",null,null]')
        assert str(await ws.receive()).startswith('4[0, "/", {"sid"')
        await ws.send('4[2,"/",["echo","a"],5]')
        assert await ws.receive() == '4[3, "/", ["a"], 5]'
        await ws.send("4[2]")
        await ws.receive_close()


async def test_order(serving: Serving) -> None:
    served = await serving(page("delivery")["io"])
    async with join_peer(served.url) as peer:
        for number in range(3):
            await peer.emit("take", "apple", ack=number)
        assert [await peer.text() for _ in range(3)] == ["30[2]", "31[1]", "32[0]"]


async def test_at_least_once(serving: Serving) -> None:
    served = await serving(page("delivery")["io"])
    async with join_peer(served.url) as first:
        await first.emit("post", "hello", ack=7)
        assert await first.expect("message") == [0, "hello"]
        assert await first.acknowledgement(ack=7) == [0]
    async with join_peer(served.url) as second:
        await second.emit("catch up", 0)
        assert await second.expect("message") == [0, "hello"]


async def test_back_pressure(serving: Serving) -> None:
    served = await serving(page("back-pressure")["io"])
    async with join_peer(served.url) as peer:
        await peer.emit("export", 5000, ack=7)
        for number in range(5000):
            assert (await peer.expect("row"))[0] == number
        assert await peer.acknowledgement(ack=7) == [5000]


async def test_engine(serving: Serving) -> None:
    served = await serving(page("engine")["io"])
    async with PollingClient(served.url) as client:
        response = await client.request("GET")
        assert response.headers["X-Served-By"] == "one"
    async with join_peer(served.url) as peer:
        assert await peer.expect("transport") == ["websocket"]
        assert await peer.request("whoami") == ["nobody"]


async def test_threads(serving: Serving) -> None:
    served = await serving(page("threads")["io"])
    async with join_peer(served.url) as peer:
        assert await peer.expect("welcome") == []
        assert await peer.expect("temperature") == [21.5]
        (here,) = await peer.request("who is here")
        assert len(here) == 1
        await peer.emit("ask back", "Why?", ack=7)
        await peer.answer("Because.")
        assert await peer.acknowledgement(ack=7) == ["Because."]
