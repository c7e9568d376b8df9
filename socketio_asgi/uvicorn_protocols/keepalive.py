"""Pings to the clients of WebSockets, as uvicorn's options ask for them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from ..runtime import Runtime
from ..runtime.deadlines import DeadlineQueue


class Pingable(Hashable, Protocol):
    """A connection whose client can be pinged."""

    def ping(self) -> None:
        """Ask the client for a sign of life."""
        ...

    def fail_keepalive(self) -> None:
        """Give the client up, because it gave no sign of life."""
        ...


class KeepAlive:
    """Pings clients, and gives up those that do not answer.

    Args:
        runtime: The event loop.
        interval: The time between a sign of life and the next ping, in seconds.
        timeout: The time that a client may take to answer, in seconds; None is any time.
    """

    def __init__(self, runtime: Runtime, interval: float, timeout: float | None) -> None:
        self._pings: DeadlineQueue[Pingable] = DeadlineQueue(runtime, interval, self._ping)
        self._pongs: DeadlineQueue[Pingable] | None = None
        if timeout is not None:
            self._pongs = DeadlineQueue(runtime, timeout, _give_up, lenient=True)

    def add(self, connection: Pingable) -> None:
        """Begin to ping a client, or note that it answered."""
        self._pings.add(connection)
        if self._pongs is not None:
            self._pongs.discard(connection)

    def discard(self, connection: Pingable) -> None:
        """Ping a client no more."""
        self._pings.discard(connection)
        if self._pongs is not None:
            self._pongs.discard(connection)

    def _ping(self, connection: Pingable) -> None:
        connection.ping()
        (self._pings if self._pongs is None else self._pongs).add(connection)


def _give_up(connection: Pingable) -> None:
    connection.fail_keepalive()
