"""The adapter of servers that were made without one: memory, or what the command has chosen."""

from __future__ import annotations

from collections.abc import Callable

from .base import AdapterFactory
from .memory import MemoryAdapter

_make: Callable[[], AdapterFactory] | None = None


def default_adapter() -> AdapterFactory:
    """The adapter of a server that was made without one."""
    return MemoryAdapter if _make is None else _make()


def set_default_adapter(make: Callable[[], AdapterFactory] | None) -> None:
    """Choose the adapter of all servers that are made without one in this process from now on.

    Args:
        make: Makes an adapter for each server; None is memory again.
    """
    global _make  # noqa: PLW0603  # a choice for the process, before the application is imported
    _make = make
