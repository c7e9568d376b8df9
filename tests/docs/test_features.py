"""The examples of the pages on single features, served and talked to."""

from __future__ import annotations

import inspect
import json
from typing import Any

import ormsgpack
import pytest

from socketio_asgi import ConnectionStateRecovery, Cookie, Server
from tests.support.clients import PollingClient, connect_engine
from tests.support.waiting import until

from .snippets import ROOT, rows_of
from .test_pages import Serving, joined, page


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
    async with joined(served) as ws:
        await ws.send('420["vote","Tea?"]')
        question = str(await ws.receive())
        number = question.removeprefix("42").partition("[")[0]
        await ws.send(f'43{number}["yes"]')
        assert await ws.receive() == '430[{"yes":1,"missing":0}]'


async def test_the_sockets_of_a_room(serving: Serving) -> None:
    served = await serving(page("rooms")["io"])
    async with joined(served) as first, joined(served) as second:
        await first.send('420["enter","a"]')
        assert await first.receive() == "430[]"
        await second.send('421["close room","a"]')
        assert len(json.loads(str(await second.receive()).removeprefix("431"))[0]) == 1
        await second.send('422["close room","a"]')
        assert await second.receive() == "432[[]]"


async def test_other_servers(serving: Serving) -> None:
    names = page("rooms")
    await serving(names["io"])
    assert await names["ask_the_others"]() == []


async def test_dynamic_namespaces(serving: Serving) -> None:
    names = page("namespaces")
    served = await serving(names["io"])
    async with joined(served, "40/room-42,") as ws:
        assert await ws.receive() == '42/room-42,["entered","/room-42"]'
        await names["close_all_rooms"]()
        assert await ws.receive() == '42/room-42,["closing"]'
        await ws.send("40/tenant-nobody,")
        assert await ws.receive() == '44/tenant-nobody,{"message":"Invalid namespace"}'
        await ws.send("40/tenant-acme,")
        assert str(await ws.receive()).startswith("40/tenant-acme,{")


async def test_listeners(serving: Serving) -> None:
    served = await serving(page("listeners")["io"])
    async with joined(served) as first, joined(served) as second:
        await first.send('42["ready"]')
        assert await first.receive() == '42["start"]'
        await first.send('42["draw",1,2]')
        assert await second.receive() == '42["draw",1,2]'
        await first.send('420["play"]')
        assert await first.receive() == "430[]"
        await first.send('421["move",3]')
        assert await first.receive() == '431["accepted"]'
        await first.send('422["watch me"]')
        assert await first.receive() == "432[]"
        await first.send('42["admin:stop"]')
        assert await first.receive() == '42["refused","admin:stop"]'


async def test_catch_all_listeners(serving: Serving) -> None:
    io: Server = page("listeners")["io"]
    served = await serving(io)
    async with joined(served) as ws:
        (socket,) = io.sockets.sockets.values()
        await ws.send('420["record"]')
        assert await ws.receive() == "430[]"
        await ws.send('42["ready"]')
        assert await ws.receive() == '42["start"]'
        await until(lambda: socket.data["log"] == [("in", "ready"), ("out", "start")])


async def test_recovery(serving: Serving) -> None:
    io: Server = page("recovery")["io"]
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40")
        opened = json.loads(str(await ws.receive()).removeprefix("40"))
        await until(lambda: "news" in io.sockets.sockets[opened["sid"]].rooms)
        io.to("news").emit("first")
        offset = json.loads(str(await ws.receive()).removeprefix("42"))[-1]
    await until(lambda: not io.sockets.sockets)
    io.to("news").emit("missed")
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40" + json.dumps({"pid": opened["pid"], "offset": offset}))
        assert json.loads(str(await ws.receive()).removeprefix("40"))["sid"] == opened["sid"]
        assert str(await ws.receive()).startswith('42["missed",')


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
    async with joined(served) as ws:
        for number in range(3):
            await ws.send(f'42{number}["take","apple"]')
        assert [await ws.receive() for _ in range(3)] == ["430[2]", "431[1]", "432[0]"]


async def test_at_least_once(serving: Serving) -> None:
    served = await serving(page("delivery")["io"])
    async with joined(served) as first:
        await first.send('420["post","hello"]')
        assert [await first.receive(), await first.receive()] == [
            '42["message",0,"hello"]',
            "430[0]",
        ]
    async with joined(served) as second:
        await second.send('42["catch up",0]')
        assert await second.receive() == '42["message",0,"hello"]'


async def test_back_pressure(serving: Serving) -> None:
    served = await serving(page("back-pressure")["io"])
    async with joined(served) as ws:
        await ws.send('420["export",5000]')
        for number in range(5000):
            assert str(await ws.receive()).startswith(f'42["row",{number},')
        assert await ws.receive() == "430[5000]"


async def test_engine(serving: Serving) -> None:
    served = await serving(page("engine")["io"])
    async with PollingClient(served.url) as client:
        response = await client.request("GET")
        assert response.headers["X-Served-By"] == "one"
    async with joined(served) as ws:
        assert await ws.receive() == '42["transport","websocket"]'
        await ws.send('420["whoami"]')
        assert await ws.receive() == '430["nobody"]'


async def test_threads(serving: Serving) -> None:
    served = await serving(page("threads")["io"])
    async with joined(served) as ws:
        assert await ws.receive() == '42["welcome"]'
        assert await ws.receive() == '42["temperature",21.5]'
        await ws.send('420["who is here"]')
        assert len(json.loads(str(await ws.receive()).removeprefix("430"))[0]) == 1
        await ws.send('421["ask back","Why?"]')
        question = str(await ws.receive())
        number = question.removeprefix("42").partition("[")[0]
        await ws.send(f'43{number}["Because."]')
        assert await ws.receive() == '431["Because."]'
