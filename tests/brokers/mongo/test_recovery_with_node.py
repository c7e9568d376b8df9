"""A client that loses its connection with one of our servers, and comes back to an official one.

And the other way round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.collection import Collection

from socketio_asgi import Server, Socket
from tests.server.recovery.support import Guest
from tests.support.node import install_node_modules, start_node
from tests.support.peer import join_peer
from tests.support.ports import HOST
from tests.support.serving import serve
from tests.support.waiting import until

from .cluster import make_adapter
from .server import DATABASE, client

HERE = Path(__file__).parent
SECONDS = 15.0


@pytest.fixture(params=[False, True], ids=["capped", "dated"])
def dated(request: pytest.FixtureRequest) -> bool:
    """Whether messages are deleted by their age, and not when the collection is full."""
    found: bool = request.param
    return found


@pytest.fixture
def collection(mongo: str, key: str) -> Iterator[Collection[Any]]:
    """The collection, for a look."""
    with client(mongo) as database:
        yield database[DATABASE][key]


@pytest.fixture
async def urls(mongo: str, key: str, dated: bool) -> AsyncIterator[dict[str, str]]:
    """One server of each kind."""
    install_node_modules(HERE.parent)
    adapter = make_adapter(mongo, key, add_created_at_field=dated)
    io = Server(adapter=adapter, connection_state_recovery=True)

    @io.on("join")
    async def join(socket: Socket, room: str) -> None:
        await socket.join(room)

    @io.on("tell")
    async def tell(socket: Socket, room: str, *event: Any) -> None:
        await io.to(room).emit(*event)

    options = {"collection": key, "addCreatedAtField": dated}
    async with serve(io) as served:
        await io.cluster.ready(20)  # the collection is made
        async with start_node(HERE / "recovering.mjs", mongo, options) as node:
            port = (await node.wait_for("listening"))["port"]
            yield {"ours": served.url, "node": f"http://{HOST}:{port}"}


@pytest.mark.parametrize(("first", "second"), [("ours", "node"), ("node", "ours")])
async def test_a_client_comes_back_to_a_server_of_the_other_kind(
    urls: dict[str, str], collection: Collection[Any], first: str, second: str
) -> None:
    guest = Guest(urls[first])
    async with join_peer(urls["ours"]) as here, join_peer(urls["node"]) as there:
        other = here if second == "ours" else there
        async with guest.connected():
            await guest.emit("join", "room")
            # Until the other server reaches the client: it may have joined a moment later.
            await until(lambda: reached(other, guest), SECONDS)
        sid, pid = guest.sid, guest.pid
        await until(lambda: kept(collection, pid), SECONDS)
        # Official servers look for ids that are larger than the offset, and these have whole
        # seconds: of events of one second, by several servers, they may miss some.
        second_of_last = int((guest.offset or "")[:8], 16)
        await until(lambda: datetime.now(UTC).timestamp() > second_of_last + 1)
        await here.emit("tell", "room", "missed", 1)
        await until(lambda: sent(collection, "missed", 1), SECONDS)
        await there.emit("tell", "room", "missed", 2)
        await until(lambda: sent(collection, "missed", 2), SECONDS)
        await there.emit("tell", "elsewhere", "not for it")
        await until(lambda: sent(collection, "not for it"), SECONDS)
        await other.emit("tell", "room", "missed", 3)
        await until(lambda: sent(collection, "missed", 3), SECONDS)
        guest.url = urls[second]
        async with guest.connected():
            assert guest.sid == sid
            await other.emit("tell", "room", "end", 0)
            # Official servers replay without offsets, so events must not end with text here.
            missed = await guest.events()
            assert sorted(missed) == [["missed", number] for number in (1, 2, 3)]
        assert not kept(collection, pid) or second == "node"


async def reached(peer: Any, guest: Guest) -> bool:
    """Whether an event for the room has reached the client."""
    await peer.emit("tell", "room", "probe")
    packet = await guest.event()
    return packet == ["probe"]


def kept(collection: Collection[Any], pid: str | None) -> bool:
    """Whether there is a session."""
    return collection.find_one({"type": 13, "data.pid": pid}) is not None


def sent(collection: Collection[Any], *event: Any) -> bool:
    """Whether there is an event."""
    return collection.find_one({"type": 3, "data.packet.data": list(event)}) is not None
