"""Questions to the clients of all servers, and to the servers themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import anyio
import pytest

from ... import BroadcastAckError
from .client import Client, ids
from .cluster import Cluster
from .suite import Suite
from .waiting import until

SHORT = 0.5
"""Seconds that suffice for an answer nearly always, and are short enough to wait for."""

LONG = 10.0
"""Seconds whose end nobody waits for."""


class Replies(NamedTuple):
    """The answers that came, and whether they are all."""

    values: list[Any]
    complete: bool


async def ask(chosen: Any, *event: Any, timeout: float = LONG) -> Replies:
    """Ask clients.

    Args:
        chosen: A server, a namespace, or what their ``to`` returns.
        event: The name of an event, and its arguments.
        timeout: The time to wait for, in seconds.
    """
    try:
        return Replies(await chosen.timeout(timeout).emit_with_ack(*event), complete=True)
    except BroadcastAckError as error:
        return Replies(error.replies, complete=False)


async def ask_servers(namespace: Any, *event: Any) -> Replies:
    """Ask the other servers that have a namespace."""
    try:
        return Replies(await namespace.server_side_emit_with_ack(*event), complete=True)
    except BroadcastAckError as error:
        return Replies(error.replies, complete=False)


def numbered(clients: list[Client], *numbers: int) -> None:
    """Let these clients answer, each with its number."""
    for number in numbers:
        clients[number].answer_with(number)


class Questions(Suite):
    """Questions to the clients of all servers."""

    async def test_all_clients_answer(self, cluster: Cluster) -> None:
        """The answers of the clients of all servers are put together."""
        numbered(cluster.clients, 0, 1, 2, 3)
        replies = await ask(cluster.here.io, "question", "é", [1])
        assert (sorted(replies.values), replies.complete) == ([0, 1, 2, 3], True)
        await cluster.expect(*[[["question", "é", [1]]]] * 4)

    async def test_the_clients_of_a_room_answer(self, cluster: Cluster) -> None:
        """Only the members are asked."""
        numbered(cluster.clients, 0, 1, 2, 3)
        await cluster.clients[0].join("chess")
        await cluster.clients[3].join("chess")
        replies = await ask(cluster.here.io.to("chess"), "question")
        assert (sorted(replies.values), replies.complete) == ([0, 3], True)

    async def test_one_client_of_the_other_server_answers(self, cluster: Cluster) -> None:
        """The id of its socket is a room."""
        numbered(cluster.clients, 0, 1, 2, 3)
        replies = await ask(cluster.here.io.to(cluster.clients[2].id), "question")
        assert replies == ([2], True)

    async def test_nobody_is_asked(self, cluster: Cluster) -> None:
        """All servers say that they have reached no client, and that is the end of it."""
        assert await ask(cluster.here.io.to("go"), "question") == ([], True)

    async def test_some_clients_do_not_answer(self, cluster: Cluster) -> None:
        """The answers that came are in the error."""
        numbered(cluster.clients, 0, 2)
        for seconds in (SHORT, LONG):  # a broker may be slow
            with pytest.raises(BroadcastAckError) as caught:
                await cluster.here.io.timeout(seconds).emit_with_ack("question")
            if len(caught.value.replies) == 2:
                break
        assert (sorted(caught.value.replies), caught.value.missing) == ([0, 2], 2)

    async def test_a_client_leaves_without_an_answer(self, cluster: Cluster) -> None:
        """Nobody waits for the answer of a client that has gone."""
        numbered(cluster.clients, 0, 1, 2)
        replies: list[Replies] = []

        async def run() -> None:
            replies.append(await ask(cluster.here.io, "question"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            leaving = cluster.clients[3]
            await until(lambda: ["question"] in leaving.heard, "the question did not come")
            await leaving.drop()
            with anyio.fail_after(LONG / 2):
                await until(lambda: replies, "the question has not ended")
        assert (sorted(replies[0].values), replies[0].complete) == ([0, 1, 2], False)

    async def test_bytes_in_questions_and_answers(self, cluster: Cluster) -> None:
        """Binary data come as they are, in both directions."""
        for client in cluster.clients:
            client.answer_with({"back": b"\x00\x01"})
        replies = await ask(cluster.here.io, "question", b"\xff")
        assert replies == ([{"back": b"\x00\x01"}] * 4, True)
        await cluster.expect(*[[["question", b"\xff"]]] * 4)

    async def test_answers_without_a_value(self, cluster: Cluster) -> None:
        """An acknowledgement without a value is one."""
        for client in cluster.clients:
            client.answer_with()
        replies = await ask(cluster.here.io, "question")
        assert (len(replies.values), replies.complete) == (4, True)

    async def test_many_questions_at_once(self, cluster: Cluster) -> None:
        """Each question gets its own answers."""
        numbered(cluster.clients, 0, 1, 2, 3)
        asked = [cluster.here.io, cluster.there.io] * 10
        answers: list[Replies] = []

        async def run(io: Any) -> None:
            answers.append(await ask(io, "question"))

        async with anyio.create_task_group() as tasks:
            for io in asked:
                tasks.start_soon(run, io)
        assert [(sorted(reply.values), reply.complete) for reply in answers] == [
            ([0, 1, 2, 3], True)
        ] * len(asked)

    async def test_questions_in_a_namespace(self, cluster: Cluster) -> None:
        """A namespace that clients have brought to life."""
        servers = (cluster.here, cluster.there)
        clients = [await cluster.connect(server, "/room-red") for server in servers]
        await cluster.acquainted("/room-red")
        for client in clients:
            client.answer_with("yes")
        replies = await ask(cluster.here.io.of("/room-red"), "question")
        assert replies == (["yes", "yes"], True)

    async def test_questions_to_four_servers(self, cluster: Cluster) -> None:
        """Whichever asks, all the others answer."""
        more = [await cluster.start() for _ in range(2)]
        await cluster.acquainted()
        cluster.clients += [await cluster.connect(server) for server in more]
        numbered(cluster.clients, *range(6))
        for server in cluster.servers:
            replies = await ask(server.io, "question")
            assert (sorted(replies.values), replies.complete) == ([*range(6)], True)
            sockets = await server.io.fetch_sockets()
            assert {socket.id for socket in sockets} == ids(cluster.clients)
            assert await ask_servers(server.io, "question", "é") == (["é"] * 3, True)


class ServerEvents(Suite):
    """Events between servers."""

    async def test_an_event_for_the_other_servers(self, cluster: Cluster) -> None:
        """It comes to all servers but the one that has sent it, in order."""
        third = await cluster.start()
        await cluster.acquainted()
        await cluster.here.io.server_side_emit("note", 1, {"a": ["é", None]})
        await cluster.here.io.server_side_emit("note", "second")
        expected = [["note", 1, {"a": ["é", None]}], ["note", "second"]]
        for server in (cluster.there, third):
            await until(lambda: len(server.server_events) >= 2, "an event did not come")  # noqa: B023
            heard = server.server_events
            assert (
                heard == expected
                if self.ordered
                else sorted(map(repr, heard)) == sorted(map(repr, expected))
            )
        assert cluster.here.server_events == []

    async def test_the_other_servers_answer(self, cluster: Cluster) -> None:
        """The results of their handlers come back."""
        assert await ask_servers(cluster.here.io, "question", {"a": 1}) == ([{"a": 1}], True)
        assert cluster.there.server_events == [["question", {"a": 1}]]

    async def test_the_other_servers_answer_in_a_namespace(self, cluster: Cluster) -> None:
        """In another namespace than the main one."""
        await cluster.acquainted("/chat")
        chat = cluster.here.io.of("/chat")
        assert await ask_servers(chat, "question", "é") == (["é"], True)

    async def test_bytes_for_the_other_servers(self, cluster: Cluster) -> None:
        """Bytes come as they are, in both directions."""
        if not self.binary:
            pytest.skip("the form of messages has no bytes in events between servers")
        value: Any = {"a": [b"\x00\xff"]}
        assert await ask_servers(cluster.here.io, "question", value) == ([value], True)
        assert cluster.there.server_events == [["question", value]]

    async def test_many_questions_to_servers(self, cluster: Cluster) -> None:
        """Both ask each other at the same time."""
        answered: list[int] = []

        async def run(io: Any, number: int) -> None:
            assert await ask_servers(io, "question", number) == ([number], True)
            answered.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(run, cluster.servers[number % 2].io, number)
        assert len(answered) == 20
