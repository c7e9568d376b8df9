"""Three servers behind nginx, by the command of the example; one of them is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import anyio
import pytest

from tests.brokers.postgres.servers import execute
from tests.support.ports import PortReservation
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command
from tests.support.waiting import until

from .chat import EXAMPLES, Tab, User, general, visiting
from .conftest import make_database

pytestmark = pytest.mark.timeout(180)

SETTINGS = {
    "DISCONNECTION_GRACE": "3",
    "SERVER_TIMEOUT": "2",
    "SIGNUPS_PER_ADDRESS": "1000",
}
SECONDS = 30.0  # for what the others notice by themselves, on a loaded machine


class ClusterProcess(ServerProcess):
    """``python -m chat_platform.cluster``; its port is that of nginx."""

    ready_timeout = 90.0  # three times the imports

    def __init__(self, database_url: str, ports: Sequence[int]) -> None:
        self.database_url = database_url
        self._ports = [str(port) for port in ports]
        env = {**SETTINGS, "DATABASE_URL": database_url}
        super().__init__("cluster", "", app_dir=EXAMPLES, env=env, ready_path="/self")

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        command = [sys.executable, "-m", "chat_platform.cluster", "--port", str(self.port)]
        return [*command, "--servers", *self._ports]

    def _require(self) -> None:
        require_command("nginx", "/usr/sbin/nginx")

    @property
    def server_pids(self) -> list[int]:
        """The processes of the three servers."""
        found = re.findall(r"^process (\d+): .* run chat_platform", self.output, re.MULTILINE)
        return [int(pid) for pid in found]


@pytest.fixture(scope="module")
def cluster(postgres: str) -> Iterator[ClusterProcess]:
    """One for all tests of this module, the last of which kills a server."""
    with ExitStack() as stack:
        ports = [stack.enter_context(PortReservation()).port for _ in range(3)]
        yield stack.enter_context(ClusterProcess(make_database(postgres), ports))


async def server_ids(cluster: ClusterProcess) -> set[Any]:
    """The servers that live, as far as they know of each other."""
    rows = await execute(cluster.database_url, "SELECT id FROM server_processes")
    return {row["id"] for row in rows}


async def all_started(cluster: ClusterProcess) -> None:
    async def are_three() -> bool:
        return len(await server_ids(cluster)) == 3

    await until(are_three, SECONDS)
    assert len(cluster.server_pids) == 3


async def test_the_prefix_of_the_sample_and_the_address(cluster: ClusterProcess) -> None:
    async with visiting(cluster) as visit:
        user: User = await visit.user()
        assert (await user.http.get("/api/self")).json()["id"] == user.id
        tab = await visit.tab(user, path="/api/socket.io/")
        assert await tab.do("channel:list")
        # The address that a client claims is not the one that attempts are counted by.
        for number in range(11):
            stranger = visit.stranger()
            stranger.http.headers["x-forwarded-for"] = f"203.0.113.{number}"
            answer = await stranger.post("/login", username=user.name, password="wrong one")
            assert answer.status_code == (400 if number < 10 else 429)


async def test_the_load_test(cluster: ClusterProcess) -> None:
    await all_started(cluster)
    command = ["-m", "chat_platform.load_test", cluster.url, "--users", "20", "--seconds", "2"]
    pids = ["--pause", "0.5", "--pids", *(str(pid) for pid in cluster.server_pids)]

    def run() -> str:
        return subprocess.run(
            [sys.executable, *command, *pids],
            cwd=EXAMPLES,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    result = json.loads(await anyio.to_thread.run_sync(run))
    assert result["messages"] > 20
    assert result["refused"] == 0
    assert result["received"] == result["expected"] == result["messages"] * 9
    assert len(result["servers"]) == 3


async def test_one_of_three_is_killed(cluster: ClusterProcess) -> None:
    await all_started(cluster)
    async with visiting(cluster) as visit:
        leaving = [await visit.user() for _ in range(6)]
        staying = [await visit.user() for _ in range(6)]
        for user in leaving:
            await visit.tab(user, reconnection=False)
        tabs = [await visit.tab(user) for user in staying]
        held = await connections(cluster.database_url)
        assert await online(tabs[0], leaving + staying) == {user.id for user in leaving + staying}
        assert len(set(held.values())) >= 2, "the users are spread over the servers"

        os.kill(cluster.server_pids[0], signal.SIGKILL)
        remaining = await until(lambda: two_remain(cluster), SECONDS)
        gone = {user.id for user in leaving if held[user.id] not in remaining}
        await until(lambda: all(tab.client.connected for tab in tabs), SECONDS)
        left = {user.id for user in leaving + staying} - gone

        async def is_right() -> bool:
            return await online(tabs[0], leaving + staying) == left

        await until(is_right, SECONDS)
        # Who came back is heard by all others again.
        await speak_to_each_other(tabs)


async def two_remain(cluster: ClusterProcess) -> set[Any]:
    ids = await server_ids(cluster)
    return ids if len(ids) == 2 else set()


async def online(tab: Tab, users: list[User]) -> set[str]:
    """The ids of those who are there."""
    states = [await tab.do("user:get", userId=user.id) for user in users]
    return {state["id"] for state in states if state["isOnline"]}


async def connections(database_url: str) -> dict[str, Any]:
    """By user: the server that has their connection."""
    rows = await execute(database_url, "SELECT user_id, server_id FROM connections")
    return {str(row["user_id"]): row["server_id"] for row in rows}


async def speak_to_each_other(tabs: list[Tab]) -> None:
    channel = await general(tabs[0])
    sent = [
        (await tab.do("message:send", channelId=channel, content=f"{number}"))["id"]
        for number, tab in enumerate(tabs)
    ]
    for own, tab in zip(sent, tabs, strict=True):
        others = [each for each in sent if each != own]
        await until(partial(heard_exactly, tab, others))


def heard_exactly(tab: Tab, ids: list[str]) -> bool:
    """Each once. Those that come by other servers may be overtaken; the page puts them in order."""
    return sorted(each["id"] for each in tab.told("message:sent")) == sorted(ids)
