"""The memory of the streams adapter for clients that come back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from ...brokers.redis import RedisServers
from ..cluster.driver import Archive
from ..cluster.message import MalformedMessage, Message
from ..cluster.wires.streams import (
    decode_entry,
    decode_session,
    encode_session,
    parse_position,
)
from ..recovery import SavedSocket
from .stream_reader import is_kept

PAGE = 100
"""Entries that are read at once."""


class StreamArchive(Archive):
    """Sockets are values of their own, and messages the entries of a stream.

    Args:
        servers: Gives the connections with Redis.
        prefix: The beginning of the keys of sockets.
        stream_of: Gives the stream of a namespace.
    """

    def __init__(
        self, servers: Callable[[], RedisServers], prefix: str, stream_of: Callable[[str], str]
    ) -> None:
        self._servers = servers
        self._prefix = prefix
        self._stream_of = stream_of

    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        """Keep a socket for that long."""
        key = self._prefix + saved.pid
        data = encode_session(namespace, saved)
        await self._servers().for_key(key).send("SET", key, data, "PX", round(seconds * 1000))

    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        """Look a socket up; what is no session of this namespace is none."""
        key = self._prefix + pid
        data = await self._servers().for_key(key).send("GET", key)
        try:
            return None if data is None else decode_session(namespace, pid, data)
        except MalformedMessage:
            return None

    async def take(self, namespace: str, pid: str) -> bool:
        """Remove a socket; True for exactly one caller."""
        key = self._prefix + pid
        removed: int = await self._servers().for_key(key).send("DEL", key)
        return removed == 1

    def latest(self, *positions: str) -> str:
        """The latest of some positions."""
        return max(positions, key=parse_position)

    async def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        """The messages of a namespace behind a position, page by page."""
        stream = self._stream_of(namespace)
        connection = self._servers().for_key(stream)
        if not await is_kept(connection, stream, position):
            raise LookupError(f"entries behind {position} are not kept any more")
        while True:
            page: list[Any] = await connection.send(
                "XRANGE", stream, f"({position}", "+", "COUNT", PAGE
            )
            for id, fields in page:
                position = id.decode()
                try:
                    message = decode_entry(fields)
                except MalformedMessage:
                    continue
                if message.namespace == namespace:
                    yield position, message
            if len(page) < PAGE:
                return
