"""What a transport is to a session, and a session to its transport."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from ...protocol import EngineCodec, EnginePacket, OutgoingPacket
from ...runtime import Runtime
from .outbox import Outbox


class TransportOwner(Protocol):
    """Who receives what a transport brings: a session, or an upgrade that tests the transport."""

    def receive(self, data: str | bytes) -> None:
        """Take one message as it came in."""
        ...

    def receive_packets(self, packets: list[EnginePacket]) -> None:
        """Take the packets of one POST request."""
        ...

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """The transport is gone.

        Args:
            transport: The one that is gone.
            reason: The official word for why.
            description: More about it, for logs and handlers.
        """
        ...

    def server_exits(self) -> None:
        """The ASGI server announced that it is about to end."""
        ...

    @property
    def paused(self) -> bool:
        """Whether no more messages are welcome at present."""
        ...

    async def readable(self) -> None:
        """Wait until more messages are welcome."""
        ...


class Transport(ABC):
    """One way to move packets between a session and its client.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets that wait to be sent; the session takes it along to another transport.

    Attributes:
        owner: Who receives what comes in.
    """

    __slots__ = ("__weakref__", "codec", "outbox", "owner", "runtime")

    name: ClassVar[str]
    owner: TransportOwner

    def __init__(self, runtime: Runtime, codec: EngineCodec, outbox: Outbox) -> None:
        self.runtime: Runtime = runtime
        self.codec: EngineCodec = codec
        self.outbox: Outbox = outbox

    def set_owner(self, owner: TransportOwner) -> None:
        """Say who receives what comes in."""
        self.owner = owner

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether there is a connection by which packets can be sent at present."""

    @property
    @abstractmethod
    def writable(self) -> bool:
        """Whether a packet sent now would go out at once: what volatile packets ask for."""

    def send(self, frames: Sequence[OutgoingPacket]) -> None:
        """Send packets that belong together, as soon as they can be sent."""
        self.outbox.extend(frames)
        self.flush()

    def send_message(self, message: str | bytes) -> None:
        """Send one message, as soon as it can be sent."""
        self.send([OutgoingPacket.message(message)])

    @abstractmethod
    def flush(self) -> None:
        """Send what waits in the outbox, as soon as it can be sent."""

    def pause_reading(self) -> None:  # noqa: B027  # most ask their owner before they read
        """Receive no more messages until :meth:`resume_reading`."""

    def resume_reading(self) -> None:  # noqa: B027
        """Receive messages again."""

    @abstractmethod
    def close(self) -> None:
        """Close after everything that waits was sent; the owner is told when that is done."""

    @abstractmethod
    def abort(self) -> None:
        """Close at once; what waits is not sent."""
