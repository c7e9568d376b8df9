"""Two servers that recover clients over MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from socketio_asgi import ConnectionStateRecovery, Server, Socket
from socketio_asgi.adapters.cluster.core import Core
from socketio_asgi.adapters.mongo.archive import MongoArchive
from socketio_asgi.adapters.mongo.driver import MongoDriver
from tests.server.recovery.support import Guest
from tests.support.serving import serve
from tests.support.waiting import until

from .cluster import make_adapter

RECOVERY = ConnectionStateRecovery(max_disconnection_duration=60)


class Recovering:
    """Two servers that remember their sockets.

    Attributes:
        adapters: their adapters.
        servers: the servers.
        urls: their URLs, once they are served.
        seen: the sockets that each has got.
    """

    def __init__(self, *sources: Any, key: str, **options: Any) -> None:
        self.adapters = [make_adapter(source, key, **options) for source in sources]
        self.servers = [
            Server(adapter=adapter, connection_state_recovery=RECOVERY) for adapter in self.adapters
        ]
        self.urls: list[str] = []
        self.seen: list[list[Socket]] = [[] for _ in sources]
        for server, seen in zip(self.servers, self.seen, strict=True):
            server.on("connection")(seen.append)

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    @property
    def cores(self) -> list[Core]:
        return [adapter.core for adapter in self.adapters]

    def driver(self, number: int) -> MongoDriver:
        driver = self.cores[number].driver
        assert isinstance(driver, MongoDriver)
        return driver

    def archive(self, number: int) -> MongoArchive:
        archive = self.driver(number).archive
        assert isinstance(archive, MongoArchive)
        return archive

    def guest(self, number: int) -> Guest:
        return Guest(self.urls[number])

    async def arrived(self, number: int, count: int = 1) -> Socket:
        """Wait for a client."""
        await until(lambda: len(self.seen[number]) >= count)
        return self.seen[number][count - 1]

    async def alone(self, number: int) -> None:
        """Wait until all clients are gone, and saved."""
        await until(lambda: not self.servers[number].sockets.sockets)
        await until(lambda: not self.cores[number]._saves)

    async def away(self, number: int = 0) -> Guest:
        """A client that was connected, was in a room, and has lost its connection."""
        guest = self.guest(number)
        async with guest.connected():
            await (await self.arrived(number)).join("room")
            await self.servers[number].emit("first")
            assert await guest.event() == ["first"]
        await self.alone(number)
        return guest

    async def read(self) -> None:
        """Wait until all servers have read what was sent until now."""
        for server in self.servers:
            await server.in_("nobody").sockets_join("nowhere")
        last = max(core.position or "" for core in self.cores)
        await until(lambda: all((core.position or "") >= last for core in self.cores))

    async def ready(self) -> None:
        """Wait until they know one another."""
        await until(lambda: all(len(server.cluster.members) == 2 for server in self.servers), 20)


@asynccontextmanager
async def recovering(*sources: Any, key: str, **options: Any) -> AsyncIterator[Recovering]:
    """Serve them until the block ends."""
    cluster = Recovering(*sources, key=key, **options)
    async with AsyncExitStack() as stack:
        for server in cluster.servers:
            served = await stack.enter_async_context(serve(server))
            cluster.urls.append(served.url)
        await cluster.ready()
        yield cluster
