"""A socket: one client in one namespace.

Source: https://socket.io/docs/v4/server-socket-instance/
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, cast

from ..adapters import SharedPacket, Target
from ..events.acks import ACK_SECONDS, SingleAck
from ..exceptions import ClientDisconnected
from ..protocol.states import SocketState
from ..runtime.awaitables import DONE
from .broadcast import BroadcastOperator, Selection, check_rooms, check_timeout, event_packet
from .socket_core import SocketCore

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ..engine import Session

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

DataT = TypeVar("DataT", default=dict[str, Any])


class Socket(SocketCore, Generic[DataT]):
    """One client in one namespace.

    ``socket.emit(...)`` reaches this client; ``socket.to(...)``, ``socket.except_(...)`` and
    ``socket.broadcast`` reach the others.

    Attributes:
        id: The public id of the socket; also the room it is alone in. New for every connection,
            unless the state of an earlier one is recovered.
        namespace: The namespace it is connected to.
        handshake: How the client introduced itself.
        recovered: Whether the state of an earlier connection was recovered.
        state: Where the socket stands.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Socket {self.id} {self.namespace.name} {self.state.value}>"

    @property
    def data(self) -> DataT:
        """Anything the application wants to keep with the socket; a dict by default."""
        return cast("DataT", self._state_data)

    @data.setter
    def data(self, value: DataT) -> None:
        self._state_data = value

    @property
    def conn(self) -> Session:
        """The connection below, which all namespaces of the client share."""
        return self._connection.session.public

    @property
    def request(self) -> HTTPConnection:
        """The request that opened the connection, as Starlette's class."""
        return self.handshake.connection

    # -- sending to this client --------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the client, at once and from any thread.

        A client that has left gets nothing, and that is no error.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows, bytes at any depth, and rich types.

        Returns:
            An awaitable that waits while the client is too slow for what it is sent.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/emitting-events/#basic-emit
        """
        return self.emit_as(event, args)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message`` to the client; see :meth:`emit`."""
        return self.emit_as("message", args)

    async def emit_with_ack(self, event: str, *args: Any, timeout: float = ACK_SECONDS) -> Any:
        """Send an event to the client and wait for its acknowledgement.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.
            timeout: How long to wait, in seconds.

        Returns:
            The first value of the acknowledgement; None when it has none.

        Raises:
            AckTimeout: The client did not answer in time.
            ClientDisconnected: The client left before it answered.

        Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
        """
        selection = Selection(self.namespace, timeout=check_timeout(timeout))
        return await self.ask_as(selection, event, args)

    @property
    def volatile(self) -> SocketOperator:
        """Let the client miss the event when it cannot be sent at once.

        An acknowledgement is waited for all the same.

        Source: https://socket.io/docs/v4/emitting-events/#volatile-events
        """
        return SocketOperator(self, Selection(self.namespace, Target(volatile=True)))

    @property
    def local(self) -> BroadcastOperator:
        """Everybody in this process but this socket."""
        return self.broadcast.local

    def compress(self, compress: bool) -> SocketOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        return SocketOperator(self, Selection(self.namespace, compress=compress))

    def timeout(self, timeout: float) -> SocketOperator:
        """Say how long an acknowledgement is waited for, in seconds."""
        return SocketOperator(self, Selection(self.namespace, timeout=check_timeout(timeout)))

    async def drain(self) -> None:
        """Wait until everything was handed to the transport, or the client has left."""
        await self._connection.session.drain()

    def emit_as(
        self, event: str, args: Sequence[Any], *, volatile: bool = False, compress: bool = True
    ) -> Awaitable[None]:
        """Send an event to the client in one way or another; see :meth:`emit`."""
        packet = event_packet(self.namespace.name, event, args)
        outgoing = SharedPacket(packet, self._connection.parser, compress=compress)
        if self.namespace.recovery is None or volatile:
            return self._send(outgoing, volatile)
        # Only what goes through the adapter can be sent again.
        own_room = Target(rooms=frozenset((self.id,)))
        return self._in_loop(self.namespace.adapter.broadcast, outgoing, own_room)

    async def ask_as(self, selection: Selection, event: str, args: Sequence[Any]) -> Any:
        """Ask the client in the way of a selection; see :meth:`emit_with_ack`."""
        number = self.namespace.next_ack_id()
        packet = event_packet(self.namespace.name, event, args, number)
        if not self.connected:
            raise ClientDisconnected(event)
        outgoing = SharedPacket(packet, self._connection.parser, compress=selection.compress)
        ack = SingleAck(self._connection.runtime, event)
        forget = self.deliver_with_ack(outgoing, ack, volatile=selection.target.volatile)
        try:
            return await ack.wait(selection.timeout)
        finally:
            forget()

    # -- reaching others ---------------------------------------------------------------------

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody in the namespace but this socket.

        Source: https://socket.io/docs/v4/broadcasting-events/
        """
        return self._others()

    def to(self, *rooms: str) -> BroadcastOperator:
        """The sockets in any of these rooms, but not this one."""
        return self._others().to(*rooms)

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self._others().in_(*rooms)

    def except_(self, *rooms: str) -> BroadcastOperator:
        """Everybody but this socket and those in any of these rooms."""
        return self._others().except_(*rooms)

    def _others(self) -> BroadcastOperator:
        target = Target(excluded=frozenset((self.id,)))
        return BroadcastOperator(Selection(self.namespace, target))

    # -- rooms -------------------------------------------------------------------------------

    def join(self, *rooms: str) -> Awaitable[None]:
        """Join rooms, at once as far as this process is concerned.

        Args:
            *rooms: The names of the rooms.

        Raises:
            ValueError: No room was given, or one is the private room of another socket.

        Source: https://socket.io/docs/v4/rooms/#joining-and-leaving
        """
        check_rooms(rooms, "join")
        for room in rooms:
            if room != self.id and room in self.namespace.sockets:
                raise ValueError(f"the room {room!r} belongs to another socket alone")
        return self._in_loop(self._join, rooms)

    def leave(self, room: str) -> Awaitable[None]:
        """Leave a room; does nothing when the socket is not in there."""
        return self._in_loop(self.namespace.adapter.leave, self.id, room)

    def _join(self, rooms: Sequence[str]) -> Awaitable[None]:
        if self.connected or self.state is SocketState.CONNECTING:
            return self.namespace.adapter.join(self.id, rooms)
        return DONE

    def _in_loop(self, function: Callable[..., Awaitable[None]], *args: Any) -> Awaitable[None]:
        return Selection(self.namespace).run(function, *args)

    # -- leaving -----------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client from the namespace.

        Args:
            close: Whether to close the whole connection, with all its namespaces.

        Returns:
            An awaitable; there is no need to wait for it.

        Source: https://socket.io/docs/v4/server-socket-instance/#socketdisconnect
        """
        return self._in_loop(self._disconnect, close)

    def _disconnect(self, close: bool) -> Awaitable[None]:
        if close:
            self._connection.disconnect()
        elif self.connected:
            self._connection.leave(self)
        return DONE


