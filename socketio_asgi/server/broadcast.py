"""The broadcast operator: who gets an event, chosen step by step without changing anything.

:class:`Broadcaster` has all methods, once. A server and a namespace are broadcasters that begin
with everybody; :class:`BroadcastOperator` is one that begins with what was chosen before it.

Source: https://socket.io/docs/v4/server-api/#broadcastoperator
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from ..adapters import Adapter, SharedPacket, SocketDetails, Target
from ..engine.handshake import Handshake
from ..events.acks import ACK_SECONDS, AckCollector
from ..exceptions import AckTimeout, BroadcastAckError, ClientDisconnected
from ..protocol import RESERVED_EVENTS, Packet, PacketType, Parser
from ..runtime import Runtime
from ..runtime.awaitables import DONE


class Emitter(Protocol):
    """What the operator needs of a namespace."""

    @property
    def name(self) -> str:
        """The name of the namespace, with its slash."""
        ...

    @property
    def adapter(self) -> Adapter:
        """Who leads packets to their sockets."""
        ...

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while no client has come yet."""
        ...

    @property
    def recipients(self) -> Mapping[str, object]:
        """The connected sockets of this process by id."""
        ...

    def next_ack_id(self) -> int:
        """A number for an acknowledgement that no other event of the namespace has."""
        ...


