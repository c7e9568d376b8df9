"""The examples of the documentation, served and talked to."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from tests.support.backends import on_asyncio
from tests.support.clients import PollingClient
from tests.support.peer import join_peer, open_peer, websocket_of
from tests.support.serving import Served

from .snippets import ROOT, run_blocks

Serving = Callable[..., Awaitable[Served]]


def page(name: str) -> dict[str, Any]:
    return run_blocks(ROOT / "docs" / f"{name}.md")


def text_of(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


async def test_events(serving: Serving) -> None:
    served = await serving(page("events")["io"])
    async with join_peer(served.url) as peer:
        await peer.emit("hello", "Ann", ack=0)
        assert await peer.expect("welcome") == ["Good to see you, Ann"]
        assert await peer.acknowledgement(ack=0) == [{"status": "ok"}]
        await peer.emit("report", ack=1)
        assert await peer.expect("progress") == [0.5]
        assert await peer.receive() == '51-["file","report.pdf",{"_placeholder":true,"num":0}]'
        assert await peer.receive() == b"%PDF-1.7 ..."
        assert await peer.expect("done") == []
        assert await peer.acknowledgement(ack=1) == []


async def test_answers(serving: Serving) -> None:
    served = await serving(page("events")["io"])
    async with join_peer(served.url) as peer:
        await peer.send('51-2["upload",{"_placeholder":true,"num":0}]', b"abc")
        assert await peer.acknowledgement(ack=2) == ["received"]
        assert await peer.expect("stored") == [3]
        await peer.emit("delete", "a.txt", ack=3)
        assert await peer.answer(True) == ["confirm", "Delete a.txt?"]
        assert await peer.acknowledgement(ack=3) == [True]


async def test_rooms(serving: Serving) -> None:
    served = await serving(page("rooms")["io"])
    async with join_peer(served.url) as first, join_peer(served.url) as second:
        assert await first.request("enter", "a") == []
        await second.emit("say", "a", "unheard")
        assert await second.request("enter", "a") == []
        await first.expect("entered")
        await second.emit("say", "a", "hello")
        assert await first.expect("said") == ["hello"]
        assert await second.expect("said") == ["hello"]


async def test_a_route_that_emits(serving: Serving) -> None:
    names = page("rooms")
    io: Server = names["io"]

    @io.on("cook")
    async def cook(socket: Socket) -> None:
        await socket.join("kitchen")

    served = await serving(io)
    async with join_peer(served.url) as peer:
        assert await peer.request("cook") == []
        names["order"]()
        assert await peer.expect("order") == [{"table": 7}]


async def test_namespaces(serving: Serving) -> None:
    served = await serving(page("namespaces")["io"])
    async with join_peer(served.url) as peer:
        assert await peer.refused("/admin", {"token": "guess"}) == {"message": "not an admin"}
        sid = await peer.join("/admin", {"token": "secret"})
        await peer.emit("restart", namespace="/admin")
        assert await peer.expect("notice") == ["The server restarts"]
        assert await peer.expect("restarted by", "/admin") == [sid]
        assert await peer.refused("/other") == {"message": "Invalid namespace"}


async def test_namespace_as_a_class(serving: Serving) -> None:
    served = await serving(page("namespaces")["io"])
    async with join_peer(served.url, namespace="/chat") as peer:
        assert await peer.expect("history") == [[]]
        await peer.emit("chat message", "hi")
        assert await peer.expect("chat message") == ["hi"]


async def test_middlewares(serving: Serving) -> None:
    served = await serving(page("middlewares")["io"])
    async with open_peer(served.url) as peer:
        refusal = {"message": "not authorized", "data": {"login": "/login"}}
        assert await peer.refused() == refusal
        await peer.join(auth={"token": "s3cret"})
        assert await peer.request("whoami") == ["Ann"]


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
    async with join_peer(served.url, headers={"X-Tenant": "blue"}) as peer:
        await peer.emit("add", 2, ack=0)
        await peer.emit("add", 3, ack=1)
        assert await peer.acknowledgement(ack=0) == [2]
        assert await peer.acknowledgement(ack=1) == [5]
        assert await peer.request("render", "loud") == ["LOUD"]
        assert await peer.request("tenant") == ["blue"]


async def test_the_life_of_a_connection(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    served = await serving(page("lifecycle")["io"])
    async with join_peer(served.url) as peer:
        assert await peer.request("enter", "Ann") == []
        await peer.emit("log out")
        assert await peer.text() == "1"
        await peer.join()
        await peer.emit("ban me")
        assert await peer.text() == "1"
        assert (await websocket_of(peer).receive_close()).code == 1000
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
    async with join_peer(served.url) as peer:
        assert await peer.expect("cart") == [[]]


@pytest.mark.runtime
async def test_mounted_with_a_lifespan(serving: Serving) -> None:
    served = await serving(page("running")["trio_ready"])
    async with join_peer(served.url):
        pass


@on_asyncio
async def test_mounted_at_a_prefix(serving: Serving) -> None:
    served = await serving(page("running")["api"])
    async with join_peer(served.url, path="/api/live/"):
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
