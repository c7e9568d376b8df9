"""Two servers that MongoDB joins, with two clients each."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, MongoAdapter
from tests.support.peer import Peer, join_peer
from tests.support.serving import serve
from tests.support.waiting import until

QUICK = {"heartbeat_interval": 1.0, "heartbeat_timeout": 4.0}
"""Options of an adapter that notices quickly what has happened to its database."""


class Cluster:
    """Two servers with two clients each.

    Attributes:
        servers: the servers.
        clients: two of the first server, then two of the second.
    """

    def __init__(self, source: Any, key: str, **options: Any) -> None:
        self.key = key
        self.servers = [Server(adapter=make_adapter(source, key, **options)) for _ in range(2)]
        self.clients: list[Peer] = []

    async def start(self, stack: AsyncExitStack) -> None:
        """Serve both until the stack is closed, and let the clients connect."""
        for server in self.servers:
            served = await stack.enter_async_context(serve(server))
            for _ in range(2):
                self.clients.append(await stack.enter_async_context(join_peer(served.url)))
        await until(lambda: self.acquainted)

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    @property
    def acquainted(self) -> bool:
        """Whether each knows the other."""
        return all(
            len(server.cluster.members) == 2 and state_of(server) is AdapterState.READY
            for server in self.servers
        )

    async def heard_by_all(self) -> list[list[list[Any]]]:
        """The events that each client has got, of all that was sent until now."""
        for number, server in enumerate(self.servers):
            await server.emit("mark", number)
        return [await _heard(client) for client in self.clients]


async def _heard(client: Peer) -> list[list[Any]]:
    events: list[list[Any]] = []
    marks = 0
    while marks < 2:
        event = await client.event()
        if event[0] == "mark":
            marks += 1
        else:
            events.append(event)
    return events


def make_adapter(source: Any, key: str, **options: Any) -> MongoAdapter:
    """An adapter of the cluster with that name."""
    return MongoAdapter(source, collection=key, **options)


def state_of(server: Server) -> AdapterState:
    """The state of a server's adapter."""
    return server.cluster.health.state
