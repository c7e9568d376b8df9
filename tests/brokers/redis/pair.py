"""Two servers of a cluster in this process, each with a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import AdapterState, RedisAdapter, RedisShardedAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter
from tests.support.peer import Peer, open_peer
from tests.support.serving import serve
from tests.support.waiting import until

MakeAdapter = Callable[[Any, str], ClusterAdapter]

ADAPTERS: dict[str, MakeAdapter] = {
    "classic": lambda redis, prefix: RedisAdapter(redis, key=prefix, request_timeout=1),
    "sharded": lambda redis, prefix: RedisShardedAdapter(
        redis, channel_prefix=prefix, request_timeout=1
    ),
    "private": lambda redis, prefix: RedisShardedAdapter(
        redis, channel_prefix=prefix, subscription_mode="dynamic-private", request_timeout=1
    ),
}


class Pair:
    """Two servers, and a client of each.

    Attributes:
        adapters: their adapters.
        servers: the servers.
        clients: the clients.
        sids: the ids of their sockets.
        server_events: what the servers have sent each other.
    """

    def __init__(self, make: Callable[[], ClusterAdapter]) -> None:
        self.adapters = [make(), make()]
        self.servers = [Server(adapter=adapter) for adapter in self.adapters]
        self.clients: list[Peer] = []
        self.sids: list[str] = []
        self.server_events: list[list[Any]] = []
        for server in self.servers:
            self._handle(server)

    def _handle(self, server: Server) -> None:
        @server.on("join")
        async def join(socket: Socket[Any], room: str) -> None:
            await socket.join(room)

        @server.on_server_event("question")
        async def question(value: Any) -> Any:
            self.server_events.append([value])
            return value

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    def states(self) -> list[AdapterState]:
        return [server.__socketio__.adapters.status.state for server in self.servers]

    async def ready(self, timeout: float = 15.0) -> None:
        """Wait until both are connected, and know each other."""
        await until(self._acquainted, timeout)

    def _acquainted(self) -> bool:
        return all(state is AdapterState.READY for state in self.states()) and all(
            adapter.core.members.ids and adapter.core.asking.gathered for adapter in self.adapters
        )

    async def reaches(self, value: Any) -> None:
        """Wait until an event of the first server has reached the client of the other one."""
        await self.here.emit("probe", value)
        while await self.clients[1].event() != ["probe", value]:
            pass


@asynccontextmanager
async def pair(
    make: MakeAdapter, redis: Any, prefix: str, *, there: Any = None
) -> AsyncIterator[Pair]:
    """Serve two servers until the block ends.

    Args:
        make: makes their adapters.
        redis: what they connect to.
        prefix: the prefix of their channels.
        there: what the second one connects to, if that is something else.
    """
    sources = iter([redis, redis if there is None else there])
    both = Pair(lambda: make(next(sources), prefix))
    async with AsyncExitStack() as stack:
        for server in both.servers:
            served = await stack.enter_async_context(serve(server))
            both.clients.append(await stack.enter_async_context(open_peer(served.url)))
        await both.ready()
        for client in both.clients:
            both.sids.append(await client.join())
        yield both
