"""Places for a limited number of tasks at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import RunVar


class Places:
    """A number of places, in each event loop.

    Args:
        count: The number.
    """

    __slots__ = ("__weakref__", "_count", "_semaphore")

    def __init__(self, count: int) -> None:
        self._count = count
        self._semaphore = RunVar[anyio.Semaphore]("socketio_asgi_places")

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Take a place for the time of the context; waits for one."""
        semaphore = self._semaphore.get(None)
        if semaphore is None:
            semaphore = anyio.Semaphore(self._count)
            self._semaphore.set(semaphore)
        async with semaphore:
            yield
