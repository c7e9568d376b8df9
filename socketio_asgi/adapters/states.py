"""The states of adapters that have a life of their own."""

from __future__ import annotations

from enum import Enum


class AdapterState(Enum):
    """The state of a server's adapters.

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
    """Waiting messages are sent, and the connection ends."""
    CLOSED = "closed"
    """Over, until the server is used in another event loop."""
