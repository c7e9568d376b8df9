"""The order of handlers: they start in order and may overlap, or run one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Namespace, Server, Socket, event
from tests.support.peer import Peer, event_packet
from tests.support.tcp import TIMEOUT
from tests.support.waiting import until

from .conftest import Join

pytestmark = pytest.mark.runtime


class Log:
    """What handlers did; each waits until the test lets it end.

    Attributes:
        entries: ``+N`` when N began, ``-N`` when it ended.
    """

    def __init__(self) -> None:
        self.entries: list[str] = []
        self._ends: dict[int, anyio.Event] = {}

    def _end(self, number: int) -> anyio.Event:
        return self._ends.setdefault(number, anyio.Event())

    async def handle(self, number: int) -> int:
        self.entries.append(f"+{number}")
        await self._end(number).wait()
        self.entries.append(f"-{number}")
        return number

    def end(self, number: int) -> None:
        """Let a handler end, also one that has not begun."""
        self._end(number).set()

    async def reached(self, *entries: str) -> None:
        await until(lambda: self.entries == list(entries), message=f"{self.entries}")


@pytest.fixture
def log() -> Log:
    return Log()


Register = Callable[[Server, Log], None]


def by_handler(io: Server, log: Log) -> None:
    @io.of("/work").on("work", ordered=True)
    async def work(_socket: Socket, number: int) -> int:
        return await log.handle(number)


def by_namespace(io: Server, log: Log) -> None:
    namespace = io.register(Namespace("/work", ordered=True))

    @namespace.on("work")
    async def work(_socket: Socket, number: int) -> int:
        return await log.handle(number)


def by_decorator(io: Server, log: Log) -> None:
    class Work(Namespace):
        @event("work", ordered=True)
        async def work(self, _socket: Socket, number: int) -> int:
            return await log.handle(number)

    io.register(Work("/work"))


def by_class(io: Server, log: Log) -> None:
    class Work(Namespace):
        @event("work")
        async def work(self, _socket: Socket, number: int) -> int:
            return await log.handle(number)

    io.register(Work("/work", ordered=True))


def by_parent(io: Server, log: Log) -> None:
    parent = io.of(lambda name, _auth: name == "/work")

    @parent.on("work", ordered=True)
    async def work(_socket: Socket, number: int) -> int:
        return await log.handle(number)


def add_sync(io: Server) -> None:
    @io.of("/work").on("sync", ordered=False)
    async def sync(_socket: Socket) -> None: ...


@pytest.mark.parametrize("register", [by_handler, by_namespace, by_decorator, by_class, by_parent])
async def test_one_after_another(io: Server, join: Join, log: Log, register: Register) -> None:
    register(io, log)
    client = await join("/work")
    for number in range(3):
        await client.emit("work", number, ack=number)
    log.end(1)
    log.end(2)
    await log.reached("+0")
    log.end(0)
    for number in range(3):
        message = await client.packet()
        assert (message.id, message.data) == (number, [number])
    assert log.entries == ["+0", "-0", "+1", "-1", "+2", "-2"]


async def test_others_do_not_wait(io: Server, join: Join, log: Log, transport: str) -> None:
    by_handler(io, log)
    add_sync(io)
    client = await join("/work", transport=transport)
    other = await join("/work", transport=transport)
    await client.emit("work", 0)
    await other.emit("work", 1)  # the order is that of one socket
    await until(lambda: sorted(log.entries) == ["+0", "+1"])
    await client.ask("sync")  # another handler, which is not ordered
    log.end(0)
    log.end(1)
    await until(lambda: len(log.entries) == 4)


async def test_several_ordered_handlers_share_the_order(io: Server, join: Join, log: Log) -> None:
    @io.on("one", ordered=True)
    async def one(_socket: Socket, number: int) -> None:
        await log.handle(number)

    @io.on("two", ordered=True)
    async def two(_socket: Socket, number: int) -> None:
        await log.handle(number)

    client = await join()
    await client.emit("one", 0)
    await client.emit("two", 1)
    await client.emit("one", 2)
    await log.reached("+0")
    await client.ask("sync")
    assert log.entries == ["+0"]
    for number in (2, 1, 0):
        log.end(number)
    await log.reached("+0", "-0", "+1", "-1", "+2", "-2")


async def test_a_handler_may_differ_from_its_namespace(io: Server, join: Join, log: Log) -> None:
    namespace = io.register(Namespace("/work", ordered=True))

    @namespace.on("work", ordered=False)
    async def work(_socket: Socket, number: int) -> None:
        await log.handle(number)

    await overlap(await join("/work"), log)


async def test_they_overlap_by_default(io: Server, join: Join, log: Log, transport: str) -> None:
    @io.on("work")
    async def work(_socket: Socket, number: int) -> None:
        await log.handle(number)

    await overlap(await join(transport=transport), log)


async def overlap(client: Peer, log: Log) -> None:
    await client.send(*(_work(client, number) for number in range(5)))
    await log.reached("+0", "+1", "+2", "+3", "+4")
    log.end(3)
    await log.reached("+0", "+1", "+2", "+3", "+4", "-3")
    for number in range(5):
        log.end(number)
    await until(lambda: len(log.entries) == 10)


def _work(client: Peer, number: int) -> str:
    return event_packet("work", number, namespace=client.namespace)


async def test_an_exception_does_not_stop_the_others(io: Server, join: Join) -> None:
    @io.on("divide", ordered=True)
    async def divide(_socket: Socket, number: int) -> float:
        await anyio.lowlevel.checkpoint()
        return 1 / number

    client = await join()
    await client.emit("divide", 0)
    assert await client.ask("divide", 2) == [0.5]


async def test_plain_functions_in_order(io: Server, join: Join) -> None:
    log: list[int] = []
    overlapping: list[int] = []

    @io.on("work", ordered=True)
    def work(_socket: Socket, number: int) -> Any:
        if log and len(log) % 2:
            overlapping.append(number)
        log.append(number)
        log.append(number)
        return number

    client = await join()
    for number in range(20):
        await client.emit("work", number, ack=number)
    with anyio.fail_after(TIMEOUT):
        answers = [(await client.packet()).data[0] for _ in range(20)]
    assert answers == list(range(20))
    assert log == [number for number in range(20) for _ in range(2)]
    assert overlapping == []


async def test_what_waits_is_handled_after_the_client_left(
    io: Server, join: Join, log: Log
) -> None:
    by_handler(io, log)
    client = await join("/work")
    await client.emit("work", 0)
    await client.emit("work", 1)
    await log.reached("+0")
    await client.close()
    await until(lambda: not io.of("/work").sockets)
    log.end(0)
    log.end(1)
    await log.reached("+0", "-0", "+1", "-1")
