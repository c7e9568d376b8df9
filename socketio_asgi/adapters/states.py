"""The states of adapters that have a life of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class AdapterState(Enum):
    """The state of the adapters of a server.

    idle → starting → ready ⇄ away → closing → closed
    """

    IDLE = "idle"
    """Not used in an event loop yet."""
    STARTING = "starting"
    """The first connection to the broker is being made."""
    READY = "ready"
    """Messages go to the other servers and come from there."""
    AWAY = "away"
    """The broker cannot be reached at present."""
    CLOSING = "closing"
    """The last messages are sent, and the connection ends."""
    CLOSED = "closed"
    """Over, until the server is used in another event loop."""


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """The state of the adapters of a server, and its history.

    Attributes:
        state: The state.
        since: When it changed, on the clock of the event loop, in seconds.
        error: The last error, if there was one.
    """

    state: AdapterState = AdapterState.IDLE
    since: float = 0.0
    error: Exception | None = None
