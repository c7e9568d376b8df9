"""Who is there, in a cluster whose servers come, end, are killed and stand still."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from anyio import to_thread

from tests.brokers.postgres.servers import execute
from tests.support.processes import ServerProcess
from tests.support.waiting import until

from .chat import PASSWORD, ChatServer, Tab, User, Visit, general, some_id, visiting
from .conftest import StartChat, mainly_on, make_database
from .test_migrations import alembic

pytestmark = pytest.mark.timeout(90)

IMPATIENT = {"SERVER_TIMEOUT": "3"}
"""Seconds of silence after which the servers of these tests count as dead."""
SECONDS = 20.0  # for what the others notice by themselves, on a loaded machine


@pytest.fixture(scope="module")
def two_servers(postgres: str) -> Iterator[Sequence[ServerProcess]]:
    """They start at the same moment, so that both want to migrate. Tests leave both running."""
    url = make_database(postgres)
    servers = [ChatServer(url, env=IMPATIENT) for _ in range(2)]
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.close)
        with ThreadPoolExecutor() as threads:
            list(threads.map(ServerProcess.start, servers))
        yield servers


async def is_online(tab: Tab, user: User) -> bool:
    found = await tab.do("user:get", userId=user.id)
    return bool(found["isOnline"])


async def test_across_servers(two_servers: Sequence[ServerProcess]) -> None:
    one, two = two_servers
    async with visiting(one) as visit:
        watcher, user = await visit.user(), await visit.user()
        tab = await visit.tab(watcher)
        assert await is_online(tab, user) is False
        first = await visit.tab(user, two)
        await until(lambda: tab.told("user:connected") == [user.id], SECONDS)
        second = await visit.tab(user, one)
        await first.client.disconnect()
        # Messages, rooms and log-outs of one server reach the other.
        channel = (await second.do("user:reach", userIds=[watcher.id]))["id"]
        third = await visit.tab(user, two)
        sent = await tab.do("message:send", channelId=channel, content="hello")
        await until(lambda: [each["id"] for each in third.told("message:sent")] == [sent["id"]])
        elsewhere = visit.stranger(user.name)
        await elsewhere.post("/login", username=user.name, password=PASSWORD)
        fourth = await visit.tab(elsewhere, two)
        assert tab.told("user:disconnected") == []
        assert (await user.post("/logout")).status_code == 204
        await until(lambda: not second.client.connected and not third.client.connected)
        assert await fourth.do("channel:list")
        assert tab.told("user:disconnected") == []
        await fourth.client.disconnect()
        await until(lambda: tab.told("user:disconnected") == [user.id], SECONDS)


async def test_a_server_that_is_killed(two_servers: Sequence[ServerProcess]) -> None:
    one, two = two_servers
    async with visiting(one) as visit:
        watcher, user, both = [await visit.user() for _ in range(3)]
        tab = await visit.tab(watcher)
        await visit.tab(user, two, reconnection=False)
        await visit.tab(both, two, reconnection=False)
        await visit.tab(both, one)
        assert [await is_online(tab, each) for each in (user, both)] == [True, True]
        await to_thread.run_sync(two.kill)
        await until(lambda: tab.told("user:disconnected") == [user.id], SECONDS)
        assert [await is_online(tab, each) for each in (user, both)] == [False, True]
        await to_thread.run_sync(two.start)
        again = await visit.tab(user, two)
        await until(lambda: tab.told("user:connected") == [user.id], SECONDS)
        assert await again.do("channel:list")
        assert tab.told("user:disconnected") == [user.id], "those of the other one were kept"


async def test_a_server_that_stands_still(two_servers: Sequence[ServerProcess]) -> None:
    """It passes for dead; when it goes on, its users are there again."""
    one, two = two_servers
    async with visiting(one) as visit:
        watcher, user = await visit.user(), await visit.user()
        tab = await visit.tab(watcher)
        await visit.tab(user, two)
        assert await is_online(tab, user) is True
        two.signal(signal.SIGSTOP)
        try:
            await until(lambda: tab.told("user:disconnected") == [user.id], SECONDS)
        finally:
            two.signal(signal.SIGCONT)
        await until(lambda: user.id in tab.told("user:connected"), SECONDS)
        await until(lambda: is_online(tab, user), SECONDS)


@mainly_on("sqlite", "database_url")
async def test_the_grace_period(start_chat: StartChat, database_url: str) -> None:
    """Who comes back in time was never gone."""
    server = start_chat(database_url, env={"DISCONNECTION_GRACE": "4", **IMPATIENT})
    async with visiting(server) as visit:
        watcher, user, leaver = [await visit.user() for _ in range(3)]
        tab = await visit.tab(watcher)
        first, other = await visit.tab(user), await visit.tab(leaver)
        assert [await is_online(tab, each) for each in (user, leaver)] == [True, True]
        await first.client.disconnect()
        await visit.tab(user)
        await other.client.disconnect()
        assert await is_online(tab, leaver) is True
        await until(lambda: tab.told("user:disconnected") == [leaver.id], SECONDS)
        assert tab.told("user:connected") == []
        assert await is_online(tab, user) is True


@mainly_on("postgres", "database_url")
async def test_the_server_ends_within_the_grace_period(
    start_chat: StartChat, database_url: str
) -> None:
    server = start_chat(database_url, env={"DISCONNECTION_GRACE": "2", **IMPATIENT})
    async with visiting(server) as visit:
        watcher, user = await visit.user(), await visit.user()
        tab = await visit.tab(watcher)
        await visit.tab(user)
        assert await is_online(tab, user) is True
    await to_thread.run_sync(server.restart)
    async with visiting(server) as visit:
        tab = await visit.tab(watcher)

        async def is_gone() -> bool:
            return not await is_online(tab, user)

        await until(is_gone, SECONDS)


async def test_nothing_is_lost_or_doubled(start_chat: StartChat, postgres_url: str) -> None:
    """A client that sends again what was not answered, and asks for what it has missed."""
    server = start_chat(postgres_url, env=IMPATIENT)
    async with visiting(server) as visit:
        sender, reader, channel = await a_talk(visit)
        read = (await reader.do("message:list", channelId=channel))[-1]["id"]
        payload = {"channelId": channel, "content": "while it was away", "clientId": some_id()}
        sent = await sender.do("message:send", **payload)
        server.kill()
        await until(lambda: not sender.client.connected and not reader.client.connected)
        server.start()
        await until(lambda: sender.client.connected and reader.client.connected, SECONDS)
        # The answer may have been lost: the client cannot know, and sends it again.
        assert await sender.do("message:send", **payload) == sent
        await sender.do("message:send", channelId=channel, content="after")
        missed = await reader.do("message:list", channelId=channel, after=read)
        assert [each["content"] for each in missed] == ["while it was away", "after"]
        await until(lambda: len(reader.told("message:sent")) == 3)
        assert [each["content"] for each in reader.told("message:sent")] == [
            "first",
            "while it was away",
            "after",
        ]


async def a_talk(visit: Visit) -> tuple[Tab, Tab, str]:
    """Two users with a private channel, and a message in it."""
    sender, reader, _, user = await visit.both()
    channel = (await sender.do("user:reach", userIds=[user.id]))["id"]
    await sender.do("message:send", channelId=channel, content="first")
    await until(lambda: len(reader.told("message:sent")) == 1)
    return sender, reader, str(channel)


async def test_users_who_were_not_seen_for_a_day(start_chat: StartChat, postgres_url: str) -> None:
    """Those of a database that knew nothing of connections."""
    alembic(postgres_url, "upgrade", "head")
    add = (
        "INSERT INTO users (username, password, last_ping) VALUES"
        " ($1, '', now() - $2::int * interval '1 hour') RETURNING id"
    )
    unseen, seen = [
        str((await execute(postgres_url, add, name, hours))[0]["id"])
        for name, hours in (("carol", 25), ("dan", 23))
    ]
    server = start_chat(postgres_url, env=IMPATIENT)
    async with visiting(server) as visit:
        tab = await visit.tab(await visit.user())
        states = [await tab.do("user:get", userId=each) for each in (unseen, seen)]
        assert [each["isOnline"] for each in states] == [False, True]
        later = "UPDATE users SET last_ping = now() - interval '2 days' WHERE id = $1::text::uuid"
        await execute(postgres_url, later, seen)
        await until(lambda: tab.told("user:disconnected") == [seen], SECONDS)
        assert await general(tab)
