"""Sockets of all servers: looked up, moved between rooms, and disconnected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from .client import Client, ids
from .cluster import Cluster
from .server import ClusterServer
from .suite import Suite
from .waiting import until


async def found(server: ClusterServer, *rooms: str) -> set[str]:
    """The ids of the sockets in any of these rooms, as a server finds them."""
    io: Any = server.io
    if rooms:
        io = io.in_(*rooms)
    return {socket.id for socket in await io.fetch_sockets()}


async def _in_room(cluster: Cluster, room: str, clients: Sequence[Client]) -> bool:
    expected = ids(clients)
    return all([await found(server, room) == expected for server in cluster.servers])


async def joined(cluster: Cluster, room: str, clients: Sequence[Client]) -> None:
    """Wait until exactly these clients are in a room, whichever server is asked."""
    message = f"other clients than expected are in the room {room}"
    await until(partial(_in_room, cluster, room, clients), message)


class Sockets(Suite):
    """Sockets of all servers: looked up, moved between rooms, and disconnected."""

    async def test_all_sockets_are_found(self, cluster: Cluster) -> None:
        """``fetch_sockets`` finds those of all servers."""
        for server in cluster.servers:
            assert await found(server) == ids(cluster.clients)

    async def test_the_sockets_of_rooms_are_found(self, cluster: Cluster) -> None:
        """With rooms, and without those of others."""
        await cluster.clients[0].join("chess")
        await cluster.clients[2].join("chess")
        await cluster.clients[2].join("go")
        await cluster.clients[3].join("go")
        here, clients = cluster.here, cluster.clients
        assert await found(here, "chess") == ids([clients[0], clients[2]])
        assert await found(here, "chess", "go") == ids([clients[0], *clients[2:]])
        assert await found(here, "nobody") == set()
        sockets = await here.io.in_("go").except_("chess").fetch_sockets()
        assert [socket.id for socket in sockets] == [clients[3].id]

    async def test_what_is_known_of_a_socket(self, cluster: Cluster) -> None:
        """Its rooms, its data, and its handshake."""
        client = await cluster.connect(cluster.there, query="from=%C3%A9+x")
        await client.join("chess")
        await client.request("set data", {"name": "Ada", "tags": ["a", None, 1.5]})
        (socket,) = await cluster.here.io.in_(client.id).fetch_sockets()
        assert socket.id == client.id
        assert socket.rooms == {client.id, "chess"}
        assert socket.data == {"name": "Ada", "tags": ["a", None, 1.5]}
        handshake = socket.handshake.to_dict()
        assert handshake["query"]["from"] == "é x"
        assert handshake["query"]["transport"] == "websocket"
        assert handshake["headers"]["host"] == "testserver"
        assert (handshake["address"], handshake["secure"]) == ("127.0.0.1", False)

    async def test_data_with_bytes(self, cluster: Cluster) -> None:
        """Bytes in ``socket.data`` come as they are."""
        if not self.binary:
            pytest.skip("the form of messages has no bytes in the data of sockets")
        data: Any = {"picture": b"\x00\xff", "more": [b""]}
        await cluster.clients[2].request("set data", data)
        (socket,) = await cluster.here.io.in_(cluster.clients[2].id).fetch_sockets()
        assert socket.data == data

    async def test_sockets_join_and_leave(self, cluster: Cluster) -> None:
        """All sockets of all servers are moved."""
        await cluster.here.io.sockets_join("chess", "go")
        await joined(cluster, "chess", cluster.clients)
        await cluster.here.io.sockets_leave("chess")
        await joined(cluster, "chess", [])
        await joined(cluster, "go", cluster.clients)

    async def test_the_sockets_of_rooms_join_and_leave(self, cluster: Cluster) -> None:
        """Only some of them are moved."""
        io, clients = cluster.here.io, cluster.clients
        for client in clients[1:]:
            await client.join("chess")
        await io.in_("chess").except_(clients[3].id).sockets_join("go")
        await joined(cluster, "go", clients[1:3])
        await io.in_(clients[2].id).sockets_leave("go")
        await joined(cluster, "go", clients[1:2])

    async def test_a_socket_that_was_moved_hears_its_room(self, cluster: Cluster) -> None:
        """Whoever has moved it there."""
        await cluster.here.io.in_(cluster.clients[2].id).sockets_join("chess")
        await joined(cluster, "chess", [cluster.clients[2]])
        await cluster.here.io.to("chess").emit("move", "e4")
        await cluster.expect([], [], [["move", "e4"]], [])

    @pytest.mark.parametrize("close", [False, True])
    async def test_sockets_are_disconnected(self, cluster: Cluster, close: bool) -> None:
        """Those of a room, on all servers; with ``close`` their connections end as well."""
        await cluster.clients[0].join("chess")
        await cluster.clients[2].join("chess")
        await cluster.here.io.in_("chess").disconnect_sockets(close)
        gone = [cluster.clients[0], cluster.clients[2]]
        await until(lambda: not any(client.connected for client in gone), "a client is still there")
        assert [len(client.ended) for client in cluster.clients] == [1, 0, 1, 0]
        assert await found(cluster.here) == ids([cluster.clients[1], cluster.clients[3]])

    async def test_all_sockets_are_disconnected(self, cluster: Cluster) -> None:
        """Nobody is left."""
        await cluster.here.io.disconnect_sockets()
        clients = cluster.clients
        await until(lambda: not any(client.connected for client in clients), "one is still there")
        assert await found(cluster.here) == set()
