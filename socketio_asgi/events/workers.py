"""The worker threads that run plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

WORKER_THREADS = 40
"""Threads for plain ``def`` handlers, apart from those of the web framework, so that slow handlers
do not starve its routes."""


class Workers:
    """Worker threads for plain functions, a limited number at a time."""

    def __init__(self, limit: int = WORKER_THREADS) -> None:
        self._limit = limit
        # A server may live in several event loops, one after another.
        self._limiter = RunVar[anyio.CapacityLimiter]("socketio_asgi_workers")

    async def run(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread and return its result."""
        limiter = self._limiter.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(self._limit)
            self._limiter.set(limiter)
        return await anyio.to_thread.run_sync(function, limiter=limiter)
