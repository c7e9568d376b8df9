"""Results of functions that act at once, and can be awaited nevertheless."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from typing import Any, cast

import anyio


class _Done(Awaitable[None]):
    """Nothing to wait for."""

    __slots__ = ()

    # An iterator that has ended: a generator would be made, and run to its end.
    __await__ = cast("Any", ().__iter__)


DONE: Awaitable[None] = _Done()
"""The result of a call whose work is complete; awaiting it takes no time."""


def together(awaitables: Iterable[Awaitable[None]]) -> Awaitable[None]:
    """Start everything now, and wait for all of it when the result is awaited."""
    waiting = [awaitable for awaitable in awaitables if awaitable is not DONE]

    async def wait() -> None:
        for awaitable in waiting:
            await awaitable

    return Waiting(wait) if waiting else DONE


async def all_of(functions: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Call asynchronous functions at the same time, and wait for all of them."""
    async with anyio.create_task_group() as tasks:
        for function in functions:
            tasks.start_soon(function)


class Waiting(Awaitable[None]):
    """A wait that the caller may leave out: unlike a coroutine, it is dropped without a warning.

    Args:
        wait: Called when it is awaited.
    """

    __slots__ = ("_wait",)

    def __init__(self, wait: Callable[[], Awaitable[None]]) -> None:
        self._wait = wait

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()
