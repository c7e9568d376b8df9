"""The official words for the reasons why a connection or a socket ended.

Source: https://socket.io/docs/v4/server-socket-instance/#disconnect and
https://socket.io/docs/v4/client-socket-instance/#disconnect
"""

from __future__ import annotations

from typing import Final

TRANSPORT_CLOSE: Final = "transport close"
"""The connection was closed, by the peer or by the network."""
TRANSPORT_ERROR: Final = "transport error"
"""The connection failed, or the peer broke a rule of it."""
PARSE_ERROR: Final = "parse error"
"""The peer sent something that is not a packet."""
PING_TIMEOUT: Final = "ping timeout"
"""The peer gave no sign of life in time."""
FORCED_CLOSE: Final = "forced close"
"""This side closed the connection."""
SERVER_SHUTTING_DOWN: Final = "server shutting down"
"""The server ends."""

SERVER_DISCONNECT: Final = "server namespace disconnect"
"""On the server: it disconnected the socket from its namespace."""
CLIENT_DISCONNECT: Final = "client namespace disconnect"
"""On the server: the client disconnected the socket from its namespace."""

IO_SERVER_DISCONNECT: Final = "io server disconnect"
"""On the client: the server disconnected the socket from its namespace."""
IO_CLIENT_DISCONNECT: Final = "io client disconnect"
"""On the client: it disconnected the socket from its namespace."""

RECOVERABLE_REASONS: frozenset[str] = frozenset(
    {TRANSPORT_ERROR, TRANSPORT_CLOSE, FORCED_CLOSE, PING_TIMEOUT, SERVER_SHUTTING_DOWN}
)
"""Disconnections after which a client may come back as the same socket: those it did not ask for.

Source: https://socket.io/docs/v4/connection-state-recovery/
"""
