"""Statistics, production mode, and the life of both."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.admin import instrument
from tests.support.backends import serves
from tests.support.peer import open_peer
from tests.support.residue import no_residue
from tests.support.serving import serve
from tests.support.waiting import until

from .conftest import Connect, OpenPage
from .support import FEATURES, Page

pytestmark = pytest.mark.runtime


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketio_asgi.admin.instrumentation.STATS_SECONDS", 0.05)


async def counted(page: Page, **wanted: int) -> None:
    """Wait until the page has heard of as many of each kind."""
    found: Counter[str] = Counter()
    while any(found[name] < count for name, count in wanted.items()):
        (stats,) = await page.wait_for("server_stats")
        for each in stats["aggregatedEvents"]:
            assert each["timestamp"] % 1000 == 0
            assert abs(each["timestamp"] / 1000 - time.time()) < 60
            assert ("subType" in each) == (each["type"] == "rawDisconnection")
            found[each["type"]] += each["count"]
    assert {name: found[name] for name in wanted} == wanted


async def test_numbers(open_page: OpenPage, connect: Connect) -> None:
    io = Server()
    io.of("/chat")
    instrument(io, auth=False, server_id="one", mode="production")
    page = await open_page(io)
    peers = [await connect(io, transport) for transport in ("websocket", "polling", "polling")]
    for peer in peers:
        await peer.join("/chat")
    (stats,) = await page.wait_for(
        "server_stats", lambda each: each["namespaces"][1]["socketsCount"] == 3
    )
    assert stats.pop("uptime") > 0
    stats.pop("aggregatedEvents")
    assert stats == {
        "serverId": "one",
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "clientsCount": 4,
        "pollingClientsCount": 2,
        "namespaces": [
            {"name": "/", "socketsCount": 0},
            {"name": "/chat", "socketsCount": 3},
            {"name": "/admin", "socketsCount": 1},
        ],
    }
    await peers[1].close()
    await page.wait_for("server_stats", lambda each: each["pollingClientsCount"] == 1)


async def test_connections_are_counted(open_page: OpenPage, connect: Connect) -> None:
    io = Server()
    instrument(io, auth=False, mode="production")
    page = await open_page(io)
    await page.wait_for("server_stats")
    page.log.clear()
    for _ in range(3):
        peer = await connect(io)
        await peer.join()
        await peer.close()
    await counted(page, rawConnection=3, rawDisconnection=3)
    names = {each["type"] for event in page.log for each in event[1]["aggregatedEvents"]}
    assert names == {"rawConnection", "rawDisconnection"}


async def test_packets_are_counted_where_that_is_wanted(
    open_page: OpenPage, connect: Connect
) -> None:
    io = Server()

    @io.on("event")
    async def event(socket: Any, value: str) -> None: ...

    instrument(io, auth=False, mode="production", count_packets=True)
    page = await open_page(io)
    await page.wait_for("server_stats")
    page.log.clear()
    peer = await connect(io)
    await peer.join()
    await peer.send('2["event","ä"]')
    await counted(page, packetsIn=2)
    events = [each for event in page.log for each in event[1]["aggregatedEvents"]]
    size = sum(each["count"] for each in events if each["type"] == "bytesIn")
    assert size == len("0") + len('2["event","ä"]'.encode())


async def test_production_shows_statistics_alone(open_page: OpenPage, connect: Connect) -> None:
    io = Server()

    @io.on("event")
    async def event(socket: Any) -> None:
        await socket.join("room")
        socket.data["a"] = 1
        await socket.emit("answer")

    instrument(io, auth=False, mode="production")
    page = await open_page(io)
    (config,) = await page.wait_for("config")
    assert config == {"supportedFeatures": [*FEATURES, "AGGREGATED_EVENTS"]}
    peer = await connect(io)
    await peer.join()
    await peer.emit("event")
    assert await peer.event() == ["answer"]
    await peer.leave()
    await page.wait_for("server_stats")
    await page.wait_for("server_stats")
    assert {event[0] for event in page.log} == {"config", "server_stats"}


async def test_production_costs_no_event_anything(connect: Connect) -> None:
    io = Server()

    @io.on("event")
    async def event(socket: Any) -> None: ...

    instrument(io, auth=False, mode="production")
    peer = await connect(io)
    sid = await peer.join()
    core = io.sockets.sockets[sid].__socketio__
    assert core.listeners is None  # the short way of events
    assert io.sockets.adapter.observer is None
    assert io.__socketio__.observers.calls is None
    observers = core.connection.session._observers
    assert observers is not None
    assert (observers.receiving, observers.sending) == ((), ())
    handler: Any = io.sockets.__socketio__.handlers.event("event")
    assert handler.simple


@serves
async def test_nothing_is_left_behind() -> None:
    async with no_residue():
        io = Server()
        instrument(io, auth=False)
        async with serve(io) as served, open_peer(served.url, namespace="/admin") as peer:
            await peer.join()
            page = Page(peer)
            await page.begin()
            async with open_peer(served.url) as client:
                sid = await client.join()
                assert io.sockets.adapter.notes[sid]["_admin"]["transport"] == "websocket"
            await page.wait_for("socket_disconnected")
            await page.wait_for("server_stats")
        (admin,) = io.__socketio__.companions
        watcher: Any = admin._watcher  # type: ignore[attr-defined]
        await until(lambda: not (watcher._shown or watcher._by_session))
        assert io.sockets.adapter.notes == {}


@serves
async def test_a_server_that_begins_again() -> None:
    io = Server()
    instrument(io, auth=False)
    for _ in range(2):
        async with serve(io) as served, open_peer(served.url, namespace="/admin") as peer:
            await peer.join()
            await Page(peer).wait_for("server_stats")
