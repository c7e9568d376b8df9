"""A TCP proxy in the event loop of a test, which does what networks do to connections."""

from __future__ import annotations

import socket
import struct
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Unpack

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup, TaskStatus

from ...adapters.cluster import ClusterAdapter, ClusterSettings
from .broker import Broker

LOOPBACK = "127.0.0.1"


class FaultProxy:
    """Hands bytes on in both directions, until it is told not to.

    Args:
        port: The port of the server.
        host: Its host.

    Attributes:
        host: The host of the proxy.
        port: The port of the proxy.
        refusing: Whether new connections are ended at once.
        accepted: The number of connections that were made.
        pieces: The data that clients have sent, as they came.
        delay: The time that every piece takes on its way, in seconds.
    """

    port: int

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self.host: str = LOOPBACK
        self.delay: float = 0.0
        self.refusing: bool = False
        self.accepted: int = 0
        self.pieces: list[bytes] = []
        self._target = (host, port)
        self._flowing = anyio.Event()
        self._flowing.set()
        self._cutting: list[anyio.CancelScope] = []
        self._left: int | None = None

    @property
    def address(self) -> str:
        """Host and port of the proxy, as in a URL."""
        return f"{self.host}:{self.port}"

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

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Listen on a free port until it is cancelled."""
        listener = await anyio.create_tcp_listener(local_host=LOOPBACK)
        self.port = listener.extra(SocketAttribute.local_port)  # noqa: S610  # not of Django
        async with listener:
            task_status.started()
            await listener.serve(self.handle)

    async def handle(self, client: SocketStream) -> None:
        """Serve one connection."""
        self.accepted += 1
        if self.refusing:
            return await _reset(client)
        try:
            server = await anyio.connect_tcp(*self._target)
        except OSError:
            return await _reset(client)
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
                await _reset(client)
                await _reset(server)

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


async def _reset(stream: SocketStream) -> None:
    """Close a connection with a reset (RST) instead of an orderly end (FIN)."""
    try:
        raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610  # not of Django
    except AttributeError:  # uvloop has closed it, and gives the socket away no more
        return
    if raw.fileno() < 0:  # it has ended already
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await anyio.aclose_forcefully(stream)


@asynccontextmanager
async def fault_proxy(port: int, host: str = LOOPBACK) -> AsyncGenerator[FaultProxy]:
    """Run a proxy in front of a server.

    Args:
        port: The port of the server.
        host: Its host.

    Example:
        ```python
        async with fault_proxy(6379) as proxy:
            io = Server(adapter=RedisAdapter(f"redis://{proxy.address}"))
            ...
            proxy.cut()
        ```
    """
    proxy = FaultProxy(port, host)
    async with anyio.create_task_group() as tasks:
        await tasks.start(proxy.serve)
        try:
            yield proxy
        finally:
            tasks.cancel_scope.cancel()


class ProxiedBroker(Broker):
    """A broker that listens on one TCP port: each server reaches it through a proxy of its own.

    Args:
        port: The port of the broker.
        host: Its host.

    Attributes:
        target: The port and the host of the broker itself.
    """

    _tasks: TaskGroup

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self.target: tuple[int, str] = (port, host)
        self._proxies: dict[ClusterAdapter, FaultProxy] = {}

    @abstractmethod
    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        """Make the adapter of one server; see :meth:`.Broker.adapter`.

        Args:
            host: The host to connect to.
            port: The port there.
            key: The name of the cluster.
            options: The options that all adapters have in common, to be handed on.
        """

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        """Make the adapter of one server, behind a proxy."""
        proxy = FaultProxy(*self.target)
        await self._tasks.start(proxy.serve)
        adapter = self.connect(proxy.host, proxy.port, key, **options)
        self._proxies[adapter] = proxy
        return adapter

    async def open(self) -> None:
        """Begin; the proxies come with the adapters."""
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()

    async def close(self) -> None:
        """End the proxies."""
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def cut(self, adapter: ClusterAdapter) -> None:
        """End the connections of a server with resets, and refuse new ones."""
        proxy = self._proxies[adapter]
        proxy.refusing = True
        proxy.cut()

    async def restore(self, adapter: ClusterAdapter) -> None:
        """Let a server connect again."""
        self._proxies[adapter].refusing = False

    def proxy_of(self, adapter: ClusterAdapter) -> FaultProxy:
        """The proxy in front of the broker, for one server."""
        return self._proxies[adapter]
