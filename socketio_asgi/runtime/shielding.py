"""Work that a cancellation does not reach."""

from __future__ import annotations

from collections.abc import Awaitable

import anyio


async def shielded(seconds: float, work: Awaitable[object]) -> None:
    """Await something even in a task that was cancelled, for no longer than ``seconds``."""
    with anyio.move_on_after(seconds, shield=True):
        await work
