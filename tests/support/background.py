"""Something that runs beside a test, and whose end the test waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

TIMEOUT = 10.0  # seconds for the end of it


@asynccontextmanager
async def background(function: Callable[..., Awaitable[Any]], *args: Any) -> AsyncIterator[Result]:
    """Run something beside the block, and wait for it at the end of the block."""
    result = Result()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(result.run, function, args)
        yield result


class Result:
    """What :func:`background` runs.

    Attributes:
        value: what it returned.
        error: what it raised.
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self._done = anyio.Event()

    async def run(self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
        try:
            self.value = await function(*args)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.error = error
        finally:
            self._done.set()

    async def wait(self) -> Any:
        """Wait for the end: its value, or its error is raised."""
        with anyio.fail_after(TIMEOUT):
            await self._done.wait()
        if self.error is not None:
            raise self.error
        return self.value

    @property
    def done(self) -> bool:
        return self._done.is_set()
