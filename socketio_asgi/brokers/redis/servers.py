"""Open connections with the servers of a deployment: one, or all masters of a cluster.

Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import binascii
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...runtime import Runtime
from .connection import OnLost, OnMessage, OnPatternMessage, RedisConnection
from .errors import RedisConnectionError, RedisError
from .server import RedisServer

SLOTS = 16_384
"""The number of slots, over which a cluster spreads its keys and its sharded channels."""

Remap = Callable[[tuple[str, int]], tuple[str, int]]


def key_slot(key: bytes) -> int:
    """The slot of a key or a sharded channel; of what stands in braces alone, if that is there."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]
    return binascii.crc_hqx(key, 0) % SLOTS


@dataclass
class Slots:
    """The masters of a cluster by their ids, and which slots each has.

    Attributes:
        masters: The masters.
        starts: The first slot of each range, in order.
        ranges: For each of them the last slot and the id of the master.
    """

    masters: dict[bytes, RedisServer] = field(default_factory=dict[bytes, RedisServer])
    starts: list[int] = field(default_factory=list[int])
    ranges: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    def owner(self, slot: int) -> bytes:
        """The id of the master that has a slot.

        Raises:
            RedisError: None has it.
        """
        index = bisect_right(self.starts, slot) - 1
        if index < 0 or self.ranges[index][0] < slot:
            raise RedisError(f"no server of the cluster has the slot {slot}")
        return self.ranges[index][1]


async def read_slots(connection: RedisConnection, remap: Remap | None = None) -> Slots:
    """Ask a server of a cluster which masters it has.

    Args:
        connection: The connection with the server.
        remap: Changes the addresses that the cluster announces, where others are reached.

    Raises:
        RedisError: It does not say so.
    """
    reply: list[Any] = await connection.send("CLUSTER", "SLOTS")
    slots = Slots()
    for start, end, (host, port, id, *_), *_ in sorted(reply, key=lambda item: int(item[0])):
        # A server that does not know by which name it is reached leaves that out.
        name = connection.server.host if host in {None, b"", b"?"} else host.decode()
        address = (name, int(port)) if remap is None else remap((name, int(port)))
        slots.masters[id] = connection.server.at(*address)
        slots.starts.append(start)
        slots.ranges.append((end, id))
    if not slots.masters:
        raise RedisConnectionError(f"{connection.server} has no cluster yet")
    return slots


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

    async def add_cluster(self, slots: Slots) -> None:
        """Connect with all masters of a cluster, of which ``main`` is any server.

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
