"""A clock that the test moves, instead of waiting for real time-outs; on asyncio.

>>> clock = Clock()
>>> app = EngineApp(runtime_factory=clock.runtime, ping_interval=25)
>>> clock.advance(25)  # the ping is sent

What waits for the network takes real time as ever: only deadlines of the package move. Tests in
which everything is in this process have :class:`socketio_asgi.testing.Clock`.
"""

from __future__ import annotations

from socketio_asgi.runtime import Runtime
from socketio_asgi.testing.virtual_time import BEGIN, VirtualRuntimes, VirtualTime

__all__ = ["BEGIN", "Clock"]


class Clock(VirtualTime):
    """The time of one test, and the calls that are due later."""

    def runtime(self) -> Runtime:
        """Make a runtime of the running event loop that has this time."""
        return VirtualRuntimes(self).make_for_asyncio()

    def stall(self, seconds: float) -> None:
        """Move the time on as for an event loop that stands still: calls become due, and are late.

        The next :meth:`advance` makes them.
        """
        self.now += seconds

    def advance(self, seconds: float) -> None:
        """Move the time on, and make the calls that become due, each at its own time."""
        self.move_to(self.now + seconds)
