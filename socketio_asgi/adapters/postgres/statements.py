"""The statements for the table of attachments; its name was checked."""

# ruff: noqa: S608

from __future__ import annotations

import re
from dataclasses import dataclass

from ...brokers.postgres.link import Link
from ...exceptions import NotRetryable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?")

CLEAN_UP_ROWS = 1000
"""The most rows that are deleted at a time: messages do not wait long behind that."""

_CREATION_LOCK = 0x736F636B6574696F
"""A number for the lock under which the table is made: two servers that do so at once would fail
otherwise."""

NOTIFY = (
    "SELECT pg_notify(channel, payload)"
    " FROM unnest($1::text[], $2::text[]) AS message(channel, payload)"
)
"""Sends any number of notifications, in order."""

LOOSE = "SET synchronous_commit = off"
"""Lets statements end before what they did is on the disk: nobody reads notifications again."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements for one table.

    Attributes:
        table: Its name, with its schema or without.
    """

    table: str

    def __post_init__(self) -> None:
        if not isinstance(self.table, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"table_name must be text, not {self.table!r}")
        if not _NAME.fullmatch(self.table):
            raise ValueError(
                "table_name must be a name of letters, digits and underscores, with a schema and a"
                f" dot before it or without, not {self.table!r}"
            )

    @property
    def create(self) -> str:
        """Make the table."""
        return (
            f"CREATE TABLE IF NOT EXISTS {self.table} (id bigserial UNIQUE,"
            " created_at timestamptz DEFAULT now(), payload bytea)"
        )

    @property
    def store(self) -> str:
        """Store a row, and send a notification around its number, both or none."""
        return (
            f"WITH stored AS (INSERT INTO {self.table} (payload) VALUES ($1) RETURNING id)"
            " SELECT pg_notify($2, $3::text || id::text || $4::text) FROM stored"
        )

    @property
    def fetch(self) -> str:
        """Read rows, and the size of those that are too large."""
        return (
            "SELECT id, octet_length(payload),"
            " CASE WHEN octet_length(payload) <= $2 THEN payload END"
            f" FROM {self.table} WHERE id = ANY($1::bigint[])"
        )

    @property
    def clean_up(self) -> str:
        """Delete old rows; servers that do so at the same time do not wait for one another."""
        return (
            f"DELETE FROM {self.table} WHERE id IN (SELECT id FROM {self.table}"
            " WHERE created_at < now() - make_interval(secs => $1)"
            f" ORDER BY id LIMIT {CLEAN_UP_ROWS} FOR UPDATE SKIP LOCKED)"
        )

    async def prepare(self, link: Link, *, create: bool) -> None:
        """See that the table is there.

        Args:
            link: A connection.
            create: Whether it is made when it is missing.

        Raises:
            NotRetryable: It is missing, or cannot be made.
            ConnectionError: The connection is lost.
        """
        if not await self._exists(link):
            if not create:
                raise NotRetryable(
                    f"the table {self.table} is missing; with create_table=True it is made, by:"
                    f" {self.create}"
                )
            await link.script(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK}); {self.create}")

    async def _exists(self, link: Link) -> bool:
        rows = await link.fetch("SELECT to_regclass($1) IS NOT NULL", self.table)
        return bool(rows[0][0])
