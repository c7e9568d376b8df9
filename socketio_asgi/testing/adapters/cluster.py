"""A cluster of servers in one process, with clients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup

from ...adapters.cluster import ClusterSettings
from .broker import Broker
from .client import Client
from .server import ClusterServer
from .waiting import until

END = "end of what was sent"


class Cluster:
    """Two servers of one cluster with two clients each; more may come, and all may go.

    Args:
        broker: The broker.
        ordered: Whether events of one server come in the order in which they were sent.
        server_options: Options of the servers.
        options: Options of their adapters.

    Attributes:
        key: The name of the cluster.
        broker: The broker.
        servers: The servers that have not ended.
        here: The first server, which acts in most tests.
        there: The second one.
        clients: Two clients of the first server, then two of the second.
    """

    here: ClusterServer
    there: ClusterServer

    def __init__(
        self,
        broker: Broker,
        *,
        ordered: bool = True,
        server_options: dict[str, Any] | None = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        self.key: str = f"test-{uuid4().hex[:12]}"
        self.broker: Broker = broker
        self.servers: list[ClusterServer] = []
        self.clients: list[Client] = []
        self._ordered = ordered
        self._server_options = server_options or {}
        self._options = options
        self._all_clients: list[Client] = []
        self._ends = 0
        self._tasks: TaskGroup = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        try:
            await self._start_both()
            self.clients = [
                await self.connect(server) for server in (self.here, self.there) for _ in range(2)
            ]
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with anyio.CancelScope(shield=True):
                for client in set(self._all_clients):
                    await client.drop()
                for server in reversed(self.servers):
                    await server.stop()
        finally:
            if error is not None:
                self._tasks.cancel_scope.cancel()
            await self._tasks.__aexit__(None, None, None)

    # -- servers and clients -----------------------------------------------------------------

    async def start(
        self, server_options: dict[str, Any] | None = None, **options: Unpack[ClusterSettings]
    ) -> ClusterServer:
        """Start one more server.

        Args:
            server_options: More options of the server.
            options: More options of its adapter.
        """
        server = await self._make(server_options, **options)
        await server.start(self._tasks)
        return server

    async def _make(
        self, server_options: dict[str, Any] | None = None, **options: Unpack[ClusterSettings]
    ) -> ClusterServer:
        settings: ClusterSettings = {**self._options, **options}
        adapter = await self.broker.adapter(self.key, **settings)
        server = ClusterServer(adapter, {**self._server_options, **(server_options or {})})
        self.servers.append(server)
        return server

    async def _start_both(self) -> None:
        """Start two servers at the same time, for each takes a while to know the others."""
        self.here, self.there = [await self._make() for _ in range(2)]
        async with anyio.create_task_group() as tasks:
            for server in self.servers:
                tasks.start_soon(server.start, self._tasks)
        await self.acquainted()

    async def stop(self, server: ClusterServer) -> None:
        """Stop a server in order, before the others."""
        self.servers.remove(server)
        await server.stop()

    async def connect(self, server: ClusterServer, namespace: str = "/", query: str = "") -> Client:
        """Connect one more client, which is not among :attr:`clients`."""
        client = Client(server.io, namespace, query)
        await self.run(client)
        return client

    async def run(self, client: Client) -> None:
        """Let a client connect, also again."""
        await self._tasks.start(client.run)
        self._all_clients.append(client)
        await client.joined()

    async def acquainted(self, namespace: str = "/", servers: int | None = None) -> None:
        """Wait until the servers know one another in a namespace.

        Args:
            namespace: The namespace.
            servers: How many have it; None for all.
        """
        number = len(self.servers) if servers is None else servers
        for server in self.servers:
            await until(
                partial(server.knows, number, namespace),
                f"a server does not know of all {number} servers with {namespace}",
            )

    # -- what clients hear -------------------------------------------------------------------

    async def expect(
        self,
        *expected: Sequence[list[Any]],
        clients: Sequence[Client] | None = None,
        sender: ClusterServer | None = None,
        namespace: str = "/",
    ) -> None:
        """Check what clients have heard since the last time, and that it was all.

        Args:
            expected: For each client its events, with name and arguments.
            clients: The clients; without any, :attr:`clients`.
            sender: The server that has sent the last event; by default :attr:`here`.
            namespace: The namespace of the clients.

        Raises:
            AssertionError: They have heard something else.
        """
        listening = self.clients if clients is None else clients
        heard = await self.heard(
            *listening,
            least=[len(events) for events in expected],
            sender=sender,
            namespace=namespace,
        )
        wanted = [list(events) for events in expected]
        if not self._ordered:
            heard, wanted = [[sorted(each, key=repr) for each in all_] for all_ in (heard, wanted)]
        assert heard == wanted

    async def heard(
        self,
        *clients: Client,
        least: Sequence[int] = (),
        sender: ClusterServer | None = None,
        namespace: str = "/",
    ) -> list[list[list[Any]]]:
        """The events that clients have heard since the last time.

        An event to all comes behind them, so that nothing is on its way any more.

        Args:
            clients: The clients.
            least: How many events to wait for, for each client.
            sender: The server that has sent the last event; by default :attr:`here`.
            namespace: The namespace of the clients.
        """
        self._ends += 1
        end: list[Any] = [END, self._ends]
        await (sender or self.here).io.of(namespace).emit(END, self._ends)
        counts = dict(zip(clients, least, strict=False))

        def complete() -> bool:
            return all(
                end in client.heard and len(events_of(client)) >= counts.get(client, 0)
                for client in clients
            )

        try:
            await until(complete, "")
        except AssertionError:
            report = "\n".join(
                f"  {len(events_of(client))} of {counts.get(client, 0)}, {client.heard!r:.300}"
                for client in clients
            )
            raise AssertionError(
                f"not all events have come to the clients, or not {end} behind them:\n{report}"
            ) from None
        result = [events_of(client) for client in clients]
        for client in clients:
            client.heard.clear()
        return result


def events_of(client: Client) -> list[list[Any]]:
    """The events of a test that a client has heard."""
    return [event for event in client.heard if event[0] != END]
