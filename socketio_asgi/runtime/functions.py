"""Functions of applications: whether they are asynchronous, and checks of those that may not be."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a function, or an object that can be called, is ``async def``."""
    call = getattr(function, "__call__", None)  # noqa: B004  # an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def check_plain(function: Callable[..., Any]) -> None:
    """Check a listener that is called at once and only observes.

    Raises:
        TypeError: It is asynchronous, so that nothing would run it.
    """
    if is_async(function):
        raise TypeError(f"this listener is called at once, so it must be a plain def: {function!r}")
