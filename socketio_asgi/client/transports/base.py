"""The interface between a session and its transports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol
from urllib.parse import urlencode

from ...protocol.engine_packet import EnginePacket, OutgoingPacket
from ...runtime import Runtime
from ..network.base import Network

REVISION = 4
"""The revision of the Engine.IO protocol that clients speak."""


class Endpoint(NamedTuple):
    """The place of a server, and how requests go there.

    Attributes:
        url: The address without a query, its scheme ``http`` or ``https``.
        query: What the application adds to the query.
        headers: What it adds to the headers of each request.
        network: Carries the requests.
        runtime: The event loop.
    """

    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    network: Network
    runtime: Runtime

    def address(self, transport: str, sid: str | None) -> str:
        """The address for requests of one transport.

        Source: https://socket.io/docs/v4/engine-io-protocol/#http-long-polling
        """
        own = {"EIO": str(REVISION), "transport": transport}
        if sid is not None:
            own["sid"] = sid
        return f"{self.url}?{urlencode({**self.query, **own})}"


class TransportOwner(Protocol):
    """The session, as its transports see it."""

    def on_message(self, data: str | bytes) -> None:
        """Called with each message, without its type digit."""
        ...

    def on_packet(self, transport: Transport, packet: EnginePacket) -> None:
        """Called with each packet of another type."""
        ...

    def on_drain(self) -> None:
        """Called when nothing waits to be sent any more."""
        ...

    def on_lost(self, transport: Transport, error: Exception | None) -> None:
        """Called once when the transport has ended, unless this side ended it.

        Args:
            transport: The transport.
            error: The fault; None when the server has closed it properly.
        """
        ...


class Transport(ABC):
    """One way of packets between a client and its server.

    Args:
        endpoint: The server.
        owner: The session.
        sid: The id of the session, if there is one already.

    Attributes:
        sid: The same; set by the session when it knows it.
        max_payload: The largest body that the server accepts, in bytes; None when it is not known.
    """

    name: ClassVar[str]

    __slots__ = ("_endpoint", "_owner", "max_payload", "sid")

    def __init__(self, endpoint: Endpoint, owner: TransportOwner, sid: str | None = None) -> None:
        self._endpoint = endpoint
        self._owner = owner
        self.sid: str | None = sid
        self.max_payload: int | None = None

    @abstractmethod
    async def open(self) -> None:
        """Begin; packets may come before this returns.

        Raises:
            TransportError: It could not be opened.
        """

    @property
    @abstractmethod
    def buffered(self) -> int:
        """The bytes that wait to be sent."""

    @property
    @abstractmethod
    def writable(self) -> bool:
        """True when a packet would go out at once."""

    @abstractmethod
    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets, in order."""

    @abstractmethod
    async def pause(self) -> None:
        """End what is under way, for an upgrade: nothing comes and goes when this returns."""

    @abstractmethod
    def pause_reading(self) -> None:
        """Read no more for now, and let the server wait."""

    @abstractmethod
    def resume_reading(self) -> None:
        """Go on reading."""

    @abstractmethod
    async def close(self) -> None:
        """Send what waits, then tell the server and end; the owner is not told."""

    @abstractmethod
    def abort(self) -> None:
        """End at once; the owner is not told."""
