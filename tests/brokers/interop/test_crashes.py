"""An official server whose process ends at once, with questions on their way."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from socketio_asgi import RemoteSocket
from socketio_asgi.adapters import FetchedSockets
from tests.support.waiting import until

from .cluster import Cluster, Kind
from .servers import OurSide, Replies, To

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.acting(Kind.OURS),
    pytest.mark.apart,
]

ANSWER_SECONDS = 2.0
END_SECONDS = 20.0  # twice the longest: 10 s, for servers that are counted by heartbeats


class Questions:
    """Questions of a server, each in a task, and what came of them."""

    def __init__(self, side: OurSide) -> None:
        self._side = side
        self.to_clients: Replies | None = None
        self.to_servers: Replies | None = None
        self.found: FetchedSockets[RemoteSocket] | None = None

    async def ask_clients(self) -> None:
        self.to_clients = await self._side.ask("question", to=To(timeout=ANSWER_SECONDS))

    async def ask_servers(self) -> None:
        self.to_servers = await self._side.server_ask("silence")

    async def fetch(self) -> None:
        self.found = await self._side.io.fetch_sockets()


async def test_questions_on_their_way(cluster: Cluster) -> None:
    assert isinstance(cluster.here, OurSide)
    ours, theirs = cluster.clients[:2], cluster.clients[2:]
    for number, client in enumerate(ours):
        await client.answer_with(number)
    questions = Questions(cluster.here)
    with anyio.fail_after(END_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(questions.ask_clients)
            tasks.start_soon(questions.ask_servers)
            await until(lambda: all(["question"] in client.heard for client in theirs))
            await until(lambda: cluster.there.server_events)
            with cluster.nodes.node.stopped():
                tasks.start_soon(questions.fetch)
                await anyio.wait_all_tasks_blocked()
                cluster.crash_nodes()
    assert questions.to_clients is not None
    assert sorted(questions.to_clients.values) == [0, 1]
    assert not questions.to_clients.complete
    assert questions.to_servers == ([], False)
    assert questions.found is not None
    assert {item.id for item in questions.found} == {client.sid for client in ours}
    assert not questions.found.complete


async def test_another_one_takes_its_place(cluster: Cluster) -> None:
    ours = cluster.clients[:2]
    cluster.crash_nodes()
    there = await cluster.start(Kind.NODE)
    await until(partial(_knows_two, cluster), END_SECONDS)
    client = await cluster.connect(there)
    await cluster.here.emit("news", 1)
    assert await cluster.heard(*ours, client) == [[["news", 1]]] * 3
    await there.emit("news", 2)
    assert await cluster.heard(*ours, client, sender=there) == [[["news", 1], ["news", 2]]] * 3


async def _knows_two(cluster: Cluster) -> bool:
    return await cluster.here.count() >= 2
