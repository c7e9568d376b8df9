"""The heartbeat of a session, as its client watches it.

Source: https://socket.io/docs/v4/engine-io-protocol/#heartbeat
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.handshake import OpenHandshake
from ..runtime import Cancellable, Runtime
from ..runtime.deadlines import LATE_SECONDS, SLACK_SECONDS


class Heartbeat:
    """Calls back when the server has been silent for too long.

    A ping moves no timer: when the timer is due, it is set again for what is left of the time.

    Args:
        runtime: The event loop.
        handshake: The settings of the session.
        on_silence: Called once, when the server has been silent.

    Attributes:
        paused: Whether nothing is read, so that silence means nothing.
    """

    __slots__ = ("_due", "_heard", "_on_silence", "_runtime", "_seconds", "_timer", "paused")

    def __init__(
        self, runtime: Runtime, handshake: OpenHandshake, on_silence: Callable[[], object]
    ) -> None:
        self.paused: bool = False
        self._runtime = runtime
        self._seconds = handshake.ping_interval + handshake.ping_timeout
        self._on_silence = on_silence
        self._heard = runtime.now()
        self._due = 0.0
        self._timer: Cancellable | None = None
        self._arm(self._seconds)

    def beat(self) -> None:
        """Note that the server is alive."""
        self._heard = self._runtime.now()

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, delay: float) -> None:
        self._due = self._runtime.now() + delay
        self._timer = self._runtime.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        now = self._runtime.now()
        late = now - self._due
        left = self._heard + self._seconds - now
        if self.paused:
            self._arm(self._seconds)
        elif left > SLACK_SECONDS:
            self._arm(left)
        elif late > LATE_SECONDS:
            # The event loop stood still: the ping may be there, and was not read.
            self._heard = now - self._seconds + min(late, self._seconds)
            self._arm(min(late, self._seconds))
        else:
            self._timer = None
            self._on_silence()
