"""The worker threads that run plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

WORKER_THREADS = 40
"""Threads for plain ``def`` handlers, apart from those of the web framework, so that slow handlers
do not starve its routes."""

WORKER_SHARE = 20
"""Threads that the handlers of one client take at a time, so that others find some, too."""


_limiters: WeakSet[anyio.CapacityLimiter] = WeakSet()


def busy_threads() -> int:
    """The number of plain functions that run in threads at present, in this process."""
    return sum(limiter.borrowed_tokens for limiter in _limiters)


def _nobody(_subject: object) -> None:
    """The client of calls that are not counted by client."""


class Workers:
    """Worker threads for plain functions, a limited number at a time.

    Args:
        client_of: Finds the client that a call is about, given what the handler is called about;
            None for one of no client.
        limit: The number of threads.
    """

    def __init__(
        self, client_of: Callable[[object], object] = _nobody, limit: int = WORKER_THREADS
    ) -> None:
        self._client_of = client_of
        self._limit = limit
        self._shares: WeakKeyDictionary[object, anyio.Semaphore] = WeakKeyDictionary()
        # A server may live in several event loops, one after another.
        self._limiter = RunVar[anyio.CapacityLimiter]("socketio_asgi_workers")

    async def run(self, function: Callable[[], Any], subject: object = None) -> Any:
        """Call a function in a thread and return its result.

        Args:
            function: The function.
            subject: What it is called about, by which calls for one client are counted.
        """
        client = self._client_of(subject)
        if client is None:
            return await self._run(function)
        share = self._shares.get(client)
        if share is None:
            share = self._shares[client] = anyio.Semaphore(WORKER_SHARE, fast_acquire=True)
        async with share:
            return await self._run(function)

    async def run_exit(self, function: Callable[[], Any]) -> Any:
        """Call a function that gives something back, also when the task was cancelled.

        No place has to be free: whatever holds all the places may wait for what is given back here.
        """
        with anyio.CancelScope(shield=True):
            return await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))

    async def _run(self, function: Callable[[], Any]) -> Any:
        limiter = self._limiter.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(self._limit)
            self._limiter.set(limiter)
            _limiters.add(limiter)
        return await anyio.to_thread.run_sync(function, limiter=limiter)
