"""The event loop of a client, and the bounds of what the client starts there."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType

from ..runtime import Runtime, current_runtime
from ..runtime.current import open_runtime, running_on_asyncio


class Bounds:
    """Everything that a client starts has ended at the end of this.

    On asyncio tasks need no bounds of their own, and so a client needs no context there.

    Args:
        runtime: A runtime that somebody else opens and closes; None for one of its own.
    """

    __slots__ = ("_context", "_given", "_runtime")

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._given = runtime is not None
        self._runtime = runtime
        self._context: AbstractAsyncContextManager[Runtime] | None = None

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        assert self._runtime is not None  # noqa: S101  # it is open
        return self._runtime

    async def open(self) -> Runtime:
        """Begin."""
        if self._runtime is None and running_on_asyncio():
            self._runtime = current_runtime()
        elif self._runtime is None:
            self._context = open_runtime()
            self._runtime = await self._context.__aenter__()
        return self._runtime

    async def __aenter__(self) -> None:
        """Begin the end."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Cancel all that is left, and wait for its end."""
        if self._context is not None:
            return await self._context.__aexit__(exc_type, exc_value, traceback)
        if not self._given:
            await self.runtime.end()
        return None
