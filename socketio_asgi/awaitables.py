"""What functions that act at once return, so that they can be awaited all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any


class _Done(Awaitable[None]):
    """Nothing to wait for."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


DONE: Awaitable[None] = _Done()
"""The result of a call whose work is complete; awaiting it takes no time."""
