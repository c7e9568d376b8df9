"""Functions of applications: asynchronous ones, and plain ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def is_async(function: Callable[..., Any]) -> bool:
    """True when calling the function gives something to be awaited."""
    call = getattr(function, "__call__", None)  # noqa: B004  # an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def check_plain(function: Callable[..., Any]) -> None:
    """Check a listener that is called at once, where nothing can be awaited.

    Raises:
        TypeError: It is asynchronous, so that it would never run.
    """
    if is_async(function):
        raise TypeError(f"this listener is called at once, so it must be a plain def: {function!r}")
