"""The fate of a message that waits to be sent."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any

from ...runtime import Event, Runtime
from ..errors import ClusterUnavailable


class Fate(Awaitable[None]):
    """The fate of a message, to be awaited or dropped.

    Args:
        runtime: The event loop.
    """

    __slots__ = ("_error", "_over", "_runtime", "_waiting")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._over = False
        self._error: Exception | None = None
        self._waiting: Event | None = None

    def settle(self, error: Exception | None = None) -> None:
        """Called when the server has the message; with an error, when it has not."""
        self._over, self._error = True, error
        if self._waiting is not None:
            self._waiting.set()

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        if not self._over:
            self._waiting = self._waiting or self._runtime.event()
            await self._waiting.wait()
        if self._error is not None:
            raise ClusterUnavailable("the other servers were not reached") from self._error
