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

    Raises:
        AssertionError: it stayed false for ``timeout`` seconds.
    """
    deadline = anyio.current_time() + timeout
    while True:
        value = condition()
        if isawaitable(value):
            value = await value
        if value:
            return value
        if anyio.current_time() >= deadline:
            raise AssertionError(message or f"still false after {timeout} s: {condition!r}")
        await anyio.sleep(INTERVAL)
