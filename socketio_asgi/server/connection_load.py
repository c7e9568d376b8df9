"""The work that one connection has the server do at a time.

Everything that waits or runs for a client is counted: events, the handlers of its comings and
goings, decisions about whether it may join. Where there is too much of it, the connection is not
read any further until some is done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..engine import SessionCore
from .dispatch import Dispatcher

MAX_JOINS = 100
"""Namespaces that a client may be about to join at a time, because middlewares run or the namespace
is looked for; beyond it the connection is not read until some are decided. A page joins a few."""

LARGE = 4096
"""Characters or bytes of a message whose event is counted in bytes; many smaller ones are not."""

NOTHING: frozenset[Dispatcher] = frozenset()


class ConnectionLoad(ABC):
    """The load of one connection.

    Args:
        session: The session that is not read while there is too much.
        max_in_flight: Calls for all sockets of the connection that may wait or run at a time.
        max_bytes: Bytes of large events that may wait or be handled at a time.

    Attributes:
        session: The same.
        max_in_flight: The same.
        in_flight: Calls that wait or run.
        bytes_in_flight: Bytes of large events that wait or are handled.
        paused: Whether the session is not read until some of them are done.
    """

    __slots__ = (
        "_busy",
        "_joins",
        "_large",
        "_max_bytes",
        "bytes_in_flight",
        "in_flight",
        "max_in_flight",
        "paused",
        "session",
    )

    def __init__(self, session: SessionCore, max_in_flight: int, max_bytes: int) -> None:
        self.session: SessionCore = session
        self.max_in_flight: int = max_in_flight
        self.in_flight: int = 0
        self.paused: bool = False
        self._joins = 0
        self._max_bytes = max_bytes
        self.bytes_in_flight: int = 0
        self._large = 0  # the number of events that are counted there
        # Sockets with too many events in flight; any of them keeps the session from being read.
        self._busy = NOTHING

    def begin(self) -> None:
        """Count a call, or something else that waits; beyond the limit, read no more."""
        self.in_flight += 1
        if self.in_flight >= self.max_in_flight:
            self._pause_if_full()

    def end(self) -> None:
        """Count no longer what :meth:`begin` has counted."""
        self.in_flight -= 1
        if self.paused:
            self.call_ended()

    def large_began(self, size: int) -> None:
        """Count the bytes of an event that waits or is handled; beyond the limit, read no more."""
        self._large += 1
        self.bytes_in_flight += size
        if self.bytes_in_flight >= self._max_bytes:
            self._pause_if_full()

    def large_ended(self, size: int) -> None:
        """Count no longer what :meth:`large_began` has counted."""
        self._large -= 1
        self.bytes_in_flight -= size
        if self.paused:
            self.call_ended()

    def join_began(self) -> None:
        """Count a decision about whether the client may join; beyond the limit, read no more."""
        self._joins += 1
        if self._joins >= MAX_JOINS:
            self._pause_if_full()

    def join_ended(self) -> None:
        """Count no longer what :meth:`join_began` has counted."""
        self._joins -= 1
        if self.paused:
            self.call_ended()

    def pause_for(self, dispatcher: Dispatcher) -> None:
        """Read no more, if a socket, or all together, have too many events in flight."""
        if dispatcher.full:
            self._busy |= {dispatcher}
        self._pause_if_full()

    def call_ended(self) -> None:
        """Read on, when there is room again; called only while :attr:`paused`."""
        if self._busy:
            self._busy = frozenset(socket for socket in self._busy if socket.full) or NOTHING
        if not self._full:
            self.paused = False
            self.session.resume_reading()

    def _pause_if_full(self) -> None:
        # Handlers of "disconnect" begin when the session has ended, and nothing is read any more.
        if not self.paused and self._full and self.session.ready_state != "closed":
            self.paused = True
            self.session.pause_reading()

    @property
    def _full(self) -> bool:
        if self._busy or self._joins >= MAX_JOINS or self._full_of_bytes:
            return True
        if self.in_flight < self.max_in_flight:
            return False
        # Handlers that wait for the client do not count, within bounds: see Dispatcher.full.
        asking = min(self.acks_awaited, self.max_in_flight)
        return self.in_flight - asking >= self.max_in_flight

    @property
    def _full_of_bytes(self) -> bool:
        if self.bytes_in_flight < self._max_bytes:
            return False
        # A handler that waits for the client must be able to go on, whatever the size of its event.
        asking = self.acks_awaited > 0
        return not asking or (self._large > 1 and self.bytes_in_flight >= 2 * self._max_bytes)

    @property
    @abstractmethod
    def acks_awaited(self) -> int:
        """The number of acknowledgements that the client owes."""
