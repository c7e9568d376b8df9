"""Servers that NATS joins, with clients."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import AdapterState, NatsAdapter
from socketio_asgi.adapters.cluster.core import Core
from socketio_asgi.adapters.cluster.namespace import ClusterNamespace
from socketio_asgi.adapters.nats import JetStream
from tests.support.peer import Peer, open_peer
from tests.support.serving import Served, serve
from tests.support.waiting import until

ClusterT = TypeVar("ClusterT", bound="Cluster")

LONG = 30.0  # seconds; nobody may wait for the end of it


class Cluster:
    """Some servers in one cluster of a random name.

    Args:
        url: Where NATS is.
        jetstream: Whether JetStream is used, or how.
        options: Options of the adapters.

    Attributes:
        servers: The servers.
        clients: One client of each server.
    """

    def __init__(
        self, url: str, number: int = 2, *, jetstream: bool = False, **options: Any
    ) -> None:
        self.prefix = "test-" + secrets.token_hex(6)
        self.url = url
        self.jetstream = jetstream
        self.stream: dict[str, Any] = options.pop("stream", None) or {}
        self.recovery: Any = options.pop("recovery", False)
        self.options = options
        self.servers: list[Server] = []
        self.served: list[Served] = []
        self.clients: list[Peer] = []
        for _ in range(number):
            self.add_server()

    def adapter(self, **options: Any) -> NatsAdapter:
        """Make an adapter that belongs to the cluster."""
        name = options.pop("stream_name", self.prefix)
        stream = JetStream(**{"stream": name, "bucket": name, "storage": "memory", **self.stream})
        options = {"servers": self.url, **self.options, **options}
        jetstream = stream if self.jetstream else False
        return NatsAdapter(
            options.pop("servers"), prefix=self.prefix, jetstream=jetstream, **options
        )

    def add_server(self, **options: Any) -> Server:
        server = Server(adapter=self.adapter(**options), connection_state_recovery=self.recovery)
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


def open_cluster(url: str, number: int = 2, **options: Any) -> AbstractAsyncContextManager[Cluster]:
    """Make a cluster, and serve it for the time of the block."""
    return opened(Cluster(url, number, **options))
