"""The examples of the documentation, served and talked to."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from tests.support.backends import on_asyncio
from tests.support.clients import PollingClient, WebSocketClient, connect_engine
from tests.support.serving import Served

from .snippets import ROOT, run_blocks

Serving = Callable[..., Awaitable[Served]]


def page(name: str) -> dict[str, Any]:
    return run_blocks(ROOT / "docs" / f"{name}.md")


def text_of(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


@asynccontextmanager
async def joined(
    served: Served, connect: str = "40", **options: Any
) -> AsyncIterator[WebSocketClient]:
    async with connect_engine(served.url, **options) as (ws, _):
        await ws.send(connect)
        assert str(await ws.receive()).startswith(connect.partition("{")[0])
        yield ws


async def test_events(serving: Serving) -> None:
    served = await serving(page("events")["io"])
    async with joined(served) as ws:
        await ws.send('420["hello","Ann"]')
        assert await ws.receive() == '42["welcome","Good to see you, Ann"]'
        assert await ws.receive() == '430[{"status":"ok"}]'
        await ws.send('421["report"]')
        assert await ws.receive() == '42["progress",0.5]'
        header = '451-["file","report.pdf",{"_placeholder":true,"num":0}]'
        assert [await ws.receive(), await ws.receive()] == [header, b"%PDF-1.7 ..."]
        assert [await ws.receive(), await ws.receive()] == ['42["done"]', "431[]"]


async def test_answers(serving: Serving) -> None:
    served = await serving(page("events")["io"])
    async with joined(served) as ws:
        await ws.send('451-2["upload",{"_placeholder":true,"num":0}]')
        await ws.send(b"abc")
        assert [await ws.receive(), await ws.receive()] == ['432["received"]', '42["stored",3]']
        await ws.send('423["delete","a.txt"]')
        question = str(await ws.receive())
        number = question.removeprefix("42").partition("[")[0]
        assert question == f'42{number}["confirm","Delete a.txt?"]'
        await ws.send(f"43{number}[true]")
        assert await ws.receive() == "433[true]"


async def test_rooms(serving: Serving) -> None:
    served = await serving(page("rooms")["io"])
    async with joined(served) as first, joined(served) as second:
        await first.send('420["enter","a"]')
        assert await first.receive() == "430[]"
        await second.send('42["say","a","unheard"]')
        await second.send('420["enter","a"]')
        assert await second.receive() == "430[]"
        assert str(await first.receive()).startswith('42["entered",')
        await second.send('42["say","a","hello"]')
        assert await first.receive() == '42["said","hello"]'
        assert await second.receive() == '42["said","hello"]'


async def test_a_route_that_emits(serving: Serving) -> None:
    names = page("rooms")
    io: Server = names["io"]

    @io.on("cook")
    async def cook(socket: Socket) -> None:
        await socket.join("kitchen")

    served = await serving(io)
    async with joined(served) as ws:
        await ws.send('420["cook"]')
        assert await ws.receive() == "430[]"
        names["order"]()
        assert await ws.receive() == '42["order",{"table":7}]'


async def test_namespaces(serving: Serving) -> None:
    served = await serving(page("namespaces")["io"])
    async with joined(served) as ws:
        await ws.send('40/admin,{"token":"guess"}')
        assert await ws.receive() == '44/admin,{"message":"not an admin"}'
        await ws.send('40/admin,{"token":"secret"}')
        sid = json.loads(str(await ws.receive()).removeprefix("40/admin,"))["sid"]
        await ws.send('42/admin,["restart"]')
        assert await ws.receive() == '42["notice","The server restarts"]'
        assert await ws.receive() == f'42/admin,["restarted by","{sid}"]'
        await ws.send("40/other,")
        assert await ws.receive() == '44/other,{"message":"Invalid namespace"}'


async def test_namespace_as_a_class(serving: Serving) -> None:
    served = await serving(page("namespaces")["io"])
    async with joined(served, "40/chat,") as ws:
        assert await ws.receive() == '42/chat,["history",[]]'
        await ws.send('42/chat,["chat message","hi"]')
        assert await ws.receive() == '42/chat,["chat message","hi"]'


async def test_middlewares(serving: Serving) -> None:
    served = await serving(page("middlewares")["io"])
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40")
        assert await ws.receive() == '44{"message":"not authorized","data":{"login":"/login"}}'
        await ws.send('40{"token":"s3cret"}')
        assert str(await ws.receive()).startswith("40{")
        await ws.send('420["whoami"]')
        assert await ws.receive() == '430["Ann"]'


async def test_allow_request(serving: Serving) -> None:
    names = page("middlewares")
    served = await serving(names["guarded"])
    async with PollingClient(served.url) as client:
        assert (await client.request("GET")).status_code == 403  # without Origin
        response = await client.request("GET", headers={"Origin": served.url})
        assert response.status_code == 200
        names["BLOCKED"].add("127.0.0.1")
        response = await client.request("GET", headers={"Origin": served.url})
        assert response.status_code == 429
        assert response.json() == {"code": 4, "message": "Too many requests"}


async def test_handlers(serving: Serving) -> None:
    names = page("handlers")
    served = await serving(names["app"])
    async with joined(served, headers={"X-Tenant": "blue"}) as ws:
        await ws.send('420["add",2]')
        await ws.send('421["add",3]')
        assert [await ws.receive(), await ws.receive()] == ["430[2]", "431[5]"]
        await ws.send('422["render","loud"]')
        assert await ws.receive() == '432["LOUD"]'
        await ws.send('423["tenant"]')
        assert await ws.receive() == '433["blue"]'


async def test_the_life_of_a_connection(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    served = await serving(page("lifecycle")["io"])
    async with joined(served) as ws:
        await ws.send('420["enter","Ann"]')
        assert await ws.receive() == "430[]"
        await ws.send('42["log out"]')
        assert await ws.receive() == "41"
        await ws.send("40")
        assert str(await ws.receive()).startswith("40{")
        await ws.send('42["ban me"]')
        assert await ws.receive() == "41"
        assert (await ws.receive_close()).code == 1000
    printed = capsys.readouterr().out
    assert printed.count("server namespace disconnect None") == 2


async def test_paths(serving: Serving) -> None:
    names = page("running")
    served = await serving(names["wrapped"])
    async with PollingClient(served.url, path="/live/") as client:
        assert (await client.request("GET")).text in text_of("running").splitlines()
    served = await serving(names["app"])
    for path in ("/socket.io", "/socket.io/"):
        async with PollingClient(served.url, path=path) as client:
            await client.open()


async def test_sessions(serving: Serving) -> None:
    served = await serving(page("running")["shop"])
    async with joined(served) as ws:
        assert await ws.receive() == '42["cart",[]]'


async def test_mounted_with_a_lifespan(serving: Serving) -> None:
    served = await serving(page("running")["trio_ready"])
    async with joined(served):
        pass


@on_asyncio
async def test_mounted_at_a_prefix(serving: Serving) -> None:
    served = await serving(page("running")["api"])
    async with joined(served, path="/api/live/"):
        pass


async def test_refused_origin(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    served = await serving(Server())
    headers = {"Origin": "https://example.com", "Host": "api.example.com"}
    async with PollingClient(served.url, headers=headers) as client:
        with caplog.at_level(logging.WARNING):
            response = await client.request("GET")
    assert response.status_code == 403
    documented = " ".join(text_of("cors").split())
    assert f"`{response.text}`" in documented
    assert caplog.messages[-1].replace("127.0.0.1", "203.0.113.7") in documented
