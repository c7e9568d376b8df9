"""The clock that tests of applications move."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

import anyio
import pytest

from socketio_asgi.runtime import Runtime, open_runtime
from socketio_asgi.testing.clock import Clock

pytestmark = pytest.mark.runtime


async def test_what_a_deadline_sets_off_happens_before_the_next_one() -> None:
    clock = Clock()
    with clock.in_use():
        opening = open_runtime()
        async with opening as runtime:
            seen: list[float] = []

            async def chain(turns: int) -> None:
                for _ in range(turns):
                    await runtime.next_turn()
                seen.append(clock.elapsed)
                runtime.call_later(10, start)

            def start() -> None:
                runtime.start(chain(5), copy_context())

            runtime.call_later(10, start)
            await clock.advance(9)
            assert seen == []
            await clock.advance(25)
            assert seen == [10, 20, 30]
            assert clock.elapsed == 34


async def test_a_runtime_waits_for_the_clock() -> None:
    clock = Clock()
    with clock.in_use():
        async with open_runtime() as runtime:
            assert await runtime.within(5, _value(3)) == 3
            with pytest.raises(TimeoutError):
                await clock.advance_until(runtime.within(3000, anyio.sleep_forever()))
            assert clock.elapsed == 3000
            assert runtime.now() == pytest.approx(4000)


async def _value(value: int) -> int:
    await anyio.lowlevel.checkpoint()
    return value


async def _wait(runtime: Runtime, seconds: float) -> str:
    event = runtime.event()
    runtime.call_later(seconds, event.set)
    await event.wait()
    return "done"


async def test_until_something_happens() -> None:
    clock = Clock()
    with clock.in_use():
        async with open_runtime() as runtime:
            assert await clock.advance_until(_wait(runtime, 100)) == "done"
            assert clock.elapsed == 100
            with pytest.raises(TimeoutError, match="50 seconds"):
                await clock.advance_until(_wait(runtime, 100), limit=50)
            assert clock.elapsed <= 150
            with pytest.raises(ZeroDivisionError):
                await clock.advance_until(_raise())
            assert await clock.advance_until(anyio.to_thread.run_sync(lambda: 7)) == 7


async def _raise() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("seconds", "error"), [(-1, ValueError), (None, TypeError)])
async def test_mistakes(seconds: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await Clock().advance(seconds)


async def test_other_runtimes_have_the_time_of_the_world() -> None:
    clock = Clock()
    with clock.in_use():
        pass
    async with open_runtime() as runtime:
        await _wait(runtime, 0.001)
    assert clock.elapsed == 0
