"""Bounded waiting for a condition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable

import anyio

WAIT_SECONDS = 20.0
"""The longest time to wait for anything, in seconds."""

LOOK_SECONDS = 0.005
"""The time between two looks, in seconds."""


async def until(
    condition: Callable[[], object | Awaitable[object]],
    message: str,
    detail: Callable[[], object] | None = None,
    seconds: float | None = None,
) -> None:
    """Wait until a plain or asynchronous function returns something true.

    Args:
        condition: The function.
        message: What is wrong if it does not.
        detail: Returns what else to say then.
        seconds: The longest time to wait, in seconds; None is :data:`WAIT_SECONDS`.

    Raises:
        AssertionError: It did not.
    """
    longest = WAIT_SECONDS if seconds is None else seconds
    deadline = anyio.current_time() + longest
    while True:
        value = condition()
        if isawaitable(value):
            value = await value
        if value:
            return
        if anyio.current_time() >= deadline:
            more = "" if detail is None else f": {detail()!r}"
            raise AssertionError(f"{message} (after {longest:g} s){more}")
        await anyio.sleep(LOOK_SECONDS)
