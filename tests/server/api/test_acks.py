"""Acknowledgements that the server waits for: of one client, and of many."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from socketio_asgi import AckTimeout, BroadcastAckError, ClientDisconnected, Server
from tests.server.support import socket_of
from tests.support.background import background
from tests.support.tcp import TIMEOUT
from tests.support.waiting import until

from .conftest import Join

LONG = 60.0  # seconds; nobody may wait for the end of it
SHORT = 0.2  # seconds; whoever waits for it has nothing better to do


def assert_forgotten(io: Server) -> None:
    assert [
        socket for socket in io.sockets.sockets.values() if socket.__socketio__.acks_awaited
    ] == []


@asynccontextmanager
async def quickly() -> AsyncIterator[None]:
    with anyio.fail_after(TIMEOUT):
        yield


# -- one client ------------------------------------------------------------------------------------


async def test_an_answer(io: Server, join: Join, transport: str) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    for values, expected in (([1, 2], 1), ([], None), ([None], None), ([[1, 2]], [1, 2])):
        async with background(socket.emit_with_ack, "ask", "é") as asked:
            assert await client.answer(*values) == ["ask", "é"]
            assert await asked.wait() == expected
    assert_forgotten(io)


ANSWERS: list[list[Any]] = [[], [None], [1], [1, "two", [3]], [[1, 2]], ["é", {"a": None}, True]]


async def test_all_values_of_an_answer(io: Server, join: Join, transport: str) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    for ask in (socket.emit_with_ack_values, socket.timeout(5).emit_with_ack_values):
        for values in ANSWERS:
            async with background(ask, "ask", "é") as asked:
                assert await client.answer(*values) == ["ask", "é"]
                assert await asked.wait() == values
    with pytest.raises(AckTimeout):
        await socket.emit_with_ack_values("ask", timeout=SHORT)
    await client.packet()
    async with quickly(), background(socket.timeout(LONG).emit_with_ack_values, "ask") as asked:
        await client.packet()
        await client.leave()
        with pytest.raises(ClientDisconnected):
            await asked.wait()
    assert_forgotten(io)


async def test_no_answer_in_time(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    with pytest.raises(AckTimeout) as caught:
        await socket.emit_with_ack("ask", timeout=SHORT)
    assert (caught.value.event, caught.value.timeout) == ("ask", SHORT)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(AckTimeout):
        await socket.timeout(SHORT).emit_with_ack("ask")
    assert_forgotten(io)


async def test_a_late_answer_is_ignored(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    with pytest.raises(AckTimeout):
        await socket.emit_with_ack("ask", timeout=SHORT)
    first = await client.packet()
    async with background(socket.emit_with_ack, "again") as asked:
        await client.acknowledge(first.id, "late")
        await client.answer("right")
        assert await asked.wait() == "right"


async def test_the_client_leaves(io: Server, join: Join, transport: str) -> None:
    client = await join(transport=transport)
    socket = socket_of(io, client)
    async with quickly(), background(socket.timeout(LONG).emit_with_ack, "ask") as asked:
        await client.packet()
        await client.leave()
        with pytest.raises(ClientDisconnected):
            await asked.wait()
    with pytest.raises(ClientDisconnected):
        await socket.emit_with_ack("ask")
    assert socket.__socketio__.acks_awaited == 0


async def test_cancelling_forgets(io: Server, join: Join) -> None:
    client = await join()
    with anyio.move_on_after(SHORT) as scope:
        await socket_of(io, client).emit_with_ack("ask", timeout=LONG)
    assert scope.cancelled_caught
    with anyio.move_on_after(SHORT) as scope:
        await io.timeout(LONG).emit_with_ack("ask")
    assert scope.cancelled_caught
    assert_forgotten(io)


@pytest.mark.parametrize("timeout", [0, -1, math.nan, True, False])
async def test_timeouts_that_make_no_sense(io: Server, join: Join, timeout: Any) -> None:
    client = await join()
    socket = socket_of(io, client)
    for operator in (io, io.of("/x"), io.to("room"), socket, socket.volatile, socket.broadcast):
        with pytest.raises((TypeError, ValueError), match="positive number of seconds"):
            operator.timeout(timeout)
    with pytest.raises((TypeError, ValueError), match="positive number of seconds"):
        await socket.emit_with_ack("ask", timeout=timeout)
    (remote,) = await io.fetch_sockets()
    with pytest.raises((TypeError, ValueError), match="positive number of seconds"):
        await remote.emit_with_ack("ask", timeout=timeout)
    with pytest.raises((TypeError, ValueError), match="positive number of seconds"):
        await io.server_side_emit_with_ack("ask", timeout=timeout)


async def test_waiting_for_ever(io: Server, join: Join) -> None:
    client = await join()
    async with background(socket_of(io, client).timeout(math.inf).emit_with_ack, "ask") as asked:
        await client.answer(1)
        assert await asked.wait() == 1


async def test_an_unsendable_question_leaves_nothing(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    for emit_with_ack in (socket.emit_with_ack, io.emit_with_ack):
        with pytest.raises(ValueError, match="reserved"):
            await emit_with_ack("disconnect")
        with pytest.raises((TypeError, ValueError)):
            await emit_with_ack("ask", object())
    assert_forgotten(io)


# -- a broadcast -----------------------------------------------------------------------------------


async def test_answers_of_all(io: Server, join: Join, transport: str) -> None:
    clients = [await join(transport=transport) for _ in range(3)]
    async with background(io.emit_with_ack, "ask", 1) as asked:
        for number, client in enumerate(clients):
            assert await client.answer(number, "more") == ["ask", 1]
        assert sorted(await asked.wait()) == [0, 1, 2]
    assert_forgotten(io)


async def test_all_values_of_all_answers(io: Server, join: Join, transport: str) -> None:
    clients = [await join(transport=transport) for _ in range(3)]
    async with background(io.emit_with_ack_values, "ask", 1) as asked:
        for client, values in zip(clients, ANSWERS[2:], strict=False):
            assert await client.answer(*values) == ["ask", 1]
        assert await asked.wait() == ANSWERS[2:5]
    async with background(io.timeout(0.5).emit_with_ack_values, "ask") as asked:
        await clients[0].answer("here", 2)
        await clients[1].answer()
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert (caught.value.replies, caught.value.missing) == ([["here", 2], []], 1)
    assert_forgotten(io)


async def test_answers_of_a_namespace(io: Server, join: Join) -> None:
    chat = io.of("/chat")
    await join()  # is not asked
    clients = [await join("/chat") for _ in range(2)]
    async with background(chat.emit_with_ack, "ask") as asked:
        for client in clients:
            await client.answer("here")
        assert await asked.wait() == ["here", "here"]
    with pytest.raises(BroadcastAckError) as caught:
        await chat.timeout(SHORT).emit_with_ack("ask")
    assert caught.value.missing == 2


async def test_an_answer_without_a_value(io: Server, join: Join) -> None:
    client = await join()
    async with background(io.emit_with_ack, "ask") as asked:
        await client.answer()
        assert await asked.wait() == [None]


async def test_partial_answers(io: Server, join: Join, transport: str) -> None:
    clients = [await join(transport=transport) for _ in range(3)]
    async with background(io.timeout(0.5).emit_with_ack, "ask") as asked:
        await clients[1].answer("here")
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    error = caught.value
    assert (error.event, error.replies, error.missing) == ("ask", ["here"], 2)
    assert (error.left, error.silent_servers) == (0, 0)
    assert isinstance(error, TimeoutError)
    assert "2 clients did not answer" in str(error)
    assert_forgotten(io)


async def test_one_of_many_leaves(io: Server, join: Join, transport: str) -> None:
    clients = [await join(transport=transport) for _ in range(3)]
    async with quickly(), background(io.timeout(LONG).emit_with_ack, "ask") as asked:
        await clients[0].answer(0)
        await clients[1].packet()
        await clients[1].close()
        await until(lambda: len(io.sockets.sockets) == 2)
        assert not asked.done  # the third one may answer yet
        await clients[2].answer(2)
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert (caught.value.replies, caught.value.missing, caught.value.left) == ([0, 2], 1, 1)
    assert_forgotten(io)


async def test_nobody_to_ask(io: Server, join: Join) -> None:
    async with quickly():
        assert await io.timeout(LONG).emit_with_ack("ask") == []  # no client has ever come
        client = await join()
        assert await io.to("nobody's").timeout(LONG).emit_with_ack("ask") == []
        assert await io.except_(client.id).timeout(LONG).emit_with_ack("ask") == []
        assert await socket_of(io, client).broadcast.timeout(LONG).emit_with_ack("ask") == []


async def test_late_answers_to_a_broadcast(io: Server, join: Join) -> None:
    client = await join()
    with pytest.raises(BroadcastAckError):
        await io.timeout(SHORT).emit_with_ack("ask")
    first = await client.packet()
    async with background(io.emit_with_ack, "again") as asked:
        await client.acknowledge(first.id, "late")
        await client.answer("right")
        assert await asked.wait() == ["right"]
    assert_forgotten(io)


async def test_two_answers_of_one_client(io: Server, join: Join) -> None:
    clients = [await join(), await join()]
    async with background(io.emit_with_ack, "ask") as asked:
        message = await clients[0].packet()
        await clients[0].acknowledge(message.id, 1)
        await clients[0].acknowledge(message.id, 2)
        await clients[0].ask("sync")
        assert not asked.done
        await clients[1].answer(3)
        assert await asked.wait() == [1, 3]


async def test_asking_a_choice(io: Server, join: Join) -> None:
    clients = [await join() for _ in range(3)]
    for client in clients[:2]:
        await socket_of(io, client).join("room")
    sender = socket_of(io, clients[0])
    async with background(sender.to("room").timeout(5).emit_with_ack, "ask") as asked:
        await clients[1].answer("only me")
        assert await asked.wait() == ["only me"]
    for client in clients[0], clients[2]:
        assert await client.heard() == []


async def test_questions_side_by_side(io: Server, join: Join) -> None:
    client = await join()
    socket = socket_of(io, client)
    async with (
        background(io.emit_with_ack, "all") as all_,
        background(socket.emit_with_ack, "one") as one,
        background(io.emit_with_ack, "all again") as again,
    ):
        for _ in range(3):
            message = await client.packet()
            await client.acknowledge(message.id, message.data[0].upper())
        assert await all_.wait() == ["ALL"]
        assert await one.wait() == "ONE"
        assert await again.wait() == ["ALL AGAIN"]


# -- a remote socket -------------------------------------------------------------------------------


async def test_asking_a_remote_socket(io: Server, join: Join) -> None:
    client = await join()
    (remote,) = await io.fetch_sockets()
    async with background(remote.emit_with_ack, "ask") as asked:
        await client.answer(["é"])
        assert await asked.wait() == ["é"]
    for values in ANSWERS:
        async with background(remote.emit_with_ack_values, "ask") as asked:
            await client.answer(*values)
            assert await asked.wait() == values
    with pytest.raises(AckTimeout):
        await remote.emit_with_ack("ask", timeout=SHORT)
    await client.packet()

    async def ask() -> Any:
        return await remote.emit_with_ack("ask", timeout=LONG)

    async with quickly(), background(ask) as asked:
        await client.packet()
        await client.close()
        with pytest.raises(ClientDisconnected):
            await asked.wait()
        with pytest.raises(ClientDisconnected):
            await ask()
