"""The queue of packets that wait for a transport."""

from __future__ import annotations

import anyio
import pytest

from socketio_asgi.engine.transports.outbox import PACKET_OVERHEAD, Outbox
from socketio_asgi.protocol import OutgoingPacket
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.runtime


def messages(*data: str | bytes) -> list[OutgoingPacket]:
    return [OutgoingPacket.message(item) for item in data]


def test_order() -> None:
    outbox = Outbox()
    frames = messages("a", b"b", "c", "d")
    outbox.extend(frames[:2])
    outbox.extend(frames[2:])
    assert list(outbox) == frames
    assert outbox.first is frames[0]
    assert outbox.take(1) == frames[:1]
    assert outbox.take(2) == frames[1:3]
    assert outbox.take(9) == frames[3:]
    assert not outbox
    assert outbox.take(1) == []


def test_put_in_front() -> None:
    outbox = Outbox()
    frames = messages("a", b"b", "c", "d")
    outbox.put_in_front([])
    assert outbox.first is None
    outbox.put_in_front(frames[2:])
    outbox.put_in_front(frames[:2])
    assert list(outbox) == frames
    assert outbox.size == sum(frame.size + PACKET_OVERHEAD for frame in frames)
    assert outbox.take(9) == frames


def test_size() -> None:
    outbox = Outbox()
    outbox.extend(messages("abc", "€", b"12345", ""))
    # With the type digit of text, in bytes.
    assert outbox.size == 4 + 4 + 5 + 1 + 4 * PACKET_OVERHEAD
    outbox.take(2)
    assert outbox.size == 5 + 1 + 2 * PACKET_OVERHEAD
    outbox.clear()
    assert (outbox.size, len(outbox)) == (0, 0)


async def drained(app: EngineApp, outbox: Outbox, count: int) -> list[int]:
    """Take what waits from under ``count`` waiters; returns who woke up."""
    woken: list[int] = []

    async def wait(number: int) -> None:
        await outbox.drained(app.runtime)
        woken.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(wait, number)
        await anyio.sleep(0.05)
        assert woken == []
        outbox.take(1)
        await anyio.sleep(0.05)
        assert woken == []
        outbox.clear()
        await until(lambda: len(woken) == count)
    return woken


async def test_waiting_until_it_is_empty(start_engine: StartEngine) -> None:
    app = await start_engine()
    outbox = Outbox()
    await outbox.drained(app.core.bound().runtime)
    outbox.extend(messages("a", "b"))
    assert sorted(await drained(app, outbox, 3)) == [0, 1, 2]