_EVERYBODY = Target()


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom an event is meant for, and how it is sent.

    Attributes:
        namespace: The namespace.
        target: Which of its sockets.
        compress: Whether an HTTP response that carries the event may be compressed.
        timeout: How long acknowledgements are waited for, in seconds.
    """

    namespace: Emitter
    target: Target = _EVERYBODY
    compress: bool = True
    timeout: float = ACK_SECONDS

    def run(self, function: Callable[..., Awaitable[None]], *args: Any) -> Awaitable[None]:
        """Call a function of the adapter, from whichever thread this is."""
        runtime = self.namespace.runtime
        if runtime is None:
            return DONE  # no client has ever come
        if runtime.in_thread():
            return function(*args)
        runtime.call_from_thread(function, *args)
        return DONE

    def outgoing(self, event: str, args: Sequence[Any], id: int | None = None) -> SharedPacket:
        """The packet of an event; see :func:`event_packet` for what it raises."""
        packet = event_packet(self.namespace.name, event, args, id)
        outgoing = SharedPacket(packet, self.namespace.parser, compress=self.compress)
        runtime = self.namespace.runtime
        if runtime is not None and not runtime.in_thread():
            outgoing.encode()  # errors are the caller's, and the values may change later
        return outgoing


def event_packet(namespace: str, event: str, args: Sequence[Any], id: int | None = None) -> Packet:
    """The packet of an event.

    Raises:
        TypeError: The name is not text.
        ValueError: The name is reserved.
    """
    check_event_name(event)
    return Packet(PacketType.EVENT, namespace, [event, *args], id)


def check_event_name(event: object) -> None:
    """Check the name of an event that is to be sent.

    Raises:
        TypeError: The name is not text.
        ValueError: The name is reserved.
    """
    if not isinstance(event, str):
        raise TypeError(f"an event name must be a str, not {event!r}")
    if event in RESERVED_EVENTS:
        raise ValueError(f"the event name {event!r} is reserved; choose another one")


def check_rooms(rooms: Sequence[object], method: str) -> frozenset[str]:
    """Check the arguments of a method that takes rooms.

    Raises:
        ValueError: There are none; in JavaScript that silently means everybody.
        TypeError: One of them is not text.
    """
    if not rooms:
        raise ValueError(f"{method}() needs at least one room")
    checked: set[str] = set()
    for room in rooms:
        if not isinstance(room, str):
            raise TypeError(f"a room is a str, not {room!r}; for several, write {method}(*rooms)")
        checked.add(room)
    return frozenset(checked)


def _check_private_rooms(selection: Selection, rooms: Sequence[str]) -> None:
    """Check that nobody is to join the room of another socket of this process."""
    for room in rooms:
        alone = selection.target.rooms == frozenset((room,))
        if room in selection.namespace.recipients and not alone:
            raise ValueError(f"the room {room!r} belongs to another socket alone")


def check_timeout(timeout: float) -> float:
    """Check a time-out.

    Raises:
        ValueError: It is not a positive number of seconds.
    """
    if isinstance(timeout, bool) or not timeout > 0:
        raise ValueError(f"a timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


class Broadcaster(ABC):
    """Everything that begins with a choice of sockets: choosing further, and acting on them."""

    __slots__ = ()

    @abstractmethod
    def _selection(self) -> Selection:
        """What the methods begin with."""

    # -- choosing ----------------------------------------------------------------------------

    def to(self, *rooms: str) -> BroadcastOperator:
        """Choose the sockets in any of these rooms, beside those chosen already.

        Args:
            *rooms: Names of rooms; the id of a socket is the room of that socket alone.

        Raises:
            ValueError: No room was given.

        Source: https://socket.io/docs/v4/rooms/
        """
        return self._choose(rooms=self._selection().target.rooms | check_rooms(rooms, "to"))

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self._choose(rooms=self._selection().target.rooms | check_rooms(rooms, "in_"))

    def except_(self, *rooms: str) -> BroadcastOperator:
        """Leave out the sockets in any of these rooms.

        Args:
            *rooms: Names of rooms, or ids of sockets.

        Raises:
            ValueError: No room was given.
        """
        excluded = self._selection().target.excluded | check_rooms(rooms, "except_")
        return self._choose(excluded=excluded)

    @property
    def volatile(self) -> BroadcastOperator:
        """Let sockets that cannot take the event at once miss it.

        An acknowledgement is waited for all the same.

        Source: https://socket.io/docs/v4/emitting-events/#volatile-events
        """
        return self._choose(volatile=True)

    @property
    def local(self) -> BroadcastOperator:
        """Reach only the sockets of this process."""
        return self._choose(local=True)

    def compress(self, compress: bool) -> BroadcastOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        return BroadcastOperator(replace(self._selection(), compress=compress))

    def timeout(self, timeout: float) -> BroadcastOperator:
        """Say how long acknowledgements are waited for, in seconds.

        Raises:
            ValueError: It is not a positive number.
        """
        return BroadcastOperator(replace(self._selection(), timeout=check_timeout(timeout)))

    def _choose(self, **changes: Any) -> BroadcastOperator:
        selection = self._selection()
        return BroadcastOperator(replace(selection, target=replace(selection.target, **changes)))

    # -- acting ------------------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the chosen sockets, at once and from any thread.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows, bytes at any depth, and rich types.

        Returns:
            An awaitable for what a cluster has to do; waiting for it is not needed.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/broadcasting-events/
        """
        selection = self._selection()
        outgoing = selection.outgoing(event, args)
        return selection.run(selection.namespace.adapter.broadcast, outgoing, selection.target)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message``; see :meth:`emit`."""
        return self.emit("message", *args)

    async def emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Send an event to the chosen sockets and wait for all their acknowledgements.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.

        Returns:
            The first value of each acknowledgement, in the order in which they came.

        Raises:
            BroadcastAckError: Some clients left or did not answer in time (:meth:`timeout`); the
                error has the acknowledgements that came.

        Source: https://socket.io/docs/v4/broadcasting-events/#with-acknowledgements
        """
        selection = self._selection()
        namespace = selection.namespace
        outgoing = selection.outgoing(event, args, namespace.next_ack_id())
        if namespace.runtime is None:
            return []  # no client has ever come
        acks = AckCollector(namespace.runtime, event, selection.timeout)
        namespace.adapter.broadcast_with_ack(outgoing, selection.target, acks)
        try:
            return await acks.wait()
        finally:
            acks.release()

    async def fetch_sockets(self) -> list[RemoteSocket]:
        """Look up the chosen sockets, in all processes of a cluster.

        Source: https://socket.io/docs/v4/server-api/#serverfetchsockets
        """
        selection = self._selection()
        found = await selection.namespace.adapter.fetch_sockets(selection.target)
        return [RemoteSocket(selection.namespace, details) for details in found]

    def sockets_join(self, *rooms: str) -> Awaitable[None]:
        """Let the chosen sockets join rooms.

        Raises:
            ValueError: No room was given, or one is the private room of another socket.

        Source: https://socket.io/docs/v4/server-api/#serversocketsjoinrooms
        """
        check_rooms(rooms, "sockets_join")
        selection = self._selection()
        _check_private_rooms(selection, rooms)
        return selection.run(selection.namespace.adapter.sockets_join, selection.target, rooms)

    def sockets_leave(self, *rooms: str) -> Awaitable[None]:
        """Let the chosen sockets leave rooms.

        Raises:
            ValueError: No room was given.

        Source: https://socket.io/docs/v4/server-api/#serversocketsleaverooms
        """
        check_rooms(rooms, "sockets_leave")
        selection = self._selection()
        return selection.run(selection.namespace.adapter.sockets_leave, selection.target, rooms)

    def disconnect_sockets(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the chosen sockets.

        Args:
            close: Whether to close their whole connections, with all namespaces.

        Source: https://socket.io/docs/v4/server-api/#serverdisconnectsocketsclose
        """
        selection = self._selection()
        disconnect = partial(selection.namespace.adapter.disconnect_sockets, close=close)
        return selection.run(disconnect, selection.target)


class BroadcastOperator(Broadcaster):
    """A choice of sockets in one namespace; immutable, so it can be kept and used again."""

    __slots__ = ("_chosen",)

    def __init__(self, selection: Selection) -> None:
        self._chosen = selection

    def _selection(self) -> Selection:
        return self._chosen


class RemoteSocket:
    """A socket of any process of the cluster, as it was when it was looked up.

    Attributes:
        id: Its public id.
        handshake: How the client introduced itself.
        rooms: The rooms it is in, the one of its own included.
        data: What the application keeps with it; a change is not seen by other processes.

    Source: https://socket.io/docs/v4/server-api/#serverfetchsockets
    """

    __slots__ = ("_operator", "data", "handshake", "id", "rooms")

    def __init__(self, namespace: Emitter, details: SocketDetails) -> None:
        self.id: str = details.id
        self.handshake: Handshake = details.handshake
        self.rooms: frozenset[str] = details.rooms
        self.data: Any = details.data
        target = Target(rooms=frozenset((details.id,)))
        self._operator = BroadcastOperator(Selection(namespace, target))

    def __repr__(self) -> str:
        return f"<RemoteSocket {self.id}>"

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the client; see :meth:`BroadcastOperator.emit`."""
        return self._operator.emit(event, *args)

    async def emit_with_ack(self, event: str, *args: Any, timeout: float = ACK_SECONDS) -> Any:
        """Send an event to the client and wait for its acknowledgement.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.
            timeout: How long to wait, in seconds.

        Returns:
            The first value of the acknowledgement; None when it has none.

        Raises:
            ClientDisconnected: The client has left.
            AckTimeout: The client did not answer in time.
        """
        try:
            replies = await self._operator.timeout(timeout).emit_with_ack(event, *args)
        except BroadcastAckError as error:
            failure = ClientDisconnected(event) if error.left else AckTimeout(event, timeout)
            raise failure from error
        if not replies:
            raise ClientDisconnected(event)
        return replies[0]

    def join(self, *rooms: str) -> Awaitable[None]:
        """Let the socket join rooms."""
        return self._operator.sockets_join(*rooms)

    def leave(self, *rooms: str) -> Awaitable[None]:
        """Let the socket leave rooms."""
        return self._operator.sockets_leave(*rooms)

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client; see :meth:`BroadcastOperator.disconnect_sockets`."""
        return self._operator.disconnect_sockets(close)
