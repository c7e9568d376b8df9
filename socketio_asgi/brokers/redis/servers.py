"""Open connections with the servers of a deployment: one, or all masters of a cluster.

Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection

from ...runtime import Runtime
from .connection import OnLost, OnMessage, OnPatternMessage, RedisConnection
from .errors import RedisConnectionError
from .server import RedisServer
from .slots import Remap, Slots, key_slot
from .subscribers import ClusterSubscribers, ask, read


class RedisServers:
    """Open connections; when one is lost, all are closed, and that is reported once.

    Args:
        runtime: The event loop.
        on_message: Called with the channel and the data of each message.
        on_lost: Called when one of the connections is lost, once all were opened.
        on_pattern_message: Called with each message of a subscription to a pattern.

    Attributes:
        main: The connection for everything that any server of the deployment takes.
    """

    main: RedisConnection

    def __init__(
        self,
        runtime: Runtime,
        on_message: OnMessage,
        on_lost: OnLost,
        on_pattern_message: OnPatternMessage | None = None,
    ) -> None:
        self._runtime = runtime
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_pattern_message = on_pattern_message
        self._masters: dict[bytes, RedisConnection] = {}
        self._slots: Slots | None = None
        self._subscribers: ClusterSubscribers | None = None
        self._opened = False

    @property
    def is_cluster(self) -> bool:
        """True for a Redis Cluster."""
        return self._slots is not None

    @property
    def masters(self) -> list[RedisConnection]:
        """The connections with all masters; with the only server, where there is no cluster."""
        return list(self._masters.values()) if self.is_cluster else [self.main]

    def for_key(self, key: str | bytes) -> RedisConnection:
        """The connection with the server that has a key, or carries a sharded channel.

        Raises:
            RedisError: No server of the cluster has it.
        """
        if self._slots is None:
            return self.main
        slot = key_slot(key.encode() if isinstance(key, str) else key)
        return self._masters[self._slots.owner(slot)]

    async def open_another(self, key: str | bytes, on_lost: OnLost) -> RedisConnection:
        """Make a connection of one's own for commands that block, such as reading a stream.

        A command may block for less than :data:`~.server.SILENCE_SECONDS`. The caller closes it.

        Args:
            key: The key that is read, which says where in a cluster it is.
            on_lost: Called once, when this connection is lost.

        Raises:
            NotRetryable: The server does not let this client in.
            RedisError: It makes sense to try again.
        """
        server = self.for_key(key).server
        connection = RedisConnection(server, self._runtime, on_lost=on_lost)
        await connection.connect()
        return connection

    async def count_subscribers(
        self, channels: Collection[bytes], *, sharded: bool = False
    ) -> Counter[bytes]:
        """The number of subscribers of each of some channels, wherever they are connected.

        Raises:
            RedisError: Redis has refused, or was lost.
        """
        if self._subscribers is not None:
            return await self._subscribers.count(channels, sharded=sharded)
        names = list(channels)
        return Counter(await read(ask(self.main, names, sharded=sharded), names))

    async def drain(self) -> None:
        """Wait until all that was sent is answered; the caller limits the time.

        Raises:
            RedisError: A connection is lost, or overloaded.
        """
        for reply in [connection.send("PING") for connection in self.masters]:
            await reply

    def close(self) -> None:
        """Close all connections; what was not answered may be lost, see :meth:`drain`."""
        self._opened = False
        if self._subscribers is not None:
            self._subscribers.close()
        for connection in self._masters.values():
            connection.close()
        if hasattr(self, "main"):
            self.main.close()

    # -- for the deployment ------------------------------------------------------------------

    def make(self, server: RedisServer) -> RedisConnection:
        """Make a connection that is not open yet."""
        return RedisConnection(
            server, self._runtime, self._on_message, self._on_one_lost, self._on_pattern_message
        )

    async def add_cluster(self, slots: Slots, remap: Remap | None) -> None:
        """Connect with all masters of a cluster, of which ``main`` is any server.

        Args:
            slots: What that server says of the cluster.
            remap: Changes the addresses that the cluster announces, where others are reached.

        Raises:
            NotRetryable: One does not let this client in.
            RedisError: One cannot be reached.
        """
        first = self.main
        own_id: bytes = await first.send("CLUSTER", "MYID")
        for id, server in slots.masters.items():
            connection = first if id == own_id else self.make(server)
            self._masters[id] = connection
            if connection is not first:
                await connection.connect()
        self._slots = slots
        self._subscribers = ClusterSubscribers(self._runtime, self._masters, remap)
        # Any master will do: the servers of an application spread over them.
        self.main = random.choice(self.masters)  # noqa: S311  # no secret
        if own_id not in self._masters:
            first.close()

    def opened(self) -> None:
        """All connections are there: from now on, a loss is reported.

        Raises:
            RedisConnectionError: One was lost meanwhile.
        """
        if any(connection.closed for connection in self.masters):
            raise RedisConnectionError("a connection with Redis was lost at once")
        self._opened = True

    def _on_one_lost(self, error: Exception) -> None:
        if self._opened:
            self.close()
            self._on_lost(error)
