"""Event loops that do not wait: when nothing else can happen, time jumps to the next deadline.

For tests whose parts are all in this process, without sockets and threads: what comes from outside
would come after deadlines that were long to come.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import trio.testing


def autojump(backend: Any) -> tuple[str, dict[str, Any]]:
    """Make the backend of anyio that has such an event loop.

    >>> @pytest.fixture
    ... def anyio_backend(each_backend):
    ...     return autojump(each_backend)

    Args:
        backend: The event loop: ``"asyncio"`` or ``"trio"``.
    """
    if backend == "trio":
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
    assert backend == "asyncio"
    return "asyncio", {"loop_factory": _JumpingLoop}


class _JumpingSelector(selectors.DefaultSelector):
    """Looks whether something came, and does not wait for it where the loop has a deadline."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not timeout:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.jumped += timeout
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return super().time() + self._jumping.jumped
