"""What emitters send reaches the clients and the servers of both kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from socketio_asgi import Event
from tests.brokers.interop.clients import Clients
from tests.brokers.interop.cluster import Cluster, Kind
from tests.brokers.interop.servers import NodeServers, To
from tests.support.waiting import until

from .entries import ADAPTERS, EMITTERS, EmitterEntry
from .sides import EmitterSide, OurEmitter

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

HELLO: list[Any] = ["hello", 1, "zwei", {"drei": [3.5, None, True]}]


@pytest.fixture(params=EMITTERS, ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> EmitterEntry:
    found: EmitterEntry = request.param
    return found


@pytest.fixture
async def joined(
    entry: EmitterEntry, node_servers: NodeServers, node_clients: Clients
) -> AsyncIterator[Cluster]:
    """Two servers with two clients each."""
    adapter = ADAPTERS[entry.adapter]
    async with Cluster(adapter, Kind.OURS, entry.there, node_servers, node_clients) as made:
        yield made


@pytest.fixture
async def emitter(
    entry: EmitterEntry, joined: Cluster, node_servers: NodeServers
) -> AsyncIterator[EmitterSide]:
    side: EmitterSide
    if entry.ours is not None:
        side = OurEmitter(entry.ours(joined.key))
    else:
        assert entry.node is not None
        side = await node_servers.start_emitter(entry.node(joined.key))
    yield side
    await side.stop()


async def has_come(joined: Cluster, emitter: EmitterSide, expected: list[list[Any]]) -> bool:
    """Whether all clients have heard just that.

    To be waited for where there are bytes: with Postgres, what is sent later may overtake them.
    """
    return await joined.heard(sender=emitter) == [expected] * 4


async def test_events(joined: Cluster, emitter: EmitterSide) -> None:
    await emitter.emit(*HELLO)
    await emitter.emit("data", b"\x00\xff", {"deep": [b""]})
    expected = [HELLO, ["data", b"\x00\xff", {"deep": [b""]}]]
    await until(partial(has_come, joined, emitter, expected))
    await emitter.emit("volatile", to=To(volatile=True))
    assert await joined.heard(sender=emitter) == [[*expected, ["volatile"]]] * 4


@dataclass
class Item:
    id: int
    data: bytes = b""


@dataclass
class StoredItem(Item):
    secret: str = "secret"


item = Event("item", Item, list[Item])


async def test_declared_events(joined: Cluster, emitter: EmitterSide) -> None:
    if not isinstance(emitter, OurEmitter):
        pytest.skip("the official emitter knows no declared events")
    emitting: Any = emitter.emit
    await emitting(item, StoredItem(1, b"a"), [])
    with pytest.raises(TypeError, match="'item' cannot be sent: value1: must be an instance"):
        await emitting(item, 5, [])
    await until(partial(has_come, joined, emitter, [["item", {"id": 1, "data": b"a"}, []]]))


async def test_rooms(joined: Cluster, emitter: EmitterSide) -> None:
    for number, room in ((0, "chess"), (2, "chess"), (2, "go"), (3, "go")):
        await joined.clients[number].join(room)
    await emitter.emit("one", to=To(["chess"]))
    await emitter.emit("both", to=To(["chess", "go"]))
    await emitter.emit("without", to=To(["chess"], ["go"]))
    await emitter.emit("private", to=To([joined.clients[3].sid]))
    one, both, without, private = ["one"], ["both"], ["without"], ["private"]
    heard = await joined.heard(sender=emitter)
    assert heard == [[one, both, without], [], [one, both], [both, private]]


async def test_namespaces(joined: Cluster, emitter: EmitterSide) -> None:
    chatting = [await joined.connect(side, "/chat") for side in (joined.here, joined.there)]
    await joined.acquainted("/chat")
    await emitter.emit(*HELLO, to=To(namespace="/chat"))
    assert await joined.heard(*chatting, namespace="/chat", sender=emitter) == [[HELLO]] * 2
    assert await joined.heard(sender=emitter) == [[]] * 4


async def test_joining_and_leaving(joined: Cluster, emitter: EmitterSide) -> None:
    async def members() -> list[set[str]]:
        return [
            {item.id for item in await side.fetch(To(["chess"]))}
            for side in (joined.here, joined.there)
        ]

    async def have(*numbers: int) -> bool:
        return await members() == [{joined.clients[number].sid for number in numbers}] * 2

    await emitter.join("chess", "go")
    await until(lambda: have(0, 1, 2, 3))
    await emitter.leave("chess", to=To([joined.clients[1].sid, joined.clients[2].sid]))
    await until(lambda: have(0, 3))
    await emitter.join("chess", to=To(["go"], [joined.clients[2].sid]))
    await until(lambda: have(0, 1, 3))


@pytest.mark.parametrize("close", [False, True])
async def test_disconnecting(joined: Cluster, emitter: EmitterSide, close: bool) -> None:
    gone = [joined.clients[0], joined.clients[3]]
    for client in gone:
        await client.join("chess")
    await emitter.disconnect(To(["chess"]), close=close)
    await until(lambda: all(client.disconnected for client in gone))
    assert [client.disconnected for client in joined.clients[1:3]] == [[], []]


async def test_events_for_the_servers(joined: Cluster, emitter: EmitterSide) -> None:
    await emitter.server_emit("note", 1, {"a": ["é", None]})
    note = ["note", 1, {"a": ["é", None]}]
    for side in (joined.here, joined.there):
        await until(lambda side=side: side.server_events == [note])  # type: ignore[misc]
