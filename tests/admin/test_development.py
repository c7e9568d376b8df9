"""Development mode: sockets, rooms and events, as the wire has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.admin import instrument, watching
from tests.support.clients import connect_websocket, engine_url
from tests.support.peer import polling_of
from tests.support.waiting import until

from .conftest import Connect, OpenPage
from .support import FEATURES, Page

pytestmark = pytest.mark.runtime

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def io(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr("socketio_asgi.admin.instrumentation.STATS_SECONDS", 0.05)
    server = Server()

    @server.on("move")
    async def move(socket: Socket, room: str, leave: bool) -> None:
        await (socket.leave(room) if leave else socket.join(room))

    @server.on("set")
    async def set_(socket: Socket, key: str, value: Any) -> None:
        socket.data[key] = value

    @server.on("echo")
    async def echo(socket: Socket, *values: Any) -> Any:
        await socket.emit("echoed", *values)
        return "done"

    instrument(server, auth=False)
    return server


def undated(event: list[Any]) -> list[Any]:
    """An event without its last value, which must be a date."""
    assert DATE.fullmatch(event[-1]), event
    return event[:-1]


def of(page: Page, sid: str) -> list[list[Any]]:
    """What the page has heard of a socket, without its statistics."""
    return [event for event in page.log if event[0] != "server_stats" and sid in str(event)]


async def test_the_beginning(io: Server, open_page: OpenPage, connect: Connect) -> None:
    chat = io.of("/chat")
    client = await connect(io, headers={"Cookie": "secret=1", "X-Own": "yes"}, query={"a": "b"})
    sid = await client.join("/chat", auth={"token": "secret"})
    await chat.sockets_join("lobby")
    page = await open_page(io)
    sockets = await page.begin()
    own = page.peer.id
    assert page.log[0][:4] == ["room_joined", "/admin", own, own]
    assert page.log[1][0] == "socket_connected"
    assert [
        "config",
        {"supportedFeatures": [*FEATURES, "AGGREGATED_EVENTS", "ALL_EVENTS"]},
    ] in page.log
    assert page.seen("session") == []
    assert {each["id"]: each["nsp"] for each in sockets} == {sid: "/chat", own: "/admin"}
    (found,) = [each for each in sockets if each["id"] == sid]
    handshake = found.pop("handshake")
    assert re.fullmatch(r"[0-9a-f]{12}", found.pop("clientId"))
    assert found == {
        "id": sid,
        "nsp": "/chat",
        "transport": "websocket",
        "data": {},
        "rooms": [sid, "lobby"],
    }
    assert list(handshake) == [
        *("address", "headers", "query", "issued", "secure", "time", "url", "xdomain")
    ]
    assert handshake["address"] == "127.0.0.1"
    assert handshake["headers"]["x-own"] == "yes"
    assert handshake["query"]["a"] == "b"
    assert "secret" not in str(sockets)
    assert client.sid not in str(sockets)


async def test_a_socket_comes_and_goes(io: Server, open_page: OpenPage, connect: Connect) -> None:
    @io.use
    async def admit(socket: Socket) -> None:
        await socket.join("before")

    page = await open_page(io)
    await page.begin()
    client = await connect(io, "polling")
    sid = await client.join()
    (shown, date) = await page.wait_for("socket_connected", lambda socket, _: socket["id"] == sid)
    assert DATE.fullmatch(date)
    assert shown["transport"] == "polling"
    assert shown["rooms"] == [sid, "before"]
    await client.emit("move", "a", False)
    await page.wait_for("room_joined", lambda _, room, *more: room == "a")
    await client.emit("move", "a", True)
    await page.wait_for("room_left")
    await client.leave()
    await page.wait_for("room_left", lambda _, room, *more: room == sid)
    changes = [undated(event) for event in of(page, sid) if event[0].startswith(("room", "socket"))]
    assert changes == [
        ["room_joined", "/", sid, sid],
        ["room_joined", "/", "before", sid],
        ["socket_connected", shown],
        ["room_joined", "/", "a", sid],
        ["room_left", "/", "a", sid],
        ["socket_disconnected", "/", sid, "client namespace disconnect"],
        ["room_left", "/", "before", sid],
        ["room_left", "/", sid, sid],
    ]


async def test_events(io: Server, open_page: OpenPage, connect: Connect) -> None:
    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    sid = await client.join()
    await client.emit("echo", 1, {"a": [None]}, ack=3)
    await page.wait_for("event_sent")
    assert [undated(event) for event in page.seen("event_received", "event_sent")] == [
        ["event_received", "/", sid, ["echo", 1, {"a": [None]}]],
        ["event_sent", "/", sid, ["echoed", 1, {"a": [None]}]],
    ]
    await io.emit("to all")
    await page.wait_for("event_sent", lambda nsp, id, args, date: args == ["to all"])
    # Its own events are not shown: each would cause another one.
    assert page.seen("event_received", "event_sent")[-1][2] == sid


async def test_a_recovered_socket_is_shown_once(
    monkeypatch: pytest.MonkeyPatch, open_page: OpenPage, connect: Connect
) -> None:
    import json

    io = Server(connection_state_recovery=True)

    @io.on("move")
    async def move(socket: Socket, room: str) -> None:
        await socket.join(room)
        await socket.emit("moved")

    instrument(io, auth=False)
    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    answer = json.loads((await client.connect()).removeprefix("0"))
    await client.emit("move", "a")
    (name, offset) = await client.event()
    assert name == "moved"
    await client.drop()
    await page.wait_for("socket_disconnected")
    again = await connect(io)
    auth = {"pid": answer["pid"], "offset": offset}
    assert json.loads((await again.connect(auth=auth)).removeprefix("0"))["sid"] == answer["sid"]
    (shown, _) = await page.wait_for("socket_connected", lambda each, _: each["rooms"][1:] == ["a"])
    assert shown["id"] == answer["sid"]
    left = page.log.index(page.seen("socket_disconnected")[-1])
    rooms = [event[2] for event in page.log[left:] if event[0] == "room_joined"]
    assert rooms == [answer["sid"], "a"]


async def test_changes_of_data(io: Server, open_page: OpenPage, connect: Connect) -> None:
    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    sid = await client.join()
    await client.emit("set", "name", "ann")
    (update,) = await page.wait_for("socket_updated")
    assert update == {"id": sid, "nsp": "/", "data": {"name": "ann"}}
    await client.emit("set", "self", {"deep": [1]})
    (update,) = await page.wait_for("socket_updated")
    assert update["data"] == {"name": "ann", "self": {"deep": [1]}}
    assert io.sockets.sockets[sid].data == {"name": "ann", "self": {"deep": [1]}}  # and no more


async def test_an_upgrade(io: Server, open_page: OpenPage, connect: Connect) -> None:
    io.of("/chat")
    page = await open_page(io)
    await page.begin()
    client = await connect(io, "polling")
    sids = [await client.join(), await client.join("/chat")]
    shown = [(await page.wait_for("socket_connected"))[0] for _ in sids]
    assert shown[0]["clientId"] == shown[1]["clientId"]
    base = polling_of(client).url.removesuffix("/socket.io/")
    url = engine_url(base, EIO="4", transport="websocket", sid=client.sid)
    async with connect_websocket(url) as websocket:
        await websocket.send("2probe")
        assert await websocket.receive() == "3probe"
        await websocket.send("5")
        updates = [(await page.wait_for("socket_updated"))[0] for _ in sids]
    assert sorted(updates, key=lambda each: sids.index(each["id"])) == [
        {"id": sids[0], "nsp": "/", "transport": "websocket"},
        {"id": sids[1], "nsp": "/chat", "transport": "websocket"},
    ]


class Unspeakable:
    def __repr__(self) -> str:
        raise OSError

    def __getattr__(self, name: str) -> Any:
        raise OSError(name)


@dataclass
class User:
    name: str


async def test_values_of_every_kind_break_nothing(
    io: Server, open_page: OpenPage, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    endless: list[Any] = []
    endless.append(endless)
    values: dict[str, Any] = {
        "object": Unspeakable(),
        "user": User("ann"),
        "bytes": b"\x00\xff",
        "endless": endless,
        "large": 10**40,
        "text": "x" * 100_000,
        "half": "\ud800",
    }

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        socket.data.update(values)
        await socket.emit("bytes", b"\x00\xff", User("bob"))

    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    sid = await client.join()
    (_, _, args, _) = await page.wait_for("event_sent")
    assert args == ["bytes", "<2 bytes>", {"name": "bob"}]
    (update,) = await page.wait_for("socket_updated")
    data = update["data"]
    assert data["object"] == "<Unspeakable>"
    assert data["user"] == {"name": "ann"}
    assert data["bytes"] == "<2 bytes>"
    assert data["large"] == str(10**40)
    assert len(str(data)) < 20_000
    another = await open_page(io)
    assert sid in [each["id"] for each in await another.begin()]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_data_of_other_types(io: Server, open_page: OpenPage, connect: Connect) -> None:
    @io.on("connection")
    async def connected(socket: Any) -> None:
        socket.data = User("ann")

    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    await client.join()
    (update,) = await page.wait_for("socket_updated")
    assert update["data"] == {"name": "ann"}


async def test_what_was_there_before(open_page: OpenPage, connect: Connect) -> None:
    io = Server()
    io.of("/chat")
    client = await connect(io)
    sid = await client.join()
    instrument(io, auth=False)
    page = await open_page(io)
    (found,) = [each for each in await page.begin() if each["id"] == sid]
    assert found["transport"] == "websocket"
    await page.command("join", "/", "late", sid)
    await until(lambda: "late" in io.sockets.sockets[sid].rooms)


async def test_events_of_a_second_are_bounded(
    io: Server, open_page: OpenPage, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MAX_EVENTS", 3)
    (watcher,) = io.__socketio__.observers._receiving
    clock = [7.0]
    monkeypatch.setattr(watcher, "_clock", lambda: clock[0])
    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    await client.join()
    for number in range(5):
        await client.emit("echo", number)
        assert await client.event() == ["echoed", number]
    clock[0] = 8.0
    await client.emit("echo", "later")
    await page.wait_for("event_sent", lambda nsp, id, args, date: args[1] == "later")
    args = [event[3] for event in page.seen("event_received", "event_sent")]
    assert args == [["echo", 0], ["echoed", 0], ["echo", 1], ["echo", "later"], ["echoed", "later"]]


async def test_nobody_looks_and_nothing_is_sent(
    io: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(watching, "present", fail)
    monkeypatch.setattr(watching, "describe_socket", fail)
    client = await connect(io)
    sid = await client.join()
    await client.emit("echo", 1)
    assert await client.event() == ["echoed", 1]
    assert io.sockets.sockets[sid].connected


async def test_dynamic_namespaces(io: Server, open_page: OpenPage, connect: Connect) -> None:
    parent: Namespace = io.of(re.compile(r"/room-\d"))
    assert parent is not None
    page = await open_page(io)
    await page.begin()
    client = await connect(io)
    sid = await client.join("/room-7")
    (shown, _) = await page.wait_for("socket_connected")
    assert (shown["id"], shown["nsp"]) == (sid, "/room-7")
    await page.command("join", "/room-7", "inside", sid)
    (nsp, room, joined, _) = await page.wait_for("room_joined", lambda _, room, *more: room != sid)
    assert (nsp, room, joined) == ("/room-7", "inside", sid)
