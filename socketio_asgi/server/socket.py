"""A socket: one client in one namespace.

Source: https://socket.io/docs/v4/server-socket-instance/
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Sequence
from typing import Any, Generic, cast, overload

from starlette.requests import HTTPConnection

from ..adapters import Target
from ..adapters.arguments import check_rooms
from ..engine import Session
from ..engine.handshake import Handshake
from ..events.acks import ACK_SECONDS
from ..events.declared import Event, ParamsT, ReplyT, declared_ack
from ..events.listeners import Listeners, Listening
from ..protocol.states import SocketState
from .broadcast import BroadcastOperator
from .namespace import Namespace
from .socket_core import SocketCore
from .socket_operator import SocketOperator, ask_for_all_values, others, selection_of

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

DataT = TypeVar("DataT", default=dict[str, Any])


class Socket(Listening, Generic[DataT]):
    """One client in one namespace.

    ``socket.emit(...)`` reaches this client; ``socket.to(...)``, ``socket.except_(...)`` and
    ``socket.broadcast`` reach the others.

    Attributes:
        id: The public id of the socket; also the room it is alone in. New for every connection,
            unless the state of an earlier one is recovered.
    """

    __slots__ = ("__socketio__", "__weakref__", "id")

    def __init__(self, core: SocketCore) -> None:
        self.__socketio__: SocketCore = core
        self.id: str = core.id
        core.subject = self

    def __repr__(self) -> str:
        return f"<Socket {self.id} {self.namespace.name} {self.state.value}>"

    @property
    def namespace(self) -> Namespace:
        """The namespace it is connected to."""
        return cast("Namespace", self.__socketio__.namespace.public)

    @property
    def handshake(self) -> Handshake:
        """The handshake, by which the client introduced itself."""
        return self.__socketio__.handshake

    @property
    def recovered(self) -> bool:
        """True when the state of an earlier connection was recovered."""
        return self.__socketio__.recovered

    @property
    def state(self) -> SocketState:
        """The state of the socket."""
        return self.__socketio__.state

    @property
    def connected(self) -> bool:
        """True while the client is connected to the namespace."""
        return self.__socketio__.connected

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms of the socket, the one with its own id included; empty once it has left."""
        return self.__socketio__.rooms

    @property
    def data(self) -> DataT:
        """The data that the application keeps with the socket; a dict by default."""
        return cast("DataT", self.__socketio__.data)

    @data.setter
    def data(self, value: DataT) -> None:
        self.__socketio__.data = value

    @property
    def conn(self) -> Session:
        """The connection below, which all namespaces of the client share."""
        return self.__socketio__.connection.session.public

    @property
    def request(self) -> HTTPConnection:
        """The request that opened the connection, as Starlette's class."""
        return self.handshake.connection

    # -- sending to this client --------------------------------------------------------------

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> Awaitable[None]: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> Awaitable[None]: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Send an event to the client, at once and from any thread.

        If the client has left, nothing is sent, which is not an error.

        Args:
            event: The name of the event, or an :class:`Event` that was declared.
            *args: Any values that JSON knows, bytes at any depth, and rich types.
            **kwargs: Values of a declared event, by the names of its parameters.

        Returns:
            An awaitable that waits while too much is queued for a slow client.

        Raises:
            TypeError: The name is not text, or the values do not fit a declared event.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/emitting-events/#basic-emit
        """
        core = self.__socketio__
        values: Sequence[Any] = args
        if kwargs or type(event) is not str:
            event, values = core.namespace.outgoing(event, args, kwargs)
        return core.emit(event, values)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message`` to the client; see :meth:`emit`."""
        return self.__socketio__.emit("message", args)

    @overload
    async def emit_with_ack(
        self, event: Event[ParamsT, ReplyT], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ReplyT: ...
    @overload
    async def emit_with_ack(
        self, event: str, /, *args: Any, timeout: float = ACK_SECONDS
    ) -> Any: ...

    async def emit_with_ack(
        self, event: Any, /, *args: Any, timeout: Any = ACK_SECONDS, **kwargs: Any
    ) -> Any:
        """Send an event to the client and wait for its acknowledgement.

        Args:
            event: As in :meth:`emit`.
            *args: As in :meth:`emit`.
            timeout: How long to wait, in seconds. Beside a declared event, all names are those of
                its parameters: say :meth:`timeout` before.
            **kwargs: As in :meth:`emit`.

        Returns:
            The first value of the acknowledgement, None when it has none; that of a declared event
            as it says.

        Raises:
            AckTimeout: The client did not answer in time.
            ClientDisconnected: The client left before it answered.
            InvalidAck: The answer does not fit a declared event.
            TypeError: The event was declared without an acknowledgement.

        Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
        """
        core = self.__socketio__
        if type(event) is str and not kwargs:
            return await core.ask(selection_of(core).with_timeout(timeout), event, args)
        read, options, timeout = declared_ack(event, kwargs, timeout)
        name, values = core.namespace.outgoing(event, args, options)
        return read(
            await ask_for_all_values(core, selection_of(core).with_timeout(timeout), name, values)
        )

    async def emit_with_ack_values(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Send an event to the client and wait for all values of its acknowledgement.

        A client in JavaScript answers with several by ``callback(1, "two", [3])``.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.
            timeout: How long to wait, in seconds.

        Returns:
            The values of the acknowledgement; an empty list when it has none.

        Raises:
            AckTimeout: The client did not answer in time.
            ClientDisconnected: The client left before it answered.

        Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
        """
        core = self.__socketio__
        return await ask_for_all_values(core, selection_of(core).with_timeout(timeout), event, args)

    @property
    def volatile(self) -> SocketOperator:
        """Let the client miss the event when it cannot be sent at once.

        An acknowledgement is waited for nevertheless.

        Source: https://socket.io/docs/v4/emitting-events/#volatile-events
        """
        return SocketOperator(
            self.__socketio__, selection_of(self.__socketio__, Target(volatile=True))
        )

    @property
    def local(self) -> BroadcastOperator:
        """All sockets in this process but this one."""
        return self.broadcast.local

    def compress(self, compress: bool) -> SocketOperator:
        """Say whether HTTP responses that carry the event may be compressed."""
        core = self.__socketio__
        return SocketOperator(core, selection_of(core).with_compress(compress))

    def timeout(self, timeout: float) -> SocketOperator:
        """Say how long an acknowledgement is waited for, in seconds."""
        core = self.__socketio__
        return SocketOperator(core, selection_of(core).with_timeout(timeout))

    async def drain(self) -> None:
        """Wait until everything was handed to the transport, or the client has left."""
        await self.__socketio__.connection.session.drain()

    # -- reaching others ---------------------------------------------------------------------

    @property
    def broadcast(self) -> BroadcastOperator:
        """All sockets in the namespace but this one.

        Source: https://socket.io/docs/v4/broadcasting-events/
        """
        return others(self.__socketio__)

    def to(self, *rooms: str) -> BroadcastOperator:
        """The sockets in any of these rooms, but not this one."""
        return self.broadcast.to(*rooms)

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return self.broadcast.in_(*rooms)

    def except_(self, *rooms: str) -> BroadcastOperator:
        """All sockets but this one and those in any of these rooms."""
        return self.broadcast.except_(*rooms)

    # -- rooms -------------------------------------------------------------------------------

    def join(self, *rooms: str) -> Awaitable[None]:
        """Join rooms, at once as far as this process is concerned.

        Args:
            *rooms: The names of the rooms.

        Raises:
            ValueError: No room was given, or one is the private room of another socket.

        Source: https://socket.io/docs/v4/rooms/#joining-and-leaving
        """
        core = self.__socketio__
        core.namespace.check_rooms_are_shared(check_rooms(rooms, "join") - {self.id})
        return core.namespace.server.call(core.join, rooms)

    def leave(self, room: str) -> Awaitable[None]:
        """Leave a room; does nothing when the socket is not in there."""
        core = self.__socketio__
        return core.namespace.server.call(core.leave, room)

    # -- leaving -----------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client from the namespace; in a middleware, refuse it.

        Args:
            close: Whether to close the whole connection, with all its namespaces.

        Returns:
            An awaitable; there is no need to wait for it.

        Source: https://socket.io/docs/v4/server-socket-instance/#socketdisconnect
        """
        core = self.__socketio__
        return core.namespace.server.call(core.disconnect, close)

    @property
    def _listeners(self) -> Listeners:
        return self.__socketio__.own_listeners()
