"""Work of libraries that cancel what waits for them, which must not cancel those who wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ..runtime import Event, Runtime

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

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


async def ended(runtime: Runtime, work: Coroutine[Any, Any, Any], seconds: float) -> None:
    """Await the end of something, whatever it raises; what takes longer goes on in the background.

    Args:
        runtime: The event loop.
        work: The end.
        seconds: The longest time to wait.
    """
    over = runtime.event()

    async def end() -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # of a connection that is broken anyway
            logger.debug("a connection cannot be closed: %r", error)
        finally:
            over.set()

    runtime.start_background(end())
    with suppress(TimeoutError):
        await runtime.within(seconds, _wait(over))


async def _wait(event: Event) -> None:
    await event.wait()


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
