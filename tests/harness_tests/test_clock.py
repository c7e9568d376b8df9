"""The clock that tests move."""

from __future__ import annotations

import anyio
import pytest

from socketio_asgi.runtime import Cancellable
from socketio_asgi.runtime.deadlines import DeadlineQueue
from tests.support.clock import BEGIN, Clock

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_calls_are_made_in_their_order_and_at_their_time(anyio_backend: str) -> None:
    clock = Clock()
    seen: list[tuple[str, float]] = []

    def call_later(name: str, delay: float) -> Cancellable:
        return clock.call_later(delay, lambda: seen.append((name, clock.now - BEGIN)))

    call_later("late", 30)
    call_later("early", 10)
    call_later("as early", 10)
    call_later("never", 20).cancel()
    clock.advance(29)
    assert seen == [("early", 10), ("as early", 10)]
    clock.advance(5)
    assert seen[2:] == [("late", 30)]
    assert clock.now == BEGIN + 34


async def test_a_call_may_ask_for_another(anyio_backend: str) -> None:
    clock = Clock()
    times: list[float] = []

    def again() -> None:
        times.append(clock.now - BEGIN)
        clock.call_later(10, again)

    again()
    clock.advance(35)
    assert times == [0, 10, 20, 30]
    assert clock.waiting == 1


async def test_the_deadlines_of_the_package_move(anyio_backend: str) -> None:
    clock = Clock()
    runtime = clock.runtime()
    due: list[str] = []
    DeadlineQueue(runtime, 3600, due.append).add("queue")
    ended = anyio.Event()

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await runtime.within(3600, anyio.sleep_forever())
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        clock.advance(3599)
        await anyio.wait_all_tasks_blocked()
        assert (due, ended.is_set()) == ([], False)
        clock.advance(1)
        await ended.wait()
    assert due == ["queue"]
