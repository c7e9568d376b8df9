"""Bounded waiting for a condition, instead of sleeping for a guessed time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

import anyio

INTERVAL = 0.01  # seconds between two looks


async def until(
    condition: Callable[[], Any | Awaitable[Any]], timeout: float = 5.0, message: str = ""
) -> Any:
    """Wait until ``condition()`` (a plain or async function) is true; returns its value.

    >>> await until(lambda: io.engine.clients_count == 0)

    A pause between two looks counts for as long as it was meant to be. On a busy machine it takes
    longer, and what is waited for takes longer just as well; the test itself has a deadline.

    Raises:
        AssertionError: it stayed false for ``timeout`` seconds.
    """
    left = timeout
    while True:
        before = anyio.current_time()
        value = condition()
        if isawaitable(value):
            value = await value
        if value:
            return value
        if left <= 0:
            raise AssertionError(message or f"still false after {timeout} s: {condition!r}")
        left -= anyio.current_time() - before + INTERVAL
        await anyio.sleep(INTERVAL)
