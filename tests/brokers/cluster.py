"""Servers that a broker joins, with clients."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import AdapterState
from socketio_asgi.adapters.cluster import ClusterAdapter
from socketio_asgi.adapters.cluster.core import Core
from socketio_asgi.adapters.cluster.namespace import ClusterNamespace
from tests.support.peer import Peer, open_peer
from tests.support.serving import Served, serve
from tests.support.waiting import until

ClusterT = TypeVar("ClusterT", bound="Cluster")

LONG = 30.0  # seconds; nobody may wait for the end of it


class Cluster(ABC):
    """Some servers in one cluster of a random name.

    Args:
        url: Where the broker is.
        number: How many servers.
        sources: Where it is for each of the first servers, if not there; or clients of the library.
        recovery: The option ``connection_state_recovery`` of the servers.
        options: Options of the adapters.

    Attributes:
        prefix: The name.
        servers: The servers.
        clients: One client of each server.
    """

    def __init__(
        self,
        url: str,
        number: int = 2,
        *,
        sources: Sequence[Any] = (),
        recovery: Any = False,
        **options: Any,
    ) -> None:
        self.prefix = "test-" + secrets.token_hex(6)
        self.url = url
        self.sources = sources
        self.recovery = recovery
        self.options = options
        self.servers: list[Server] = []
        self.served: list[Served] = []
        self.clients: list[Peer] = []
        for _ in range(number):
            self.add_server()

    @abstractmethod
    def make_adapter(self, source: Any, **options: Any) -> ClusterAdapter:
        """Make an adapter that belongs to the cluster."""

    def adapter(self, source: Any = None, **options: Any) -> ClusterAdapter:
        """The same, with the options of all."""
        return self.make_adapter(source or self.url, **{**self.options, **options})

    def add_server(self, source: Any = None, **options: Any) -> Server:
        number = len(self.servers)
        if source is None and number < len(self.sources):
            source = self.sources[number]
        adapter = self.adapter(source, **options)
        server = Server(adapter=adapter, connection_state_recovery=self.recovery)
        server.on("sync")(_nothing)
        server.on("join")(_join)
        server.on("leave")(_leave)
        self.servers.append(server)
        return server

    async def serve(self, stack: AsyncExitStack) -> None:
        for server in self.servers:
            self.served.append(await stack.enter_async_context(serve(server)))
            self.clients.append(await stack.enter_async_context(open_peer(self.served[-1].url)))
            await self.clients[-1].join()
        await self.acquainted()

    async def acquainted(self, namespace: str = "/") -> None:
        """Wait until all are connected, and know one another."""
        await self.ready()
        others = len(self.servers) - 1
        await until(
            lambda: all(
                core.asking.gathered and len(core.members.of(namespace)) == others
                for core in self.cores
            ),
            timeout=10,
        )

    async def ready(self) -> None:
        await until(lambda: all(core.ready for core in self.cores), timeout=10)

    @property
    def cores(self) -> list[Core]:
        return [core_of(server) for server in self.servers]

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    def socket(self, number: int) -> Socket:
        """The server's side of a client."""
        return self.servers[number].sockets.sockets[self.clients[number].id]


def core_of(server: Server) -> Core:
    adapter = server.sockets.adapter
    assert isinstance(adapter, ClusterNamespace)
    return adapter.core


def state_of(server: Server) -> AdapterState:
    return server.__socketio__.adapters.status.state


async def start(server: Server) -> None:
    """Start a server without clients; raises what makes that impossible."""
    server.emit("begin")
    await server.__socketio__.adapters.started()


async def _nothing(socket: Any) -> None: ...


async def _join(socket: Socket, room: str) -> None:
    await socket.join(room)


async def _leave(socket: Socket, room: str) -> None:
    await socket.leave(room)


@asynccontextmanager
async def opened(cluster: ClusterT) -> AsyncIterator[ClusterT]:
    """Serve a cluster for the time of the block."""
    async with AsyncExitStack() as stack:
        await cluster.serve(stack)
        yield cluster
