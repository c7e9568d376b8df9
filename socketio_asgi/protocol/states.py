"""The state tables of both protocols; the code that acts on them is elsewhere.

Source: https://socket.io/docs/v4/engine-io-protocol/ and
https://socket.io/docs/v4/socket-io-protocol/
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING

from .engine_packet import EnginePacketType
from .packet import PacketType


class _Member(Enum):
    """A member of an enum that is looked up in a table often: Enum hashes names, in Python."""

    if not TYPE_CHECKING:
        __hash__ = object.__hash__


class SessionState(_Member):
    """The life of an Engine.IO session."""

    OPENING = "opening"
    OPEN = "open"
    UPGRADING = "upgrading"
    CLOSING = "closing"
    CLOSED = "closed"


class SessionInput(_Member):
    """An input that moves an Engine.IO session from one state to the next."""

    HANDSHAKE = auto()
    """The OPEN packet was handed to the transport."""
    PROBE = auto()
    """A second transport was opened for an upgrade."""
    UPGRADE = auto()
    """The second transport took over."""
    ABANDON = auto()
    """The second transport failed; the first one stays."""
    CLOSE = auto()
    """This side wants to close, once everything that waits is sent."""
    END = auto()
    """The connection is gone, or given up at once."""


SESSION_TRANSITIONS: Mapping[tuple[SessionState, SessionInput], SessionState] = {
    (SessionState.OPENING, SessionInput.HANDSHAKE): SessionState.OPEN,
    (SessionState.OPENING, SessionInput.END): SessionState.CLOSED,
    (SessionState.OPEN, SessionInput.PROBE): SessionState.UPGRADING,
    (SessionState.OPEN, SessionInput.CLOSE): SessionState.CLOSING,
    (SessionState.OPEN, SessionInput.END): SessionState.CLOSED,
    (SessionState.UPGRADING, SessionInput.UPGRADE): SessionState.OPEN,
    (SessionState.UPGRADING, SessionInput.ABANDON): SessionState.OPEN,
    (SessionState.UPGRADING, SessionInput.CLOSE): SessionState.CLOSING,
    (SessionState.UPGRADING, SessionInput.END): SessionState.CLOSED,
    (SessionState.CLOSING, SessionInput.END): SessionState.CLOSED,
}
"""Every permitted step of a session; an input without an entry changes nothing."""


class EngineAction(Enum):
    """An answer to an Engine.IO packet of a session."""

    OPEN = auto()
    """Take the settings of the session; the first packet that a client gets."""
    DELIVER = auto()
    """Hand the message to Socket.IO."""
    HEARTBEAT = auto()
    """Note that the peer is alive."""
    ANSWER = auto()
    """Send a PONG."""
    CLOSE = auto()
    """End the session."""
    IGNORE = auto()
    REFUSE = auto()
    """End the session: the heartbeat goes the other way."""


SERVER_ACTIONS: Mapping[int, Mapping[EnginePacketType, EngineAction]] = {
    4: {
        EnginePacketType.OPEN: EngineAction.IGNORE,
        EnginePacketType.CLOSE: EngineAction.CLOSE,
        EnginePacketType.PING: EngineAction.REFUSE,
        EnginePacketType.PONG: EngineAction.HEARTBEAT,
        EnginePacketType.MESSAGE: EngineAction.DELIVER,
        EnginePacketType.UPGRADE: EngineAction.IGNORE,
        EnginePacketType.NOOP: EngineAction.IGNORE,
    },
    # Revision 3 has the heartbeat the other way round: the client pings.
    3: {
        EnginePacketType.OPEN: EngineAction.IGNORE,
        EnginePacketType.CLOSE: EngineAction.CLOSE,
        EnginePacketType.PING: EngineAction.ANSWER,
        EnginePacketType.PONG: EngineAction.REFUSE,
        EnginePacketType.MESSAGE: EngineAction.DELIVER,
        EnginePacketType.UPGRADE: EngineAction.IGNORE,
        EnginePacketType.NOOP: EngineAction.IGNORE,
    },
}
"""The actions of a server, by revision and packet type."""

CLIENT_ACTIONS: Mapping[int, Mapping[EnginePacketType, EngineAction]] = {
    4: {
        EnginePacketType.OPEN: EngineAction.OPEN,
        EnginePacketType.CLOSE: EngineAction.CLOSE,
        EnginePacketType.PING: EngineAction.ANSWER,
        EnginePacketType.PONG: EngineAction.IGNORE,
        EnginePacketType.MESSAGE: EngineAction.DELIVER,
        EnginePacketType.UPGRADE: EngineAction.IGNORE,
        EnginePacketType.NOOP: EngineAction.IGNORE,
    },
    3: {
        EnginePacketType.OPEN: EngineAction.OPEN,
        EnginePacketType.CLOSE: EngineAction.CLOSE,
        EnginePacketType.PING: EngineAction.IGNORE,
        EnginePacketType.PONG: EngineAction.HEARTBEAT,
        EnginePacketType.MESSAGE: EngineAction.DELIVER,
        EnginePacketType.UPGRADE: EngineAction.IGNORE,
        EnginePacketType.NOOP: EngineAction.IGNORE,
    },
}
"""The actions of a client, by revision and packet type.

