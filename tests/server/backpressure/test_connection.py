"""One connection has the server do a bounded number of things at a time, in all namespaces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.server.connection_load import MAX_JOINS
from socketio_asgi.server.core import CONNECTION_SHARES
from socketio_asgi.server.joining import MAX_NAME_LENGTH
from tests.server.conftest import Join, connect, join, transport
from tests.server.support import Connect, add_sync
from tests.support.waiting import until

__all__ = ["connect", "join", "transport"]  # fixtures

LIMIT = 3
TOGETHER = CONNECTION_SHARES * LIMIT


def rooms(count: int) -> list[str]:
    return [f"0/room-{number}," for number in range(count)]


@pytest.mark.parametrize("waiting", ["middleware", "name", "both"])
async def test_joins_in_progress(connect: Connect, transport: str, waiting: str) -> None:
    """A client that asks for very many namespaces at once, in one POST."""
    io = Server(max_namespaces=150)
    gate = anyio.Event()
    asked = 0

    async def wait(*_: Any) -> None:
        nonlocal asked
        asked += 1
        await gate.wait()

    async def decide(name: str, _auth: Mapping[str, Any]) -> bool:
        await wait()
        return name.startswith("/room-")

    parent = io.of(re.compile(r"/room-\d+") if waiting == "middleware" else decide)
    if waiting != "name":
        parent.use(wait)
    peer, other = await connect(io, transport), await connect(io)
    add_sync(io)
    await other.join()
    await peer.send(*rooms(2000))
    await until(lambda: asked == MAX_JOINS)
    await other.sync()  # other clients notice nothing
    assert asked == MAX_JOINS
    gate.set()
    answers = [await peer.text() for _ in range(2000)]
    joined = [answer for answer in answers if answer.startswith("0/")]
    refused = [answer for answer in answers if "Too many namespaces" in answer]
    assert (len(joined), len(refused)) == (150, 1850)
    assert len(parent.children) == 150


async def test_joins_that_were_abandoned_count(io: Server, join: Join, transport: str) -> None:
    gate = anyio.Event()
    asked: list[Socket] = []

    @io.of("/a").use
    async def middleware(socket: Socket) -> None:
        asked.append(socket)
        await gate.wait()

    peer = await join(io, transport)
    await peer.send(*["0/a,"] * 500)
    await until(lambda: len(asked) == MAX_JOINS)
    await anyio.wait_all_tasks_blocked()
    assert len(asked) == MAX_JOINS
    gate.set()
    assert (await peer.text()).startswith("0/a,")
    await until(lambda: len(asked) == 500)


async def test_handlers_of_disconnect(connect: Connect, transport: str) -> None:
    """A client that joins and leaves again and again."""
    io = Server(max_events_in_flight=LIMIT)
    add_sync(io)
    gate = anyio.Event()
    begun = ended = 0

    @io.of("/a").on("disconnect")
    async def disconnected(socket: Socket) -> None:
        nonlocal begun, ended
        begun += 1
        await gate.wait()
        ended += 1

    peer, other = await connect(io, transport), await connect(io)
    await other.join()
    await peer.send(*["0/a,", "1/a,"] * 500)
    await until(lambda: begun == TOGETHER)
    await other.sync()
    assert begun == TOGETHER
    gate.set()
    await until(lambda: ended == 500)


async def test_handlers_of_connection(connect: Connect, transport: str) -> None:
    io = Server(max_events_in_flight=LIMIT)
    gate = anyio.Event()
    entered: list[str] = []

    async def connected(socket: Socket) -> None:
        entered.append(socket.namespace.name)
        await gate.wait()

    for number in range(50):
        io.of(f"/room-{number}").on("connection")(connected)

    peer = await connect(io, transport)
    await peer.send(*rooms(50))
    await until(lambda: len(entered) == TOGETHER)
    await anyio.wait_all_tasks_blocked()
    assert len(entered) == TOGETHER
    gate.set()
    await until(lambda: len(entered) == 50)


class Work:
    """Namespaces whose handlers wait until they are released."""

    def __init__(self, names: str = "abcdefgh", **options: Any) -> None:
        self.io = Server(max_events_in_flight=LIMIT, **options)
        self.names = [f"/{name}" for name in names]
        self.started: list[str] = []
        self.go_on = anyio.Event()
        for name in self.names:
            self.io.of(name).on("work")(self.work)

    async def work(self, socket: Socket) -> None:
        self.started.append(socket.namespace.name)
        await self.go_on.wait()

    async def join(self, peer: Any) -> None:
        for name in self.names:
            await peer.join(name)


async def test_events_of_many_namespaces(connect: Connect, transport: str) -> None:
    work = Work()
    peer = await connect(work.io, transport)
    await work.join(peer)
    await peer.send(*[f'2{name},["work"]' for _ in range(LIMIT - 1) for name in work.names])
    await until(lambda: len(work.started) == TOGETHER)
    await anyio.wait_all_tasks_blocked()
    assert len(work.started) == TOGETHER
    work.go_on.set()
    await until(lambda: len(work.started) == (LIMIT - 1) * len(work.names))


async def test_a_socket_has_its_share_of_them(connect: Connect, transport: str) -> None:
    work = Work()
    peer = await connect(work.io, transport)
    await work.join(peer)
    await peer.send(*['2/a,["work"]'] * (LIMIT + 1), '2/b,["work"]')
    await until(lambda: len(work.started) == LIMIT)
    await anyio.wait_all_tasks_blocked()
    assert work.started == ["/a"] * LIMIT
    work.go_on.set()
    await until(lambda: len(work.started) == LIMIT + 2)


async def test_the_handler_of_one_namespace_makes_room_for_another(connect: Connect) -> None:
    work = Work()
    peer = await connect(work.io)
    await work.join(peer)
    gate = anyio.Event()

    @work.io.of("/a").on("short")
    async def short(socket: Socket) -> None:
        await gate.wait()

    busy = [name for name in work.names[1:] for _ in range(LIMIT - 1)][: TOGETHER - 1]
    await peer.send('2/a,["short"]', *[f'2{name},["work"]' for name in [*busy, "/h", "/h"]])
    await until(lambda: len(work.started) == TOGETHER - 1)
    await anyio.wait_all_tasks_blocked()
    assert work.started == busy
    gate.set()
    await until(lambda: len(work.started) == TOGETHER)
    await anyio.wait_all_tasks_blocked()
    assert work.started == [*busy, "/h"]
    work.go_on.set()
    await until(lambda: work.started == [*busy, "/h", "/h"])


async def test_handlers_that_wait_for_their_client_do_not_count(connect: Connect) -> None:
    names = "abcdefgh"
    io = Server(max_events_in_flight=LIMIT)
    answered: list[Any] = []

    async def ask(socket: Socket) -> None:
        answered.append(await socket.emit_with_ack("question"))

    for name in names:
        io.of(f"/{name}").on("ask")(ask)
    peer = await connect(io)
    for name in names:
        await peer.join(f"/{name}")
    questions: list[str] = []
    for _ in range(LIMIT - 1):
        for name in names:
            await peer.send(f'2/{name},["ask"]')
            questions.append(await peer.text())
    assert len(questions) > TOGETHER
    for question in questions:
        head = re.match(r"2(/\w),(\d+)", question)
        assert head, question
        await peer.send(f'3{head[1]},{head[2]}["yes"]')
    await until(lambda: len(answered) == len(questions))


async def test_namespaces_that_were_left_make_room(connect: Connect, transport: str) -> None:
    io = Server(max_namespaces=2)
    io.of(re.compile(r"/room-\d+"))
    peer = await connect(io, transport)
    await peer.join("/room-1")
    await peer.join("/room-2")
    for _ in range(2):
        assert await peer.refused("/room-3") == {"message": "Too many namespaces"}
    await peer.join("/room-2")  # anew
    await peer.send("1/room-1,")
    await peer.join("/room-3")


def connect_packet(namespace: str, size: int) -> str:
    return f'0{namespace},{{"text":"{"x" * size}"}}'


@pytest.mark.parametrize("dynamic", [True, False])
async def test_the_auth_of_all_namespaces_is_bounded(
    connect: Connect, transport: str, dynamic: bool
) -> None:
    io = Server(max_bytes_in_flight=100_000)
    if dynamic:
        io.of(re.compile(r"/room-\d+"))
    else:
        for number in range(5):
            io.of(f"/room-{number}")
    peer = await connect(io, transport)

    async def ask(number: int) -> str:
        await peer.send(connect_packet(f"/room-{number}", 40_000))
        return await peer.text()

    for number in range(2):
        assert (await ask(number)).startswith("0/")
    assert await ask(2) == '4/room-2,{"message":"Too much auth data"}'
    assert (await ask(1)).startswith("0/")  # anew
    await peer.send("1/room-1,")
    assert (await ask(2)).startswith("0/")
    await peer.join("/room-3", {"text": "x" * 1000})


async def test_the_name_of_a_namespace_is_bounded(connect: Connect, transport: str) -> None:
    io = Server()
    io.of(re.compile(r"/\d+"))
    made: list[str] = []

    @io.on_new_namespace
    def note(namespace: Namespace) -> None:
        made.append(namespace.name)

    longest = "/" + "1" * (MAX_NAME_LENGTH - 1)
    peer = await connect(io, transport)
    await peer.join(longest)
    await peer.send(f"0{longest}1,")
    await peer.ended()
    assert made == [longest]


async def test_the_log_has_one_line_of_a_client_with_too_many(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(max_namespaces=1)
    add_sync(io)
    caplog.set_level("INFO", "socketio_asgi.server")
    peer = await connect(io)
    await peer.join()
    for _ in range(3):
        await peer.refused("/a")
    assert [r.getMessage() for r in caplog.records if "max_namespaces" in r.getMessage()] == [
        "127.0.0.1 may join no more than 1 namespaces (max_namespaces)"
    ]
    await peer.sync()
