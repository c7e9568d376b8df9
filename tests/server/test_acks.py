"""Acknowledgements, both ways."""

from __future__ import annotations

import functools
import threading
from typing import Any

import anyio
import pytest

from socketio_asgi import AckError, AckTimeout, ClientDisconnected, Server, Socket
from tests.support.waiting import until

from .conftest import Join


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (None, []),
        ((), []),
        (1, [1]),
        (0, [0]),
        ("", [""]),
        (False, [False]),
        ([], [[]]),
        ([1, 2], [[1, 2]]),
        ((1, "two", None), [1, "two", None]),
        ((None,), [None]),
        ({"a": 1}, [{"a": 1}]),
    ],
)
async def test_the_return_value_acknowledges(
    io: Server, join: Join, value: Any, answer: list[Any]
) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> Any:
        return value

    peer = await join(io)
    assert await peer.request("ask") == answer


async def test_binary_acknowledgements_both_ways(io: Server, join: Join, transport: str) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> Any:
        return b"\x00\x01", {"deep": [b"\x02"]}

    peer = await join(io, transport)
    await peer.emit("ask", ack=12)
    assert await peer.text() == (
        '62-12[{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]'
    )
    assert [await peer.receive(), await peer.receive()] == [b"\x00\x01", b"\x02"]

    (socket,) = io.sockets.sockets.values()
    async with anyio.create_task_group() as tasks:

        async def question() -> None:
            assert await socket.emit_with_ack("question") == {"data": b"\x03"}

        tasks.start_soon(question)
        number, _ = await peer.question("question")
        await peer.send(f'61-{number}[{{"data":{{"_placeholder":true,"num":0}}}}]', b"\x03")


async def test_who_asked_for_none_gets_none(io: Server, join: Join) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> str:
        return "answer"

    peer = await join(io)
    await peer.emit("ask")
    await peer.sync()


async def test_an_unknown_event_is_not_acknowledged(io: Server, join: Join) -> None:
    peer = await join(io)
    await peer.emit("unknown", ack=1)
    await peer.sync()


INTERNAL = [{"error": {"code": "internal", "message": "internal error", "details": None}}]


