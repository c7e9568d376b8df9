"""The interface of the observers of the connection layer, such as metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..protocol import EnginePacket, OutgoingPacket
from .http.request import EngineRequest
from .public_session import Session, TransportInfo

DropCause = Literal["volatile", "slow client"]
"""The reason why packets were not sent: they were volatile and could not go at once, or they
waited for a client that was closed because it does not read."""


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """The reason why a request was refused: the argument of ``connection_error``.

    Attributes:
        code: The official error code, 0 to 5.
        message: The sentence that the client was told.
        detail: More about it, which the client was not told.
        request: The request.

    Source: https://socket.io/docs/v4/server-api/#event-connection_error-1
    """

    code: int
    message: str
    detail: str
    request: EngineRequest


class EngineObserver:
    """An observer of the connection layer; a subclass overrides the methods that it needs.

    Every method is called in the event loop, at once, and has to return at once. An exception is
    logged and changes nothing. A method that is not overridden costs nothing.
    """

    def session_opened(self, session: Session) -> None:
        """Called when a client has connected; nothing but the handshake was sent."""

    def session_upgraded(self, session: Session, transport: TransportInfo) -> None:
        """Called when a client has moved on to another transport."""

    def session_closed(self, session: Session, reason: str, description: str | None) -> None:
        """Called when a session has ended.

        Args:
            session: The session.
            reason: The official name of the reason.
            description: More about it.
        """

    def session_drained(self, session: Session) -> None:
        """Called when everything that waited for a client was handed to its transport."""

    def request_refused(self, refused: RefusedRequest) -> None:
        """Called when a request was not served."""

    def packet_received(self, session: Session, packet: EnginePacket, size: int) -> None:
        """Called when a packet came, and is about to be handled.

        Args:
            session: The session.
            packet: The packet.
            size: Its size in bytes, without what the transport adds.
        """

    def packet_sent(self, session: Session, packet: OutgoingPacket, size: int) -> None:
        """Called when a packet is about to go to the transport, where it may have to wait.

        Args:
            session: The session.
            packet: The packet.
            size: Its size in bytes, without what the transport adds.
        """

    def packets_dropped(self, session: Session, count: int, size: int, cause: DropCause) -> None:
        """Called when packets for a client were not sent.

        Args:
            session: The session.
            count: The number of packets.
            size: Their size in bytes.
            cause: The reason.
        """
