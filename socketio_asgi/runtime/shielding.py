"""Work within limits of time, in tasks that may have been cancelled."""

from __future__ import annotations

from collections.abc import Awaitable

import anyio


async def at_most(seconds: float, work: Awaitable[object]) -> None:
    """Await something for no longer than ``seconds``, and give it up then without a word."""
    with anyio.move_on_after(seconds):
        await work


async def shielded(seconds: float, work: Awaitable[object]) -> None:
    """Await something even in a task that was cancelled, for no longer than ``seconds``."""
    with anyio.move_on_after(seconds, shield=True):
        await work
