"""Noticing that the ASGI server is about to end.

Strategy. ASGI tells nobody who waits in a poll: the server waits for open requests first, and a
mounted application gets no lifespan at all. What every server does get is SIGTERM or SIGINT. So
the first request chains a handler in front of the server's own, and closing restores it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ExitSignals:
    """Calls back when the process is told to end, and lets the earlier handlers do their work.

    Args:
        callback: Called in a signal handler, so it must only schedule something.
    """

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._earlier: dict[int, Any] = {}
        self._handling = False

    def install(self) -> None:
        """Chain the handlers; does nothing outside the main thread, or when they are in place."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) != self._on_signal:
                self._earlier[number] = signal.getsignal(number)
                signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Put the earlier handlers back; one on which somebody else has built since stays."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number, earlier in list(self._earlier.items()):
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, earlier)
                del self._earlier[number]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._handling:
            return  # whoever came before us has built on us as well
        self._handling = True
        try:
            self._callback()
            self._pass_on(number, frame)
        finally:
            self._handling = False

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        earlier = self._earlier.get(number, signal.SIG_DFL)
        if callable(earlier):
            earlier(number, frame)
        elif earlier == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
