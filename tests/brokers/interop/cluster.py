"""A cluster of two servers with two clients each, of whichever kinds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup

from tests.support.waiting import until

from .adapters import Entry, MakeAdapter
from .clients import Client, Clients
from .servers import NAMESPACES, Namespaces, NodeServers, NodeSide, OurSide, Side, To

WAIT_SECONDS = 20.0


class Kind(Enum):
    """The kind of a server."""

    OURS = "ours"
    NODE = "node"


class Sender(Protocol):
    """What sends events."""

    async def emit(self, event: str, *args: Any, to: To = ...) -> None: ...


class Cluster:
    """The cluster of one test.

    Args:
        entry: the adapters.
        here: the kind of the server that acts.
        there: the kind of the other one.
        nodes: the official servers.
        clients: the clients.
        node_options: more options of the official adapters.

    Attributes:
        here: the server that acts.
        there: the other one.
        clients: two clients of the first, then two of the second.
        kinds: the kinds of both.
        nodes: the official servers.
    """

    here: Side
    there: Side
    clients: list[Client]

    def __init__(
        self,
        entry: Entry,
        here: Kind,
        there: Kind,
        nodes: NodeServers,
        clients: Clients,
        node_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.entry = entry
        self.kinds = (here, there)
        self.key = f"test-{uuid4().hex[:12]}"
        self.nodes = nodes
        self._node_options = node_options or {}
        self._all_clients = clients
        self._ends = 0
        self._connected: list[Client] = []
        self._sides: list[Side] = []
        self._ours: MakeAdapter | None = None if entry.ours is None else entry.ours(self.key)
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        try:
            self.here, self.there = [await self.start(kind) for kind in self.kinds]
            await self.acquainted()
            self.clients = [
                await self.connect(side) for side in (self.here, self.there) for _ in range(2)
            ]
        except BaseException as error:
            await self._stack.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._connected:
            await client.close()
        for side in reversed(self._sides):
            await side.stop()
        await self._stack.__aexit__(kind, error, trace)

    async def start(
        self,
        kind: Kind,
        namespaces: Namespaces = NAMESPACES,
        options: Mapping[str, Any] | None = None,
    ) -> Side:
        """Start one more server of the cluster."""
        if kind is Kind.OURS:
            assert self._ours is not None
            side: Side = await OurSide.start(self._tasks, self._ours(), namespaces, options)
        else:
            adapter = {**self.entry.node(self.key), **self._node_options}
            side = await self.nodes.start(adapter, namespaces, options)
        self._sides.append(side)
        return side

    async def stop(self, side: Side) -> None:
        """Stop a server before the others."""
        self._sides.remove(side)
        await side.stop()

    def crash_nodes(self) -> None:
        """Kill the process of the official servers; those that are started later get another."""
        self.nodes.node.kill()
        self._sides = [side for side in self._sides if not isinstance(side, NodeSide)]
        self.nodes = NodeServers()

    async def connect(self, side: Side, namespace: str = "/", **options: Any) -> Client:
        """Connect one more client."""
        client = await self._all_clients.connect(side.url, namespace, **options)
        if isinstance(side, NodeSide):
            # The broker is asked to count after it was asked for the rooms.
            client.settle = partial(side.count, namespace)
            await client.settle()
        self._connected.append(client)
        return client

    async def acquainted(self, namespace: str = "/", servers: int = 2) -> None:
        """Wait until the servers know each other in a namespace."""
        for side in self._sides:
            await until(partial(self._knows, side, namespace, servers), WAIT_SECONDS)

    async def _knows(self, side: Side, namespace: str, servers: int) -> bool:
        return await side.count(namespace) == servers

    async def heard(
        self, *clients: Client, namespace: str = "/", sender: Sender | None = None
    ) -> list[list[list[Any]]]:
        """What each client has heard, up to an event that goes the way of the others.

        Args:
            clients: the clients; all four without any.
            namespace: their namespace.
            sender: what has sent the others; by default the server that acts.
        """
        listening = clients or tuple(self.clients)
        self._ends += 1
        await (sender or self.here).emit("end", self._ends, to=To(namespace=namespace))
        end = ["end", self._ends]
        await until(lambda: all(end in client.heard for client in listening), WAIT_SECONDS)
        return [[event for event in client.heard if event[0] != "end"] for client in listening]
