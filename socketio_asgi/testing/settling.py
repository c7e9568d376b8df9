"""Waiting until nothing in the event loop can go on by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.to_thread

from ..events.workers import busy_threads
from ..runtime.current import running_on_asyncio

QUIET_TURNS = 10
"""Turns of an asyncio event loop without a task that can go on, before it is quiet: calls that are
no tasks may lead to some, each a turn later."""

MAX_TURNS = 20_000
"""Turns after which a task that never waits is not waited for any longer."""

_settling: set[asyncio.Task[Any]] = set()


THREAD_SECONDS = 1.0
"""Seconds in real time that plain functions in threads are waited for: they may wait themselves."""

LOOK_SECONDS = 0.001
"""Seconds in real time between two looks at the threads."""


async def settle() -> None:
    """Wait until every other task of the event loop waits for something, and no handler runs.

    Handlers and routes in worker threads are waited for, for a second. What else comes from outside
    the event loop, such as the answer of a database, may still be on its way.
    """
    await _all_tasks_blocked()
    deadline = anyio.current_time() + THREAD_SECONDS
    while _threads_are_busy() and anyio.current_time() < deadline:
        await anyio.sleep(LOOK_SECONDS)
        await _all_tasks_blocked()


def _threads_are_busy() -> bool:
    routes = anyio.to_thread.current_default_thread_limiter()
    return routes.borrowed_tokens > 0 or busy_threads() > 0


async def _all_tasks_blocked() -> None:
    if running_on_asyncio():
        return await _settle_on_asyncio()
    import trio.testing

    await trio.testing.wait_all_tasks_blocked()


async def _settle_on_asyncio() -> None:
    current = asyncio.current_task()
    assert current is not None  # a coroutine of asyncio runs in a task
    _settling.add(current)  # two that wait here would wait for each other
    try:
        quiet = turns = 0
        while quiet < QUIET_TURNS and turns < MAX_TURNS:
            await asyncio.sleep(0)
            turns += 1
            others = asyncio.all_tasks() - _settling
            quiet = 0 if any(map(_can_go_on, others)) else quiet + 1
    finally:
        _settling.discard(current)


def _can_go_on(task: asyncio.Task[Any]) -> bool:
    # The same look as that of anyio.wait_all_tasks_blocked(), which sleeps a tenth of a second in
    # real time whenever it finds a task.
    waiter: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
    return waiter is None or waiter.done()