The official clients do not refuse a heartbeat in the wrong direction, as servers do.
"""


class SocketState(_Member):
    """The life of a socket, which is one client in one namespace, on either side."""

    ABSENT = "absent"
    """The client has not asked for the namespace, was refused, or has left."""
    CONNECTING = "connecting"
    """CONNECT was sent, and is not answered."""
    REJOINING = "rejoining"
    """The same after an earlier socket of the client, for which packets may still come."""
    CONNECTED = "connected"
    LEFT = "left"
    """The socket is gone, but packets for it that were under way may still come."""


class PacketAction(Enum):
    """An answer to a Socket.IO packet."""

    CONNECT = auto()
    """On the server: decide about the client."""
    JOIN = auto()
    """On the client: the server let it in."""
    FAIL = auto()
    """On the client: the server did not let it in."""
    DISPATCH = auto()
    HOLD = auto()
    """Keep the event until the client has joined."""
    ACKNOWLEDGE = auto()
    DISCONNECT = auto()
    LEAVE = auto()
    """On the client: say again that it has left."""
    IGNORE = auto()


SERVER_PACKET_ACTIONS: Mapping[tuple[SocketState, PacketType], PacketAction] = {
    (SocketState.ABSENT, PacketType.CONNECT): PacketAction.CONNECT,
    # A client that left before its CONNECT was answered says so with its next CONNECT.
    (SocketState.CONNECTING, PacketType.CONNECT): PacketAction.CONNECT,
    (SocketState.CONNECTING, PacketType.DISCONNECT): PacketAction.DISCONNECT,
    (SocketState.REJOINING, PacketType.CONNECT): PacketAction.CONNECT,
    (SocketState.REJOINING, PacketType.EVENT): PacketAction.HOLD,
    (SocketState.REJOINING, PacketType.ACK): PacketAction.IGNORE,
    (SocketState.REJOINING, PacketType.DISCONNECT): PacketAction.DISCONNECT,
    (SocketState.CONNECTED, PacketType.CONNECT): PacketAction.CONNECT,
    (SocketState.CONNECTED, PacketType.EVENT): PacketAction.DISPATCH,
    (SocketState.CONNECTED, PacketType.ACK): PacketAction.ACKNOWLEDGE,
    (SocketState.CONNECTED, PacketType.DISCONNECT): PacketAction.DISCONNECT,
    (SocketState.LEFT, PacketType.CONNECT): PacketAction.CONNECT,
    (SocketState.LEFT, PacketType.EVENT): PacketAction.IGNORE,
    (SocketState.LEFT, PacketType.ACK): PacketAction.IGNORE,
    (SocketState.LEFT, PacketType.DISCONNECT): PacketAction.IGNORE,
}
"""The actions of a server, by state and packet type; without an entry, the client broke the
protocol."""

CLIENT_PACKET_ACTIONS: Mapping[tuple[SocketState, PacketType], PacketAction] = {
    (SocketState.CONNECTING, PacketType.CONNECT): PacketAction.JOIN,
    (SocketState.CONNECTING, PacketType.CONNECT_ERROR): PacketAction.FAIL,
    # What the client has missed comes before the answer, when its state is recovered.
    (SocketState.CONNECTING, PacketType.EVENT): PacketAction.HOLD,
    (SocketState.CONNECTED, PacketType.EVENT): PacketAction.DISPATCH,
    (SocketState.CONNECTED, PacketType.ACK): PacketAction.ACKNOWLEDGE,
    (SocketState.CONNECTED, PacketType.DISCONNECT): PacketAction.DISCONNECT,
    # It has left before it was let in, and servers do not hear of that before they have decided.
    (SocketState.LEFT, PacketType.CONNECT): PacketAction.LEAVE,
    (SocketState.LEFT, PacketType.CONNECT_ERROR): PacketAction.IGNORE,
    (SocketState.LEFT, PacketType.EVENT): PacketAction.IGNORE,
    (SocketState.LEFT, PacketType.ACK): PacketAction.IGNORE,
    (SocketState.LEFT, PacketType.DISCONNECT): PacketAction.IGNORE,
}
"""The actions of a client, by state and packet type; without an entry, the server broke the
protocol."""
