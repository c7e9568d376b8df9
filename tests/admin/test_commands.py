"""What people may do in the UI, and what they may not."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.admin import instrument
from tests.server.support import add_sync
from tests.support.peer import Peer
from tests.support.waiting import until

from .conftest import Connect, OpenPage
from .support import FEATURES, Page

pytestmark = pytest.mark.runtime


@pytest.fixture
def io() -> Server:
    server = Server()
    add_sync(server)
    add_sync(server.of("/chat"))
    return server


async def clients(io: Server, connect: Connect) -> tuple[list[Peer], list[str]]:
    peers = [await connect(io) for _ in range(2)]
    return peers, [await peer.join() for peer in peers]


async def heard(page: Page) -> None:
    """Wait until the commands so far were handled."""
    await page.command("emit", "/admin", None, "heard")
    await page.wait_for("heard")


async def test_rooms(io: Server, open_page: OpenPage, connect: Connect) -> None:
    instrument(io, auth=False)
    _, sids = await clients(io, connect)
    page = await open_page(io)

    def members(room: str) -> set[str]:
        return {sid for sid in sids if room in io.sockets.sockets[sid].rooms}

    await page.command("join", "/", "one", sids[0])
    await page.command("join", "/", "all")
    await page.command("join", "/", "none", None)
    await until(lambda: members("none") == set(sids))
    assert (members("one"), members("all")) == ({sids[0]}, set(sids))
    await page.command("join", "/", "two", "one")  # those of another room
    await page.command("leave", "/", "all", sids[1])
    await page.command("leave", "/", "none")
    await until(lambda: not members("none"))
    assert (members("two"), members("all")) == ({sids[0]}, {sids[0]})


async def test_events(io: Server, open_page: OpenPage, connect: Connect) -> None:
    instrument(io, auth=False)
    peers, sids = await clients(io, connect)
    page = await open_page(io)
    await page.command("emit", "/", sids[0], "to one", 1, {"a": None})
    await page.command("emit", "/", None, "to all")
    assert await peers[0].event() == ["to one", 1, {"a": None}]
    assert [await peer.event() for peer in peers] == [["to all"], ["to all"]]


async def test_disconnections(io: Server, open_page: OpenPage, connect: Connect) -> None:
    instrument(io, auth=False)
    peers, sids = await clients(io, connect)
    await peers[0].join("/chat")
    page = await open_page(io)
    await page.command("_disconnect", "/", False, sids[0])
    assert await peers[0].text() == "1"
    await peers[0].sync("/chat")  # it is there still
    await page.command("_disconnect", "/", True, sids[1])
    await peers[1].ended()
    await page.command("_disconnect", "/chat", False)
    assert await peers[0].text() == "1/chat,"


async def test_what_was_done_is_logged(
    io: Server, open_page: OpenPage, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "socketio_asgi.admin")
    instrument(io, auth=False)
    page = await open_page(io)
    await page.command("join", "/", "a\nb")
    await page.command("_disconnect", "/chat", False, "room")
    await heard(page)
    assert "the admin at 127.0.0.1 lets all sockets of / join 'a\\nb'" in caplog.text
    assert "the admin at 127.0.0.1 disconnects 'room' of /chat" in caplog.text


WRONG: tuple[tuple[Any, ...], ...] = (
    ("join", "/", 1),
    ("join", "/"),
    ("join", 1, "room"),
    ("join", "/nowhere", "room"),
    ("join", "/", "room", ""),
    ("join", "/", "room", ["a"]),
    ("leave", "/nowhere", "room"),
    ("leave", "/", None),
    ("_disconnect", "/", "yes"),
    ("_disconnect", "/nowhere", True),
    ("_disconnect", "/", True, ""),
    ("emit", "/", None),
    ("emit", "/", None, 7),
    ("emit", "/", None, "disconnect"),
    ("emit", "/nowhere", None, "event"),
    ("unknown",),
)


async def test_wrong_commands_change_nothing(
    io: Server, open_page: OpenPage, connect: Connect
) -> None:
    instrument(io, auth=False)
    peers, sids = await clients(io, connect)
    page = await open_page(io)
    for name, *args in WRONG:
        await page.command(name, *args)
    await page.command("join", "/", sids[1], sids[0])  # the room of another socket alone
    await heard(page)
    for peer in peers:
        await peer.sync()
    assert list(io.namespaces) == ["/", "/chat", "/admin"]
    assert all(socket.rooms == {sid} for sid, socket in io.sockets.sockets.items())


async def test_readonly(io: Server, open_page: OpenPage, connect: Connect) -> None:
    instrument(io, auth=False, readonly=True)
    add_sync(io.of("/admin"))
    peers, _ = await clients(io, connect)
    page = await open_page(io)
    (config,) = await page.wait_for("config")
    assert not set(config["supportedFeatures"]) & set(FEATURES)
    await page.begin()
    await page.command("join", "/", "room")
    await page.command("emit", "/", None, "event")
    await page.command("_disconnect", "/", True)
    await page.peer.ask("sync")
    for peer in peers:
        await peer.sync()
    assert all(socket.rooms == {sid} for sid, socket in io.sockets.sockets.items())
