"""Work of libraries that cancel what waits for them, which must not cancel those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def guarded(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Await a coroutine in a task of its own.

    Raises:
        ConnectionError: The library has cancelled it: its connection has ended.
    """
    task = asyncio.ensure_future(work)
    try:
        return await task
    except asyncio.CancelledError:
        if task.done() and not _being_cancelled():
            raise ConnectionError("the connection has ended") from None
        task.cancel()
        raise


async def ended(work: Coroutine[Any, Any, Any], seconds: float) -> None:
    """Await the end of something, for no longer than ``seconds``, and whatever it raises."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
        task.add_done_callback(_retrieve)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _retrieve(task: asyncio.Future[Any]) -> None:
    """Look at an exception, that asyncio may not warn of it."""
    with suppress(asyncio.CancelledError):
        task.exception()