async def test_a_handler_that_raises_acknowledges_an_error(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> None:
        raise RuntimeError("oops")

    peer = await join(io)
    assert await peer.request("ask") == INTERNAL
    assert "oops" in caplog.text


async def test_a_value_without_json_form_is_logged(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> Any:
        return object()

    peer = await join(io)
    assert await peer.request("ask") == INTERNAL
    assert "cannot encode" in caplog.text


async def test_the_largest_id_comes_back_unchanged(io: Server, join: Join) -> None:
    peer = await join(io)
    assert await peer.request("sync", ack=2**53 - 1) == []


@pytest.mark.runtime
class TestAckParameter:
    async def test_answers_later(self, io: Server, join: Join, transport: str) -> None:
        kept: list[Any] = []

        @io.on("ask")
        async def ask(socket: Socket, value: int, *, ack: Any) -> str:
            kept.append(functools.partial(ack, value, "later"))
            return "not this"

        peer = await join(io, transport)
        await peer.emit("ask", 5, ack=3)
        await peer.sync()
        kept[0]()
        kept[0]()  # a second answer does nothing
        assert await peer.acknowledgement(ack=3) == [5, "later"]
        await peer.sync()

    async def test_without_values(self, io: Server, join: Join) -> None:
        @io.on("ask")
        async def ask(socket: Socket, *, ack: Any) -> None:
            await ack()

        peer = await join(io)
        assert await peer.request("ask") == []

    async def test_does_nothing_when_nobody_asked(self, io: Server, join: Join) -> None:
        @io.on("ask")
        async def ask(socket: Socket, *, ack: Any) -> None:
            await ack("value")

        peer = await join(io)
        await peer.emit("ask")
        await peer.sync()

    async def test_in_a_worker_thread(self, io: Server, join: Join) -> None:
        @io.on("ask")
        def ask(socket: Socket, *, ack: Any) -> None:
            assert threading.current_thread() is not threading.main_thread()
            ack("from a thread")

        peer = await join(io)
        assert await peer.request("ask") == ["from a thread"]

    async def test_after_the_client_left(self, io: Server, join: Join) -> None:
        kept: list[Any] = []

        @io.on("ask")
        async def ask(socket: Socket, *, ack: Any) -> None:
            kept.append(ack)

        peer = await join(io)
        await peer.emit("ask", ack=1)
        await until(lambda: kept)
        await peer.send("1")
        await peer.join()
        await kept[0]("dropped")
        await peer.sync()


@pytest.mark.runtime
class TestEmitWithAck:
    async def ask(self, io: Server, join: Join, reply: str, *args: Any, **options: Any) -> Any:
        """Ask a client, who answers with the given packet."""
        peer = await join(io)
        result: list[Any] = []
        (socket,) = io.sockets.sockets.values()
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                result.append(await socket.emit_with_ack("question", *args, **options))

            tasks.start_soon(run)
            number, _ = await peer.question("question")
            await peer.send(f"3{number}{reply}")
        return result[0]

    @pytest.mark.parametrize(
        ("reply", "value"), [("[]", None), ("[5]", 5), ("[null]", None), ("[1,2]", 1)]
    )
    async def test_returns_the_first_value(
        self, io: Server, join: Join, reply: str, value: Any
    ) -> None:
        assert await self.ask(io, join, reply) == value

    async def test_on_both_transports(self, io: Server, join: Join, transport: str) -> None:
        peer = await join(io, transport)
        (socket,) = io.sockets.sockets.values()
        answers: dict[int, Any] = {}
        async with anyio.create_task_group() as tasks:

            async def run(number: int) -> None:
                answers[number] = await socket.emit_with_ack("question", number)

            for number in range(3):
                tasks.start_soon(run, number)
            questions = [await peer.question("question") for _ in range(3)]
            for identifier, (number,) in reversed(questions):
                await peer.send(f"3{identifier}[{number * 10}]")
        assert answers == {0: 0, 1: 10, 2: 20}

    async def test_fails_when_time_is_up(self, io: Server, join: Join) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        told = r"'question' was not acknowledged within 0\.05 seconds"
        with pytest.raises(AckTimeout, match=told) as caught:
            await socket.emit_with_ack("question", timeout=0.05)
        assert isinstance(caught.value, (AckError, TimeoutError))
        assert (caught.value.event, caught.value.timeout) == ("question", 0.05)
        number, _ = await peer.question("question")
        await peer.send(f'3{number}["too late"]')
        await peer.sync()

    @pytest.mark.parametrize("how", ["1", "drop", "server"])
    async def test_fails_at_once_when_the_client_leaves(
        self, io: Server, join: Join, how: str
    ) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                with pytest.raises(ClientDisconnected, match="'question'") as caught:
                    await socket.emit_with_ack("question", timeout=3600)
                assert isinstance(caught.value, ConnectionError)

            tasks.start_soon(run)
            await peer.question("question")
            if how == "drop":
                await peer.drop()
            elif how == "server":
                await socket.disconnect()
            else:
                await peer.send(how)

    async def test_fails_at_once_when_the_client_has_left(self, io: Server, join: Join) -> None:
        await join(io)
        (socket,) = io.sockets.sockets.values()
        await socket.disconnect()
        with pytest.raises(ClientDisconnected):
            await socket.emit_with_ack("question", timeout=3600)

    async def test_a_second_reply_is_ignored(self, io: Server, join: Join) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        number = ""
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                assert await socket.emit_with_ack("question") == "first"

            tasks.start_soon(run)
            number, _ = await peer.question("question")
            await peer.send(f'3{number}["first"]', f'3{number}["second"]')
        await peer.send(f'3{number}["third"]')
        await peer.sync()

    async def test_replies_to_nothing_are_ignored(self, io: Server, join: Join) -> None:
        peer = await join(io)
        await peer.send('3123["hello"]', "39007199254740991[]", "30[]")
        await peer.sync()

    @pytest.mark.parametrize("reply", ["3[1]", '30{"a":1}', "30", '30"text"', "3"])
    async def test_broken_replies_break_the_protocol(
        self, io: Server, join: Join, reply: str
    ) -> None:
        peer = await join(io)
        await peer.send(reply)
        await peer.ended()

    async def test_mistakes_are_the_callers(self, io: Server, join: Join) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        with pytest.raises(ValueError, match="cannot encode"):
            await socket.emit_with_ack("question", object())
        with pytest.raises(ValueError, match="reserved"):
            await socket.emit_with_ack("disconnect")
        await peer.sync()

    async def test_can_be_cancelled(self, io: Server, join: Join) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        with anyio.move_on_after(0.05) as scope:
            await socket.emit_with_ack("question", timeout=3600)
        assert scope.cancelled_caught
        number, _ = await peer.question("question")
        await peer.send(f"3{number}[]")
        await peer.sync()

    async def test_an_answer_counts_for_the_socket_that_was_asked(
        self, io: Server, join: Join
    ) -> None:
        first, second = await join(io), await join(io)
        socket = io.sockets.sockets[first.id]
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                assert await socket.emit_with_ack("question") == "mine"

            tasks.start_soon(run)
            number, _ = await first.question("question")
            await second.send(f'3{number}["forged"]')
            await second.sync()
            await first.send(f'3{number}["mine"]')
