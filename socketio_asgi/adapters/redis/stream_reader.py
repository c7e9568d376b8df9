"""The reader of one stream, in order, over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from ...brokers.redis import RedisConnection, RedisError, RedisReplyError
from ..cluster.wires.streams import OLDEST, parse_position

OnEntry = Callable[[str, Sequence[bytes]], object]
"""Called with the id and the fields of each entry; it does not raise."""


async def last_position(connection: RedisConnection, stream: str) -> str:
    """The id of the last entry that a stream has had.

    Raises:
        RedisError: The server does not tell.
    """
    about = await _about(connection, stream)
    return OLDEST if about is None else about[b"last-generated-id"].decode()


async def is_kept(connection: RedisConnection, stream: str, position: str) -> bool:
    """True if a stream still has all entries behind a position.

    Raises:
        RedisError: The server does not tell.
        ValueError: The position is none.
    """
    asked = parse_position(position)
    about = await _about(connection, stream)
    if about is None or asked > parse_position(about[b"last-generated-id"].decode()):
        return position == OLDEST  # otherwise it is not the stream that was read before
    first = about[b"first-entry"]
    if first is not None and asked >= parse_position(first[0].decode()):
        return True
    # Whether the entry at the position was the last one that is gone, nobody knows.
    removed: bool = about.get(b"entries-added", about[b"length"]) != about[b"length"]
    return not removed


async def _about(connection: RedisConnection, stream: str) -> dict[bytes, Any] | None:
    try:
        about: dict[bytes, Any] = await connection.send("XINFO", "STREAM", stream)
    except RedisReplyError as error:
        if "no such key" in str(error):
            return None
        raise
    return about


class StreamReader:
    """Reads a stream until its connection is closed.

    Args:
        stream: The name of the stream.
        connection: A connection for it alone.
        positions: The positions behind which streams are read, by their names; it goes on there.
        count: The most entries that are read at once.
        block: How long the server waits for entries, in seconds.
        on_entry: Called with each entry.
    """

    def __init__(
        self,
        stream: str,
        connection: RedisConnection,
        positions: MutableMapping[str, str],
        *,
        count: int,
        block: float,
        on_entry: OnEntry,
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._positions = positions
        self._command = ("XREAD", "COUNT", count, "BLOCK", round(block * 1000), "STREAMS", stream)
        self._on_entry = on_entry

    async def run(self, on_error: Callable[[Exception], object]) -> None:
        """Read; a lost connection ends it, which its owner is told by the connection.

        Args:
            on_error: Called when the server refuses to be read.
        """
        try:
            while True:
                found = await self._connection.send(*self._command, self._positions[self._stream])
                for id, fields in _entries(found):
                    self._positions[self._stream] = id
                    self._on_entry(id, fields)
        except RedisReplyError as error:
            on_error(error)
        except RedisError:
            pass

    def close(self) -> None:
        """End it."""
        self._connection.close()


def _entries(found: dict[bytes, list[Any]] | None) -> list[tuple[str, Sequence[bytes]]]:
    """The entries in the answer of XREAD for one stream; fields of deleted entries are None."""
    entries = [] if found is None else next(iter(found.values()))
    return [(id.decode(), fields or ()) for id, fields in entries]
