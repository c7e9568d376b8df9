"""The adapter for Postgres, as applications make it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from ...brokers.postgres.asyncpg_link import AsyncpgPool
from ...brokers.postgres.source import database_of
from ...checks import check_count, check_flag, check_seconds, shown
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver
from ..cluster.history import History
from ..cluster.options import MAX_SECONDS, ClusterSettings
from ..cluster.wires.postgres import PAYLOAD_BYTES
from .driver import PostgresDriver, PostgresOptions
from .statements import Statements


class PostgresAdapter(ClusterAdapter):
    """Joins servers over Postgres: ``Server(adapter=PostgresAdapter("postgresql://localhost/app"))``.

    Servers in Node.js with ``@socket.io/postgres-adapter`` take part. Events travel by LISTEN and
    NOTIFY; long ones, and those with binary data, wait in a table for a while.

    Args:
        database: The URL of the database, or a pool of asyncpg of the application, which stays
            open. Two connections are kept. A pooler in between must keep sessions together.
        channel_prefix: What all channels begin with; servers of one cluster have the same.
        table_name: The table of long messages, with its schema and a dot before it or without.
        payload_threshold: The size from which on messages go into the table, in bytes; 8000 at the
            most, which Postgres prescribes.
        cleanup_interval: The time between two deletions of old messages from the table, and the age
            from which on they are old, in seconds.
        create_table: Whether the table is made when it is missing.
        max_message: The largest event, in bytes; a larger one raises at the ``emit``.
        connect_options: Options of ``asyncpg.connect()``, such as ``ssl`` and ``password``; with a
            URL only.
        **options: Those of :class:`.ClusterOptions`. ``heartbeat_interval`` is also how long the
            database may take for an answer, before it counts as gone.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.

    Source: https://socket.io/docs/v4/postgres-adapter/
    """

    def __init__(
        self,
        database: str | AsyncpgPool,
        *,
        channel_prefix: str = "socket.io",
        table_name: str = "socket_io_attachments",
        payload_threshold: int = PAYLOAD_BYTES,
        cleanup_interval: float = 30.0,
        create_table: bool = True,
        max_message: int = MAX_MESSAGE_BYTES,
        connect_options: Mapping[str, Any] | None = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        self._postgres = PostgresOptions(
            database=database_of(database, connect_options or {}),
            statements=Statements(table_name),
            channel_prefix=_prefix(channel_prefix),
            payload_threshold=_threshold(payload_threshold),
            answer_seconds=self._options.heartbeat_interval,
            cleanup_interval=check_seconds("cleanup_interval", cleanup_interval, MAX_SECONDS),
            create_table=check_flag("create_table", create_table),
            max_message=check_count("max_message", max_message, "bytes"),
        )
        self._history = History()

    def _new_driver(self) -> Driver:
        return PostgresDriver(self._postgres, self._history)


def _prefix(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"channel_prefix must be text, not {shown(value)}")
    if not value or "\0" in value:
        raise ValueError(f"channel_prefix must be a name, not {shown(value)}")
    return value


def _threshold(value: object) -> int:
    threshold = check_count("payload_threshold", value, "bytes")
    if threshold > PAYLOAD_BYTES:
        raise ValueError(f"payload_threshold is {PAYLOAD_BYTES} bytes at the most, not {threshold}")
    return threshold
