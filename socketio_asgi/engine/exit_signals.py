"""Noticing that the ASGI server is about to end.

Strategy. ASGI does not tell an application that waits in a poll: the server waits for open requests
first, and a mounted application gets no lifespan at all. What nearly every server does get is
SIGTERM or SIGINT. So the first request chains a handler in front of the server's own, and closing
takes it out again.

Each chaining is a link of its own, which knows the one handler that was there before it. So a
signal passes every handler once, in whatever order they were built upon each other.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_UNTOUCHABLE = (None, signal.SIG_IGN)
"""A handler that was not made in Python could not be called; an ignored signal ends nothing."""


class ExitSignals:
    """Calls back when the process is told to end, and lets the earlier handlers do their work.

    Args:
        callback: Called in a signal handler, so it must only schedule something.
    """

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._links: dict[int, _Link] = {}

    def install(self) -> None:
        """Chain the handlers; does nothing outside the main thread, or when they are in place."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            current, link = _handler(number), self._links.get(number)
            if current is link or current in _UNTOUCHABLE:
                continue
            if link is not None:
                link.callback = None
            self._links[number] = _Link(current, self._callback)
            signal.signal(number, self._links[number])

    def restore(self) -> None:
        """Put the earlier handlers back.

        Where another one was put in front of ours since, ours stays, but only passes signals on.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        for number, link in self._links.items():
            link.callback = None
            if in_main_thread and _handler(number) is link:
                signal.signal(number, link.earlier)
        self._links.clear()


class _Link:
    """A signal handler in front of an earlier one."""

    def __init__(self, earlier: Any, callback: Callable[[], object]) -> None:
        self.earlier = earlier
        self.callback: Callable[[], object] | None = callback

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.callback is not None:
            self.callback()
        if callable(self.earlier):
            self.earlier(number, frame)
        else:  # SIG_DFL
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _handler(number: int) -> object:
    return signal.getsignal(number)
