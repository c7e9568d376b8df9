"""The interfaces between a session and its transport."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import ClassVar, Literal, Protocol

from ...protocol import EngineCodec, EnginePacket, OutgoingPacket
from ...runtime import Runtime
from ...websocket.reader import OnEvent
from ..http.body import RequestBody
from ..http.request import EngineRequest
from ..http.response import ErrorCode, Refusal, Response
from .outbox import Outbox

PACKETS_PER_TURN = 256
"""Packets of a client that are handled in one turn of the event loop; then others come first. They
take some milliseconds when they are small. Each turn costs as much as several packets."""

TransportName = Literal["polling", "websocket"]


class TransportOwner(Protocol):
    """The receiver of what a transport brings: a session, or an upgrade that tests it."""

    def receive(self, data: str | bytes) -> None:
        """Take one message that holds one packet, as it came in."""
        ...

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets that came together."""
        ...

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Take note of a transport that is gone, and has closed itself before this call.

        Args:
            transport: The one that is gone.
            reason: The official name of the reason.
            description: More about it, for logs and handlers.
        """
        ...

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        ...

    @property
    def paused(self) -> bool:
        """True while no more messages are welcome."""
        ...

    async def readable(self) -> None:
        """Wait until more messages are welcome."""
        ...


class Transport(ABC):
    """A way to move packets between a session and its client.

    What the engine has to know of a kind of transport are its class attributes; the table of all
    kinds is :data:`.registry.TRANSPORTS`.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets that wait to be sent; the session takes it along to another transport.

    Attributes:
        name: The value of the query parameter ``transport``.
        scope_type: The type of the ASGI scopes that open it.
        upgrades_from: The transports that a client may leave for it.
        writes_at_once: Whether :meth:`write_message` and :meth:`write_frame` may succeed.
        owner: The receiver of what comes in.
    """

    __slots__ = ("__weakref__", "codec", "outbox", "owner", "runtime")

    name: TransportName  # the same for all of a kind; a protocol asks for it as for an attribute
    scope_type: ClassVar[str]
    upgrades_from: ClassVar[tuple[TransportName, ...]] = ()
    writes_at_once: ClassVar[bool] = False
    owner: TransportOwner

    def __init__(self, runtime: Runtime, codec: EngineCodec, outbox: Outbox) -> None:
        self.runtime: Runtime = runtime
        self.codec: EngineCodec = codec
        self.outbox: Outbox = outbox

    def set_owner(self, owner: TransportOwner) -> None:
        """Set the receiver of what comes in."""
        self.owner = owner

    def set_on_event(self, on_event: OnEvent) -> None:  # noqa: B027  # where messages are read here
        """Set the receiver of short events, until there is another owner; see :data:`OnEvent`."""

    def _report_end(self, reason: str, description: str | None = None) -> None:
        """Tell the owner that the connection has ended; it is told once, and nothing follows."""
        # The two refer to each other, and are to be freed without the garbage collector.
        owner, self.owner = self.owner, NOBODY
        owner.transport_closed(self, reason, description)

    @property
    @abstractmethod
    def connected(self) -> bool:
        """True while there is a connection by which packets can be sent."""

    @property
    def tells_end(self) -> bool:
        """True when the client hears of an end at once by this transport, or knows already."""
        return True

    @property
    @abstractmethod
    def writable(self) -> bool:
        """True when a packet sent now would go out at once: what volatile packets ask for.

        It is not behind another packet of the same turn of the event loop, as in Node.js; but what
        was sent while another message was handled does not count, because there that is a turn of
        its own.
        """

    # -- out ---------------------------------------------------------------------------------

    def watch_reading(self) -> None:  # noqa: B027  # only one that has to be asked may not be
        """Forget that the client has asked for packets; see :attr:`reads`."""

    @property
    def reads(self) -> bool:
        """True unless the client has asked for no packets since :meth:`watch_reading`."""
        return True

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets that belong together, as soon as they can be sent."""
        self.outbox.extend(packets)
        self.flush()

    def write_frame(self, frame: bytes) -> bool:
        """Send a frame of a WebSocket at once; False when that is not possible."""
        return False

    def write_message(self, message: str | bytes) -> bool:
        """Send one message at once; False when that is not possible, and it has to be sent."""
        return False

    def write_text(self, packet: bytes) -> bool:
        """Send a text packet at once, as its UTF-8; as :meth:`write_message` does."""
        return False

    def write_packets(self, packets: Sequence[OutgoingPacket]) -> bool:
        """Send packets that belong together at once; as :meth:`write_message` does."""
        return False

    def write_messages(self, messages: Sequence[str | bytes]) -> bool:
        """Send messages that belong together at once; as :meth:`write_message` does."""
        return False

    @abstractmethod
    def flush(self) -> None:
        """Send what waits in the outbox, as soon as it can be sent."""

    def adopt(self, outbox: Outbox) -> None:
        """Send what waits in another outbox from now on, after what waits in the own one."""
        outbox.put_in_front(list(self.outbox))
        self.outbox = outbox

    # -- in ----------------------------------------------------------------------------------

    def serve(self, request: EngineRequest, body: RequestBody) -> Awaitable[Response]:
        """Serve an HTTP request of the session, where requests carry the packets.

        Raises:
            Refusal: There is no use for the request.
        """
        raise Refusal(ErrorCode.BAD_REQUEST, detail=f"method {request.method[:20]!r}")

    def pause_reading(self) -> None:  # noqa: B027  # most ask their owner before they read
        """Receive no more messages until :meth:`resume_reading`."""

    def resume_reading(self) -> None:  # noqa: B027
        """Receive messages again."""

    # -- moving on to another transport --------------------------------------------------------

    def release(self) -> None:  # noqa: B027  # only one whose requests wait holds its client back
        """Let no request wait any more: the client is about to move on."""

    def hold(self) -> None:  # noqa: B027
        """Let requests wait as usual again: the client stays."""

    def retire(self) -> None:  # noqa: B027
        """End without a CLOSE for the client, which knows already; the owner is not told."""

    # -- closing -----------------------------------------------------------------------------

    @abstractmethod
    def close(self) -> None:
        """Close after everything that waits was sent; the owner is told when that is done."""

    @abstractmethod
    def abort(self) -> None:
        """Close at once; what waits is not sent. The owner is told, now or later."""


class ConnectionTransport(Transport):
    """A transport over one connection that lasts, such as a WebSocket."""

    __slots__ = ()

    @property
    def connected(self) -> bool:
        """Always true, as long as the transport lasts."""
        return True

    @abstractmethod
    async def run(self) -> None:
        """Move messages, as long as the ASGI server wants to be waited for."""


class _Nobody:
    """The owner of a transport that has told of its end."""

    paused = False

    def receive(self, data: str | bytes) -> None:
        """Drop a message: the end was told."""

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Drop packets: the end was told."""

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Do nothing: the end was told."""

    def server_exits(self) -> None:
        """Do nothing: the end was told."""

    async def readable(self) -> None:
        """Return at once."""


NOBODY: TransportOwner = _Nobody()
