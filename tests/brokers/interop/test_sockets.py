"""Sockets of all servers: looked up, moved between rooms, and disconnected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.waiting import until

from .adapters import Trait
from .clients import Client
from .cluster import Cluster, Kind
from .servers import OurSide, To

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def sids(clients: list[Client]) -> set[str]:
    return {client.sid for client in clients}


async def members(cluster: Cluster, *rooms: str) -> set[str]:
    """The sockets in any of these rooms, as the acting server finds them."""
    return {found.id for found in await cluster.here.fetch(To(rooms))}


async def test_all_sockets_are_found(cluster: Cluster) -> None:
    assert await members(cluster) == sids(cluster.clients)


async def test_the_sockets_of_rooms_are_found(cluster: Cluster) -> None:
    await cluster.clients[0].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.clients[2].join("go")
    await cluster.clients[3].join("go")
    assert await members(cluster, "chess") == sids([cluster.clients[0], cluster.clients[2]])
    assert await members(cluster, "chess", "go") == sids([cluster.clients[0], *cluster.clients[2:]])
    assert await members(cluster, "nobody") == set()
    found = await cluster.here.fetch(To(["go"], ["chess"]))
    assert [item.id for item in found] == [cluster.clients[3].sid]


async def test_what_is_known_of_a_socket(cluster: Cluster) -> None:
    client = await cluster.connect(cluster.there, query={"from": "é x"})
    await client.join("chess")
    await client.request("set data", {"name": "Ada", "tags": ["a", None, 1.5]})
    (found,) = await cluster.here.fetch(To([client.sid]))
    assert found.id == client.sid
    assert found.rooms == {client.sid, "chess"}
    assert found.data == {"name": "Ada", "tags": ["a", None, 1.5]}
    handshake = found.handshake
    assert handshake["query"]["from"] == "é x"
    assert handshake["query"]["transport"] == "websocket"
    assert handshake["headers"]["host"] == cluster.there.url.removeprefix("http://")
    assert handshake["address"].endswith("127.0.0.1")
    assert handshake["secure"] is False


@pytest.mark.needs(Trait.BINARY_DATA)
async def test_data_with_bytes(cluster: Cluster) -> None:
    data: Any = {"picture": b"\x00\xff", "more": [b""]}
    await cluster.clients[2].request("set data", data)
    (found,) = await cluster.here.fetch(To([cluster.clients[2].sid]))
    assert found.data == data


async def test_sockets_join_and_leave(cluster: Cluster) -> None:
    await cluster.here.join("chess", "go")
    await until(lambda: joined(cluster, "chess", 4))
    await cluster.here.leave("chess")
    await until(lambda: joined(cluster, "chess", 0))
    assert await members(cluster, "go") == sids(cluster.clients)


async def test_the_sockets_of_rooms_join_and_leave(cluster: Cluster) -> None:
    await cluster.clients[1].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.clients[3].join("chess")
    await cluster.here.join("go", to=To(["chess"], [cluster.clients[3].sid]))
    await until(lambda: joined(cluster, "go", 2))
    assert await members(cluster, "go") == sids(cluster.clients[1:3])
    await cluster.here.leave("go", to=To([cluster.clients[2].sid]))
    await until(lambda: joined(cluster, "go", 1))
    assert await members(cluster, "go") == sids([cluster.clients[1]])


async def test_a_socket_that_joined_hears_its_room(cluster: Cluster) -> None:
    await cluster.here.join("chess", to=To([cluster.clients[2].sid]))
    await until(lambda: joined(cluster, "chess", 1))
    await cluster.here.emit("move", "e4", to=To(["chess"]))
    assert await cluster.heard() == [[], [], [["move", "e4"]], []]


async def joined(cluster: Cluster, room: str, number: int) -> bool:
    """Tell whether so many sockets are in a room, whichever server is asked."""
    found = [await side.fetch(To([room])) for side in (cluster.here, cluster.there)]
    return [len(sockets) for sockets in found] == [number] * 2


@pytest.mark.parametrize("close", [False, True])
async def test_sockets_are_disconnected(cluster: Cluster, close: bool) -> None:
    await cluster.clients[0].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.here.disconnect(To(["chess"]), close=close)
    gone = [cluster.clients[0], cluster.clients[2]]
    await until(lambda: all(client.disconnected for client in gone))
    assert [client.disconnected for client in gone] == [["io server disconnect"]] * 2
    assert await members(cluster) == sids([cluster.clients[1], cluster.clients[3]])


async def test_all_sockets_are_disconnected(cluster: Cluster) -> None:
    await cluster.here.disconnect()
    await until(lambda: all(client.disconnected for client in cluster.clients))
    assert await members(cluster) == set()


@pytest.mark.acting(Kind.OURS)
@pytest.mark.apart
async def test_a_server_that_stands_still(cluster: Cluster) -> None:
    assert isinstance(cluster.here, OurSide)
    with cluster.nodes.node.stopped():
        found = await cluster.here.io.fetch_sockets()
    assert {item.id for item in found} == sids(cluster.clients[:2])
    assert (found.complete, found.silent_servers) == (False, 1)

    async def all_found() -> bool:
        return await members(cluster) == sids(cluster.clients)

    # Where it was taken for gone, it is back with its next heartbeat.
    await until(all_found, timeout=20)


async def test_a_server_leaves(cluster: Cluster) -> None:
    for number, client in enumerate(cluster.clients):
        await client.answer_with(number)
    await cluster.stop(cluster.there)
    await cluster.acquainted(servers=1)
    assert await members(cluster) == sids(cluster.clients[:2])
    replies = await cluster.here.ask("question", to=To(timeout=10.0))
    assert sorted(replies.values) == [0, 1]
    assert replies.complete
    assert await cluster.here.server_ask("question", 1) == ([], True)
    assert await cluster.heard(*cluster.clients[:2]) == [[["question"]]] * 2
