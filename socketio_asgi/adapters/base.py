"""The interface of adapters.

An adapter serves one namespace. It knows which socket is in which room and hands packets to the
sockets that they are meant for; an adapter for a cluster also hands them to other processes.

Source: https://socket.io/docs/v4/adapter/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..engine.handshake import Handshake
from ..events.acks import AckSink, AckTarget
from ..protocol import OutgoingPacket, Packet, Parser
from ..runtime import Runtime


class SharedPacket:
    """A packet on its way out, encoded when the first recipient is found, and only then.

    Args:
        packet: The packet.
        parser: How it is encoded.
        compress: Whether an HTTP response that carries it may be compressed.

    Attributes:
        packet: The packet.
        encoded: The same as ``frames``, once they were needed: no call for each recipient.
    """

    __slots__ = ("_compress", "_parser", "encoded", "packet")

    def __init__(self, packet: Packet, parser: Parser, *, compress: bool = True) -> None:
        self.packet: Packet = packet
        self._parser = parser
        self._compress = compress
        self.encoded: Sequence[OutgoingPacket] | None = None

    @property
    def frames(self) -> Sequence[OutgoingPacket]:
        """The encoded packet and its attachments.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        if self.encoded is None:
            messages = self._parser.encode(self.packet)
            self.encoded = OutgoingPacket.messages(messages, compress=self._compress)
        return self.encoded

    def with_argument(self, argument: Any) -> SharedPacket:
        """The same event with one more argument."""
        packet = self.packet
        data = [*packet.data, argument]
        longer = Packet(packet.type, packet.namespace, data, packet.id)
        return SharedPacket(longer, self._parser, compress=self._compress)

    def for_namespace(self, name: str) -> SharedPacket:
        """The same packet, addressed to another namespace."""
        packet = Packet(self.packet.type, name, self.packet.data, self.packet.id)
        return SharedPacket(packet, self._parser, compress=self._compress)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a broadcast is meant for.

    Attributes:
        rooms: The rooms whose members get it, each socket once; empty means everybody.
        excluded: The rooms whose members do not get it.
        volatile: Whether sockets that cannot take it at once miss it.
        local: Whether it stays in this process.
    """

    rooms: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    volatile: bool = False
    local: bool = False


class Recipient(Protocol):
    """A connected socket, as an adapter sees it."""

    @property
    def id(self) -> str:
        """The public id of the socket."""
        ...

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms of the socket, the one of its own included."""
        ...

    @property
    def data(self) -> Any:
        """What the application keeps with the socket."""
        ...

    @property
    def handshake(self) -> Handshake:
        """How the client introduced itself."""
        ...

    def deliver(self, packet: SharedPacket, volatile: bool = False) -> None:
        """Queue a packet for the client."""
        ...

    def deliver_with_ack(
        self, packet: SharedPacket, ack: AckTarget, *, volatile: bool = False
    ) -> Callable[[], object]:
        """Queue a packet for the client, and pass its acknowledgement on.

        Returns:
            A function that ends the waiting.
        """
        ...

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client."""
        ...


class LocalNamespace(Protocol):
    """The part of a namespace in this process, as an adapter sees it."""

    @property
    def name(self) -> str:
        """The name of the namespace, with its slash."""
        ...

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while the server has not been used in one."""
        ...

    @property
    def recipients(self) -> Mapping[str, Recipient]:
        """The connected sockets by id."""
        ...

    async def on_server_event_received(
        self,
        event: str,
        args: Sequence[Any],
        reply: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        """Another server sent an event; ``reply`` is called with the answer, if there is one.

        It takes as long as the handler does, and raises nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class SocketDetails:
    """A socket of any process of the cluster, as it was when it was looked up.

    Attributes:
        id: Its public id.
        handshake: How the client introduced itself.
        rooms: The rooms it is in.
        data: What the application keeps with it.
    """

    id: str
    handshake: Handshake
    rooms: frozenset[str]
    data: Any

    def to_dict(self) -> dict[str, Any]:
        """The socket as data for other processes, with the names of the official adapters."""
        return {
            "id": self.id,
            "handshake": self.handshake.to_dict(),
            "rooms": sorted(self.rooms),
            "data": self.data,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SocketDetails:
        """A socket of another process.

        Raises:
            ValueError: The data are not what :meth:`to_dict` makes.
        """
        match data:
            case {"id": str(sid), "handshake": dict(), "rooms": list()}:
                handshake = Handshake.from_dict(data["handshake"])
                return cls(sid, handshake, frozenset(map(str, data["rooms"])), data.get("data"))
            case _:
                raise ValueError("not a socket of another process")


@dataclass(frozen=True, slots=True)
class SavedSocket:
    """What is kept of a socket whose connection was lost.

    Attributes:
        sid: Its public id.
        pid: The secret by which the client proves that it is the same.
        rooms: The rooms it was in.
        data: What the application kept with it.
        offset: Where its stream of packets began; for a client that has received none.
    """

    sid: str
    pid: str
    rooms: frozenset[str]
    data: Any
    offset: int


@dataclass(frozen=True, slots=True)
class RestoredSocket:
    """A socket that may come back, unless a middleware refuses it.

    Attributes:
        session: What was kept of it.
        missed: Called when it has come back; returns the packets that it missed until then,
            encoded, in order. Until it is called, the session stays kept.
    """

    session: SavedSocket
    missed: Callable[[], Sequence[Sequence[OutgoingPacket]]]


class Adapter(ABC):
    """Keeps the rooms of one namespace, and leads packets to their sockets.

    All methods are called in the thread of the event loop, act at once as far as this process is
    concerned, and return an awaitable for what takes longer.

    Args:
        namespace: The namespace it serves.

    Attributes:
        namespace: The same.
    """

    def __init__(self, namespace: LocalNamespace) -> None:
        self.namespace: LocalNamespace = namespace

    @abstractmethod
    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""

    @abstractmethod
    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room; does nothing when it is not in there."""

    @abstractmethod
    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket that is about to go out of all rooms."""

    @abstractmethod
    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""

    @abstractmethod
    def broadcast(self, outgoing: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for."""

    @abstractmethod
    def broadcast_with_ack(self, outgoing: SharedPacket, target: Target, acks: AckSink) -> None:
        """Hand a packet to all sockets that it is meant for, and collect what they answer.

        Every server that takes part reports its clients with :meth:`AckSink.expect`; one that was
        asked by another does so through an :class:`~socketio_asgi.acks.AckRelay`.
        """

    @abstractmethod
    async def server_count(self) -> int:
        """How many servers the cluster has, this one included."""

    @abstractmethod
    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        """Look up the sockets that are meant."""

    @abstractmethod
    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant join rooms."""

    @abstractmethod
    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets that are meant leave rooms."""

    @abstractmethod
    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets that are meant."""

    @abstractmethod
    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the other servers."""

    @abstractmethod
    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Send an event to the other servers and collect what their handlers return.

        Raises:
            BroadcastAckError: Not all of them answered within ``timeout`` seconds.
        """

    def offset(self) -> int:
        """Where the stream of packets stands at present; only for adapters that recover."""
        return 0

    def save_socket(self, session: SavedSocket) -> None:  # noqa: B027  # most keep nothing
        """Keep a socket whose connection was lost; only for adapters that recover."""

    async def restore_socket(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that was kept.

        Args:
            pid: The secret of the client.
            offset: The last packet that it has received, if it has received any.

        Returns:
            The socket, or None when it is too late, or cannot be told what was missed.
        """
        return None

    def kept_for(self) -> float:
        """How long a kept socket may still come back, in seconds; 0 when none is kept."""
        return 0.0

    @abstractmethod
    async def close(self) -> None:
        """Give back what the adapter holds outside this process."""


AdapterFactory = Callable[[LocalNamespace], Adapter]
"""Makes the adapter of a namespace; the class of an adapter is one."""
