"""A TCP proxy in the test's event loop, which does what networks do to connections.

>>> async with fault_proxy(redis.port) as proxy:
...     io = Server(adapter=RedisAdapter(f"redis://127.0.0.1:{proxy.port}"))
...     proxy.cut()
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketStream

from .ports import HOST
from .tcp import abort_stream


class FaultProxy:
    """Hands bytes on in both directions, until it is told not to.

    Args:
        target: The port of the server, on loopback.

    Attributes:
        port: The port of the proxy.
        refusing: Whether new connections are ended at once.
        accepted: The number of connections that were made.
        pieces: What clients have sent, as it came.
        delay: The time that every piece takes on its way, in seconds.
    """

    port: int

    def __init__(self, target: int) -> None:
        self._target = target
        self._flowing = anyio.Event()
        self._flowing.set()
        self._cutting: list[anyio.CancelScope] = []
        self._left: int | None = None
        self.delay = 0.0
        self.refusing = False
        self.accepted = 0
        self.pieces: list[bytes] = []

    @property
    def url(self) -> str:
        """The URL of a Redis behind it."""
        return f"redis://{HOST}:{self.port}"

    def cut(self) -> None:
        """End all connections, on both sides, with a reset."""
        for scope in self._cutting:
            scope.cancel()

    def cut_after(self, size: int) -> None:
        """End all connections when the server has sent so many bytes more, in whatever they are."""
        self._left = size

    def freeze(self) -> None:
        """Hand nothing on any more, as when a cable is pulled; all connections stay open."""
        self._flowing = anyio.Event()

    def thaw(self) -> None:
        """Hand on what has waited, and all that comes."""
        self._flowing.set()

    async def handle(self, client: SocketStream) -> None:
        """Serve one connection."""
        self.accepted += 1
        if self.refusing:
            return await abort_stream(client)
        try:
            server = await anyio.connect_tcp(HOST, self._target)
        except OSError:
            return await abort_stream(client)
        scope = anyio.CancelScope()
        self._cutting.append(scope)
        try:
            with scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._copy, client, server, scope, self.pieces)
                    tasks.start_soon(self._copy, server, client, scope, None)
        finally:
            self._cutting.remove(scope)
            with anyio.CancelScope(shield=True):
                await abort_stream(client)
                await abort_stream(server)

    async def _copy(
        self,
        source: SocketStream,
        sink: SocketStream,
        scope: anyio.CancelScope,
        pieces: list[bytes] | None,
    ) -> None:
        try:
            async for data in source:
                if pieces is not None:
                    pieces.append(data)
                await anyio.sleep(self.delay)
                await self._flowing.wait()
                await sink.send(data if pieces is not None else self._allowed(data))
                if self._left == 0:
                    self._left = None
                    self.cut()
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    def _allowed(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        allowed = data[: self._left]
        self._left -= len(allowed)
        return allowed


@asynccontextmanager
async def fault_proxy(target: int) -> AsyncIterator[FaultProxy]:
    """Run a proxy in front of a server on that port of loopback."""
    proxy = FaultProxy(target)
    listener = await anyio.create_tcp_listener(local_host=HOST)
    proxy.port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, proxy.handle)
        try:
            yield proxy
        finally:
            tasks.cancel_scope.cancel()
