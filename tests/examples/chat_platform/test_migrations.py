"""The tables: from nothing, from an older state, and from a database of the official sample."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.brokers.postgres.servers import execute

from .chat import EXAMPLES, Visit, general, some_id, visiting
from .conftest import StartChat, mainly_on

INI = str(EXAMPLES / "chat_platform/alembic.ini")

COMPARE = """
import asyncio
from sqlalchemy import inspect
from chat_platform.database import engine
from chat_platform.models import Base

def columns(connection):
    found = inspect(connection)
    for name, table in Base.metadata.tables.items():
        there = {column["name"] for column in found.get_columns(name)}
        assert there == set(table.columns.keys()), (name, there)

async def main():
    async with engine.connect() as connection:
        await connection.run_sync(columns)
    await engine.dispose()

asyncio.run(main())
"""


def run(database_url: str, *command: str) -> str:
    """A command of a developer, in the folder ``examples``."""
    env = {**os.environ, "DATABASE_URL": database_url, "SESSION_SECRET": "a secret of the tests"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def alembic(database_url: str, *arguments: str) -> str:
    return run(database_url, "-m", "alembic", "-c", INI, *arguments)


@pytest.mark.timeout(90)
@mainly_on("postgres", "database_url")
async def test_from_an_older_state(start_chat: StartChat, database_url: str) -> None:
    alembic(database_url, "upgrade", "0001")
    server = start_chat(database_url)
    async with visiting(server) as visit:
        tab = await visit.tab(await visit.user())
        channel = await general(tab)
        sent = await tab.do("message:send", channelId=channel, content="x", clientId=some_id())
        assert sent["id"] == "1"
    server.restart()  # there is nothing to do any more, and nothing is lost
    async with visiting(server) as visit:
        tab = await visit.tab(await visit.user())
        assert len(await tab.do("message:list", channelId=channel)) == 1
    assert "0002 (head)" in alembic(database_url, "current")
    run(database_url, "-c", COMPARE)


@pytest.mark.timeout(90)
@mainly_on("sqlite", "database_url")
def test_back_and_forth(database_url: str) -> None:
    for target in ("head", "base", "head"):
        alembic(database_url, "downgrade" if target == "base" else "upgrade", target)
    run(database_url, "-c", COMPARE)


@pytest.mark.timeout(60)
async def test_tables_that_somebody_else_has_made(start_chat: StartChat, postgres_url: str) -> None:
    """Those of the official sample are the same; ``test_official.py`` has the real ones."""
    alembic(postgres_url, "upgrade", "0001")
    for statement in ("DROP TABLE alembic_version", ADD_ANN, ADD_MESSAGE):
        await execute(postgres_url, statement)
    server = start_chat(postgres_url)
    async with visiting(server) as visit:
        await check_taken_over(visit)


ADD_ANN = "INSERT INTO users (username, password) VALUES ('ann', '')"
ADD_MESSAGE = (
    "INSERT INTO messages (from_user, channel_id, content)"
    " SELECT users.id, channels.id, 'of old' FROM users, channels"
)


async def check_taken_over(visit: Visit) -> None:
    """The user and the message are there, and new ones beside them."""
    tab = await visit.tab(await visit.user())
    channel = await general(tab)
    await tab.do("message:send", channelId=channel, content="new")
    messages = await tab.do("message:list", channelId=channel)
    assert [each["content"] for each in messages] == ["of old", "new"]
    found = await tab.do("user:search", q="ann")
    assert [each["username"] for each in found] == ["ann"]