class SocketOperator:
    """How an event goes to the client of a socket; immutable.

    With :attr:`broadcast`, :meth:`to` or :meth:`except_` it turns to the others instead, and keeps
    what was said before.
    """

    __slots__ = ("_selection", "_socket")

    def __init__(self, socket: Socket[Any], selection: Selection) -> None:
        self._socket = socket
        self._selection = selection

    # -- the client itself -------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the client; see :meth:`Socket.emit`."""
        return self._emit(event, args)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message`` to the client; see :meth:`Socket.emit`."""
        return self._emit("message", args)

    def _emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        selection = self._selection
        volatile, compress = selection.target.volatile, selection.compress
        return self._socket.emit_as(event, args, volatile=volatile, compress=compress)

    async def emit_with_ack(self, event: str, *args: Any) -> Any:
        """Send an event and wait for its acknowledgement; see :meth:`Socket.emit_with_ack`."""
        return await self._socket.ask_as(self._selection, event, args)

    @property
    def volatile(self) -> SocketOperator:
        """Let the client miss the event when it cannot be sent at once."""
        target = replace(self._selection.target, volatile=True)
        return SocketOperator(self._socket, replace(self._selection, target=target))

    def compress(self, compress: bool) -> SocketOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        return SocketOperator(self._socket, replace(self._selection, compress=compress))

    def timeout(self, timeout: float) -> SocketOperator:
        """Say how long an acknowledgement is waited for, in seconds."""
        selection = replace(self._selection, timeout=check_timeout(timeout))
        return SocketOperator(self._socket, selection)

    # -- the others --------------------------------------------------------------------------

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody in the namespace but the socket."""
        target = replace(self._selection.target, excluded=frozenset((self._socket.id,)))
        return BroadcastOperator(replace(self._selection, target=target))

    @property
    def local(self) -> BroadcastOperator:
        """Everybody in this process but the socket."""
        return self.broadcast.local

    def to(self, *rooms: str) -> BroadcastOperator:
        """The sockets in any of these rooms, but not the socket itself."""
        return self.broadcast.to(*rooms)

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self.broadcast.in_(*rooms)

    def except_(self, *rooms: str) -> BroadcastOperator:
        """Everybody but the socket and those in any of these rooms."""
        return self.broadcast.except_(*rooms)
