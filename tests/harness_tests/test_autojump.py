"""Event loops whose time jumps to the next deadline."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.support.autojump import autojump

pytestmark = pytest.mark.runtime


@pytest.fixture
def anyio_backend(each_backend: Any) -> Any:
    return autojump(each_backend)


async def test_deadlines_come_in_their_order() -> None:
    woken: list[float] = []

    async def wake(seconds: float) -> None:
        await anyio.sleep(seconds)
        woken.append(seconds)

    begin = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for seconds in (30, 10, 20):
            tasks.start_soon(wake, seconds)
    assert woken == [10, 20, 30]
    assert anyio.current_time() - begin >= 30


async def test_what_can_happen_comes_before_a_deadline() -> None:
    async def work() -> None:
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()
        done.set()

    done = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        with anyio.fail_after(20):
            await done.wait()


async def test_what_never_happens_ends_at_its_deadline() -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(20):
            await anyio.Event().wait()
