"""The number of subscribers of a channel, on all servers of Redis that may have some.

Each server of a cluster knows only of those that are connected with it. Clients subscribe at
replicas as well, and those of a master that has become one stay there.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from ...exceptions import NotRetryable
from ...runtime import Event, Runtime
from .connection import RedisConnection, Reply
from .errors import RedisConnectionError, RedisError
from .server import RedisServer
from .slots import Remap, Slots, read_slots

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

VIEW_SECONDS = 1.0
"""The time after which a cluster is asked again which servers it has."""

CONNECT_SECONDS = 1.0
"""The longest wait for one more server; where replicas cannot be reached, those who count wait."""

RETRY_SECONDS = 10.0
"""The time after which a server is tried again that could not be reached."""


def ask(connection: RedisConnection, channels: Sequence[bytes], *, sharded: bool) -> Reply:
    """Ask one server for the subscribers of channels.

    Raises:
        RedisError: The connection is over, or takes no more.
    """
    return connection.send("PUBSUB", "SHARDNUMSUB" if sharded else "NUMSUB", *channels)


async def read(reply: Reply, channels: Sequence[bytes]) -> Mapping[bytes, int]:
    """The numbers of subscribers that a server has answered.

    Raises:
        RedisError: It has refused, or was lost.
    """
    numbers = (await reply)[1::2]
    return {name: int(number) for name, number in zip(channels, numbers, strict=True)}


class ClusterSubscribers:
    """Counts the subscribers in a cluster.

    Args:
        runtime: The event loop.
        masters: The open connections with masters, by their ids; their owner closes them.
        remap: Changes the addresses that the cluster announces, where others are reached.
    """

    def __init__(
        self, runtime: Runtime, masters: Mapping[bytes, RedisConnection], remap: Remap | None
    ) -> None:
        self._runtime = runtime
        self._masters = masters
        self._remap = remap
        self._others: dict[bytes, RedisConnection] = {}
        self._failed: dict[bytes, float] = {}
        self._slots: Slots | None = None
        self._looked = 0.0
        self._looking: Event | None = None
        self._closed = False

    def close(self) -> None:
        """Close the connections that were made for this."""
        self._closed = True
        for connection in self._others.values():
            connection.close()

    async def count(self, channels: Collection[bytes], *, sharded: bool) -> Counter[bytes]:
        """The subscribers of each of these channels.

        Raises:
            RedisError: A master has refused, or was lost.
        """
        slots = await self._view()
        asked: dict[bytes, list[bytes]] = {}
        for channel in channels:
            for id in slots.carriers(channel if sharded else None):
                asked.setdefault(id, []).append(channel)
        sent = [
            (id, names, ask(connection, names, sharded=sharded))
            for id, names in asked.items()
            if (connection := self._connection(id)) is not None
        ]
        found: Counter[bytes] = Counter()
        for id, names, reply in sent:
            # The loss of a master ends everything; that of another one, its subscriptions alone.
            with suppress(*(() if id in self._masters else (RedisConnectionError,))):
                found.update(await read(reply, names))
        return found

    def _connection(self, id: bytes) -> RedisConnection | None:
        connection = self._masters.get(id) or self._others.get(id)
        return None if connection is None or connection.closed else connection

    # -- the servers that a cluster has now --------------------------------------------------

    async def _view(self) -> Slots:
        """The servers of the cluster, connected as far as they can be reached."""
        while self._looking is not None:
            await self._looking.wait()
        if self._slots is not None and self._runtime.now() < self._looked + VIEW_SECONDS:
            return self._slots
        done = self._looking = self._runtime.event()
        try:
            main = next(iter(self._masters.values()))
            self._slots = slots = await read_slots(main, self._remap)
            self._looked = self._runtime.now()
            for id, server in slots.carriers().items():
                if self._is_worth_trying(id):
                    await self._connect(id, server)
        finally:
            self._looking = None
            done.set()
        return slots

    def _is_worth_trying(self, id: bytes) -> bool:
        if self._closed or self._connection(id) is not None:
            return False
        return self._runtime.now() >= self._failed.get(id, -RETRY_SECONDS) + RETRY_SECONDS

    async def _connect(self, id: bytes, server: RedisServer) -> None:
        connection = RedisConnection(server, self._runtime)
        try:
            await self._runtime.within(CONNECT_SECONDS, connection.connect())
        except (RedisError, NotRetryable, TimeoutError) as error:
            self._failed[id] = self._runtime.now()
            logger.debug("the subscribers at %s cannot be counted: %r", server, error)
        if self._closed:
            connection.close()
        self._others[id] = connection
