"""Questions to the clients of all servers, and to the servers themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.waiting import until

from .adapters import Trait
from .cluster import Cluster, Kind
from .servers import To

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

LONG = 10.0  # seconds; nobody waits for the end of it


async def answer(cluster: Cluster, *numbers: int) -> None:
    """Let these clients answer, each with its number."""
    for number in numbers:
        await cluster.clients[number].answer_with(number)


# -- to clients ------------------------------------------------------------------------------


async def test_all_clients_answer(cluster: Cluster) -> None:
    await answer(cluster, 0, 1, 2, 3)
    replies = await cluster.here.ask("question", "é", [1], to=To(timeout=LONG))
    assert sorted(replies.values) == [0, 1, 2, 3]
    assert replies.complete
    assert await cluster.heard() == [[["question", "é", [1]]]] * 4


async def test_the_clients_of_a_room_answer(cluster: Cluster) -> None:
    await answer(cluster, 0, 1, 2, 3)
    await cluster.clients[0].join("chess")
    await cluster.clients[3].join("chess")
    replies = await cluster.here.ask("question", to=To(["chess"], timeout=LONG))
    assert sorted(replies.values) == [0, 3]
    assert replies.complete


async def test_one_client_of_the_other_server_answers(cluster: Cluster) -> None:
    await answer(cluster, 0, 1, 2, 3)
    replies = await cluster.here.ask("question", to=To([cluster.clients[2].sid], timeout=LONG))
    assert replies == ([2], True)


async def test_nobody_is_asked(cluster: Cluster) -> None:
    assert await cluster.here.ask("question", to=To(["go"], timeout=LONG)) == ([], True)


async def test_some_clients_do_not_answer(cluster: Cluster) -> None:
    await answer(cluster, 0, 2)
    replies = await cluster.here.ask("question", to=To(timeout=cluster.entry.short))
    assert sorted(replies.values) == [0, 2]
    assert not replies.complete


async def test_bytes_in_questions_and_answers(cluster: Cluster) -> None:
    for client in cluster.clients:
        await client.answer_with({"back": b"\x00\x01"})
    replies = await cluster.here.ask("question", b"\xff", to=To(timeout=LONG))
    assert replies == ([{"back": b"\x00\x01"}] * 4, True)
    assert await cluster.heard() == [[["question", b"\xff"]]] * 4


async def test_answers_without_a_value(cluster: Cluster) -> None:
    for client in cluster.clients:
        await client.answer_with()
    replies = await cluster.here.ask("question", to=To(timeout=LONG))
    assert len(replies.values) == 4
    assert replies.complete


async def test_many_questions_at_once(cluster: Cluster) -> None:
    import anyio

    await answer(cluster, 0, 1, 2, 3)
    complete: list[bool] = []

    async def ask() -> None:
        replies = await cluster.here.ask("question", to=To(timeout=LONG))
        complete.append(replies.complete and sorted(replies.values) == [0, 1, 2, 3])

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
    assert complete == [True] * 20


async def test_questions_in_a_namespace(cluster: Cluster) -> None:
    sides = (cluster.here, cluster.there)
    clients = [await cluster.connect(side, "/room-red") for side in sides]
    await cluster.acquainted("/room-red")
    for client in clients:
        await client.answer_with("yes")
    replies = await cluster.here.ask("question", to=To(timeout=LONG, namespace="/room-red"))
    assert replies == (["yes", "yes"], True)


# -- to servers ------------------------------------------------------------------------------


async def test_an_event_for_the_other_servers(cluster: Cluster) -> None:
    await cluster.here.server_emit("note", 1, {"a": ["é", None]})
    await until(lambda: cluster.there.server_events)
    await cluster.here.server_emit("note", "second")
    await until(lambda: len(cluster.there.server_events) == 2)
    assert cluster.there.server_events == [["note", 1, {"a": ["é", None]}], ["note", "second"]]
    assert cluster.here.server_events == []


async def test_the_other_servers_answer(cluster: Cluster) -> None:
    assert await cluster.here.server_ask("question", {"a": 1}) == ([{"a": 1}], True)
    assert cluster.there.server_events == [["question", {"a": 1}]]


async def test_the_other_servers_answer_in_a_namespace(cluster: Cluster) -> None:
    await cluster.acquainted("/chat")
    assert await cluster.here.server_ask("question", "é", namespace="/chat") == (["é"], True)


@pytest.mark.needs(Trait.BINARY_DATA)
async def test_bytes_for_the_other_servers(cluster: Cluster) -> None:
    value: Any = {"a": [b"\x00\xff"]}
    assert await cluster.here.server_ask("question", value) == ([value], True)
    assert cluster.there.server_events == [["question", value]]


@pytest.mark.needs(Trait.SHORT_QUESTIONS)
@pytest.mark.acting(Kind.NODE)
async def test_a_server_that_does_not_answer(cluster: Cluster) -> None:
    assert await cluster.here.server_ask("silence") == ([], False)
