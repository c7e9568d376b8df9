"""Alembic asks this file how to reach the database."""

from __future__ import annotations

import asyncio

from alembic import context
from chat_platform.database import engine
from chat_platform.models import Base
from sqlalchemy import Connection


def run(connection: Connection) -> None:
    context.configure(connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    """For the command ``alembic``, run by a developer; the servers bring their connection."""
    async with engine.begin() as connection:
        await connection.run_sync(run)


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(connect_and_run())
else:
    run(given)
