"""Work within limits of time, in tasks that may have been cancelled."""

from __future__ import annotations

from collections.abc import Awaitable
from math import inf

import anyio

from .current import running_on_asyncio


async def at_most(seconds: float, work: Awaitable[object]) -> None:
    """Await something for no longer than ``seconds``, and give it up then without a word."""
    with anyio.move_on_after(seconds):
        await work


async def shielded(seconds: float, work: Awaitable[object]) -> None:
    """Await something even in a task that was cancelled, for no longer than ``seconds``."""
    with anyio.move_on_after(seconds, shield=True):
        await work


class Shelter:
    """Shields the exit of a context manager from a cancellation of its task.

    A context manager may open a cancel scope, as a task group does. Scopes close in the opposite
    order, so that one that is opened later cannot shield its exit. On trio this one is therefore
    opened before. On asyncio that would cost more than all the rest, and a cancelled task may wait
    again, unless it was cancelled by a scope around it; only then it is opened late.
    """

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None
        if not running_on_asyncio():
            self._scope = anyio.CancelScope()
            self._scope.__enter__()

    def shield(self, limit: float | None) -> None:
        """Let what follows be done although the task is cancelled later, or was already.

        Args:
            limit: The seconds that it may take if the task was cancelled; None if it was not.
        """
        if self._scope is not None:
            self._scope.shield = True
            if limit is not None:
                self._scope.deadline = anyio.current_time() + limit
        elif limit is not None and anyio.current_effective_deadline() == -inf:
            self._scope = anyio.move_on_after(limit, shield=True)
            self._scope.__enter__()

    def close(self) -> None:
        """End it; in the task that has opened it."""
        if self._scope is not None:
            self._scope.__exit__(None, None, None)
