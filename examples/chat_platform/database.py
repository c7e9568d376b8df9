"""The database: the engine, sessions, the clock that all servers share, and the migrations."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from .settings import settings

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x50C4E7  # any number that no other program locks in this database

IS_POSTGRES = settings.postgres_url is not None

# SQLite has one writer at a time. With one connection the others wait in the pool, in turn,
# instead of failing with "database is locked".
POOL = {"pool_size": settings.pool_size} if IS_POSTGRES else {"pool_size": 1, "max_overflow": 0}

# Connections are not tried before each use: presence.py uses one every few seconds, and when it
# finds that the database was restarted, SQLAlchemy replaces all of them.
engine = create_async_engine(settings.database_url, **POOL)

Database = async_sessionmaker(engine, expire_on_commit=False)
"""``async with Database.begin() as db``: commits at the end, or rolls back.

Events are emitted behind that block: then clients are told what is true, and no handler waits for
the network while others wait for its connection.
"""

LOCK = {"key_share": True}
"""For ``with_for_update``: others may still refer to the row with a foreign key."""

insert = postgresql.insert if IS_POSTGRES else sqlite.insert
"""INSERT with ``on_conflict_do_...``, which each dialect has in a class of its own."""


@event.listens_for(engine.sync_engine, "connect")
def set_up_sqlite(connection: Any, _record: object) -> None:
    """SQLite checks foreign keys, and deletes with them, when it is told to."""
    if not IS_POSTGRES:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()


async def now(db: AsyncSession) -> datetime:
    """The time by the clock of the database: those of the servers may differ."""
    if not IS_POSTGRES:
        return datetime.now(UTC)
    return (await db.scalars(select(func.clock_timestamp()))).one()


async def migrate() -> None:
    """Bring the tables to the state that this code needs; an empty database gets all of them."""
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, within the transaction of the connection.

    Servers that start together take turns: the first one migrates, the others find it done.
    """
    if IS_POSTGRES:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
