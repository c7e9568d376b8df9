"""The interface of adapters.

An adapter serves one namespace. It knows which socket is in which room and hands packets to the
sockets that they are meant for; an adapter for a cluster also hands them to other processes.

Source: https://socket.io/docs/v4/adapter/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..engine.handshake import Handshake
from ..events.acks import AckTarget, BroadcastAcks
from ..protocol import Parser
from ..runtime import Runtime
from .observer import AdapterObserver, hears_of_rooms
from .packet import SharedPacket
from .recovery import ConnectionStateRecovery, PacketLog
from .target import Target

FoundT = TypeVar("FoundT")


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
        """The data that the application keeps with the socket."""
        ...

    @property
    def handshake(self) -> Handshake:
        """The handshake of the client."""
        ...

    def deliver(self, packet: SharedPacket, /, volatile: bool = False) -> None:
        """Queue a packet for the client; does nothing when it has left."""
        ...

    def deliver_with_ack(
        self, packet: SharedPacket, /, ack: AckTarget, *, volatile: bool = False
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
        """The parser of the packets."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while the server has not been used in one."""
        ...

    @property
    def recipients(self) -> Mapping[str, Recipient]:
        """The connected sockets by id: always the same mapping, which changes."""
        ...

    @property
    def recovery(self) -> ConnectionStateRecovery | None:
        """The options for clients that lost their connection; None when they are not recovered."""
        ...

    @property
    def max_replay_bytes(self) -> int:
        """The most that a client that comes back may be sent at once, in bytes."""
        ...

    def next_ack_id(self) -> int:
        """A number for an acknowledgement that no other event of the namespace has."""
        ...

    async def on_server_event_received(
        self,
        event: str,
        args: Sequence[Any],
        reply: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        """Handle an event of another server; ``reply`` is called with the answer, if there is one.

        It takes as long as the handler does, and raises nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class SocketDetails:
    """A socket of any process of the cluster, as it was when it was looked up.

    Attributes:
        id: Its public id.
        handshake: The handshake, by which the client introduced itself.
        rooms: The rooms it is in.
        data: The data that the application keeps with it.
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


class FetchedSockets(list[FoundT]):
    """The sockets of a cluster that were found, which are all unless servers were silent.

    Args:
        sockets: The sockets.
        silent_servers: The number of servers that did not answer.
        silent_server_ids: The ids of those, as far as they are known.

    Attributes:
        silent_servers: The same.
        silent_server_ids: The same.
    """

    def __init__(
        self,
        sockets: Iterable[FoundT] = (),
        *,
        silent_servers: int = 0,
        silent_server_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sockets)
        self.silent_servers: int = silent_servers
        self.silent_server_ids: tuple[str, ...] = silent_server_ids

    @property
    def complete(self) -> bool:
        """True when every server has answered."""
        return not self.silent_servers


class Adapter(ABC):
    """Keeps the rooms of one namespace, and leads packets to their sockets.

    All methods are called in the thread of the event loop, do the work in this process at once,
    and return an awaitable for the work that takes longer, which callers may drop. Arguments of
    users were checked before.

    Args:
        namespace: The namespace it serves.
        log: The log of packets for clients that come back; None when there is none.

    Attributes:
        namespace: The same.
        log: The same.
        observer: The observer that is told of every broadcast; None when there is none.
        notes: What other servers are told of sockets beside their data, by their ids: keys that are
            added to data that are an object.
        room_observer: The same, if it wants to hear of rooms; otherwise None.
    """

    def __init__(self, namespace: LocalNamespace, log: PacketLog | None = None) -> None:
        self.namespace: LocalNamespace = namespace
        self.log: PacketLog | None = log
        self.observer: AdapterObserver | None = None
        self.room_observer: AdapterObserver | None = None
        self.notes: dict[str, Mapping[str, Any]] = {}

    def observe(self, observer: AdapterObserver | None) -> None:
        """Tell an observer of broadcasts and rooms from now on; None tells none."""
        self.observer = observer
        self.room_observer = observer if hears_of_rooms(observer) else None

    @property
    def reaches_other_processes(self) -> bool:
        """True if a broadcast may reach sockets of other processes.

        If it cannot, a broadcast before the first client has nothing to do.
        """
        return True

    @property
    def needs_closing(self) -> bool:
        """True if :meth:`close` has something to do."""
        return True

    def added(self, sid: str) -> None:  # noqa: B027  # most adapters know the sockets anyway
        """Called when a socket has connected; :meth:`leave_all` is called when it has left."""

    @abstractmethod
    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""

    @abstractmethod
    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room; does nothing when it is not in there."""

    @abstractmethod
    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket out of all rooms, because it is about to go."""

    @abstractmethod
    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""

    @abstractmethod
    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """

    @abstractmethod
    def broadcast_with_ack(
        self, packet: SharedPacket, target: Target, acks: BroadcastAcks
    ) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for, and collect what they answer.

        It is queued at once, in the order of the calls. Every server that takes part says how many
        clients it has reached, with :meth:`AckReceiver.expect`; an adapter that asks other servers
        says so first, with :meth:`BroadcastAcks.depend_on`, even when it does not know yet how
        many there are.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """

    @abstractmethod
    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        """Look up the sockets of a target."""

    @abstractmethod
    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets of a target join rooms."""

    @abstractmethod
    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        """Let all sockets of a target leave rooms."""

    @abstractmethod
    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        """Disconnect all sockets of a target."""

    @abstractmethod
    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the other servers.

        Raises:
            EncodeError: A value cannot be represented.
        """

    @abstractmethod
    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        """Send an event to the other servers and collect what their handlers return.

        Raises:
            BroadcastAckError: Not all of them answered within ``timeout`` seconds.
            EncodeError: A value cannot be represented.
        """

    @abstractmethod
    async def close(self) -> None:
        """Release the resources that the adapter holds outside this process."""


AdapterFactory = Callable[[LocalNamespace], Adapter]
"""Makes the adapter of a namespace; the class of an adapter is one."""
