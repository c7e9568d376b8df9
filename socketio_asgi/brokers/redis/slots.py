"""The slots of a Redis Cluster, and the servers that have them.

Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import binascii
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .connection import RedisConnection
from .errors import RedisConnectionError, RedisError
from .server import RedisServer

SLOTS = 16_384
"""The number of slots, over which a cluster spreads its keys and its sharded channels."""

Remap = Callable[[tuple[str, int]], tuple[str, int]]
"""Changes an address that a cluster announces, where its servers are reached at others."""


def key_slot(key: bytes) -> int:
    """The slot of a key or a sharded channel; of what stands in braces alone, if that is there."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]
    return binascii.crc_hqx(key, 0) % SLOTS


@dataclass
class Slots:
    """The servers of a cluster by their ids, and which slots each master has.

    Attributes:
        masters: The masters.
        replicas: The replicas of each of them.
        starts: The first slot of each range, in order.
        ranges: For each of them the last slot and the id of the master.
    """

    masters: dict[bytes, RedisServer] = field(default_factory=dict[bytes, RedisServer])
    replicas: dict[bytes, dict[bytes, RedisServer]] = field(
        default_factory=dict[bytes, dict[bytes, RedisServer]]
    )
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

    def carriers(self, sharded: bytes | None = None) -> dict[bytes, RedisServer]:
        """The servers that carry a sharded channel, replicas included; with None, any other one.

        Raises:
            RedisError: No server has the slot of that channel.
        """
        ids = self.masters if sharded is None else (self.owner(key_slot(sharded)),)
        found: dict[bytes, RedisServer] = {}
        for id in ids:
            found |= {id: self.masters[id], **self.replicas[id]}
        return found


async def read_slots(connection: RedisConnection, remap: Remap | None = None) -> Slots:
    """Ask a server of a cluster which servers it has.

    Args:
        connection: The connection with the server.
        remap: Changes the addresses that the cluster announces, where others are reached.

    Raises:
        RedisError: It does not say so.
    """

    def server(host: bytes | None, port: int) -> RedisServer:
        # A server that does not know by which name it is reached leaves that out.
        name = connection.server.host if host is None or host in {b"", b"?"} else host.decode()
        address = (name, int(port)) if remap is None else remap((name, int(port)))
        return connection.server.at(*address)

    reply: list[Any] = await connection.send("CLUSTER", "SLOTS")
    slots = Slots()
    for start, end, (host, port, id, *_), *replicas in sorted(reply, key=lambda row: int(row[0])):
        slots.masters[id] = server(host, port)
        slots.replicas[id] = {id: server(host, port) for host, port, id, *_ in replicas}
        slots.starts.append(start)
        slots.ranges.append((end, id))
    if not slots.masters:
        raise RedisConnectionError(f"{connection.server} has no cluster yet")
    return slots
