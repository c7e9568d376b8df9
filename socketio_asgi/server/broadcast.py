"""The broadcast operator: the recipients of an event, chosen step by step, changing nothing.

:class:`Broadcaster` has all methods, once. A server and a namespace are broadcasters that begin
with all sockets; :class:`BroadcastOperator` is one that begins with what was chosen before it.

Source: https://socket.io/docs/v4/server-api/#broadcastoperator
"""

from __future__ import annotations

import sys
from abc import ABC
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Generic, cast, overload

from ..adapters import FetchedSockets, SocketDetails, Target
from ..adapters.arguments import check_rooms
from ..engine.handshake import Handshake
from ..events.acks import ACK_SECONDS, Pick, first_value
from ..events.declared import Event, ParamsT, ReplyT, declared_ack
from ..events.foreign_words import EMIT, explaining
from ..exceptions import AckTimeout, BroadcastAckError, ClientDisconnected
from .asking import ask, ask_declared
from .namespace_core import NamespaceCore
from .selection import Selection

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

DataT = TypeVar("DataT", default=dict[str, Any])


class Broadcaster(ABC):
    """The methods that begin with a choice of sockets: choosing further, and acting on them."""

    __slots__ = ()

    # What the methods begin with. Names with two underscores on both sides belong to the language,
    # so that no subclass of an application takes this one by accident.
    __selection__: Selection

    # -- choosing ----------------------------------------------------------------------------

    def to(self, *rooms: str) -> BroadcastOperator:
        """Choose the sockets in any of these rooms, beside those chosen already.

        Args:
            *rooms: Names of rooms; the id of a socket is the room of that socket alone.

        Raises:
            ValueError: No room was given.

        Source: https://socket.io/docs/v4/rooms/
        """
        return _add_rooms(self.__selection__, check_rooms(rooms, "to"))

    def in_(self, *rooms: str) -> BroadcastOperator:
        """The same as :meth:`to`."""
        return _add_rooms(self.__selection__, check_rooms(rooms, "in_"))

    def except_(self, *rooms: str) -> BroadcastOperator:
        """Leave out the sockets in any of these rooms.

        Args:
            *rooms: Names of rooms, or ids of sockets.

        Raises:
            ValueError: No room was given.
        """
        excluded = self.__selection__.target.excluded | check_rooms(rooms, "except_")
        return _choose(self.__selection__, excluded=excluded)

    @property
    def volatile(self) -> BroadcastOperator:
        """Let sockets that cannot take the event at once miss it.

        Acknowledgements are waited for nevertheless.

        Source: https://socket.io/docs/v4/emitting-events/#volatile-events
        """
        return _choose(self.__selection__, volatile=True)

    @property
    def local(self) -> BroadcastOperator:
        """Reach only the sockets of this process."""
        return _choose(self.__selection__, local=True)

    def compress(self, compress: bool) -> BroadcastOperator:
        """Set whether HTTP responses that carry the event may be compressed.

        Raises:
            TypeError: It is neither True nor False.
        """
        return BroadcastOperator(self.__selection__.with_compress(compress))

    def timeout(self, timeout: float) -> BroadcastOperator:
        """Set the time that acknowledgements are waited for, in seconds.

        Raises:
            TypeError: It is no number.
            ValueError: It is not positive, or more than an hour: those would be milliseconds.
        """
        return BroadcastOperator(self.__selection__.with_timeout(timeout))

    # -- acting ------------------------------------------------------------------------------

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> Awaitable[None]: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> Awaitable[None]: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Send an event to the chosen sockets, at once and from any thread.

        Args:
            event: The name of the event, or an :class:`Event` that was declared.
            *args: Any values that JSON knows, bytes at any depth, and rich types.
            **kwargs: Values of a declared event, by the names of its parameters.

        Returns:
            An awaitable for the work of a cluster; there is no need to wait for it.

        Raises:
            TypeError: The name is not text, or the values do not fit a declared event.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/broadcasting-events/
        """
        selection = self.__selection__
        namespace = selection.namespace
        values: Sequence[Any] = args
        if kwargs or type(event) is not str:
            event, values = namespace.outgoing(event, args, kwargs)
        packet = selection.packet(event, values)
        return namespace.server.send(namespace.adapter.broadcast, packet, selection.target)

    @explaining(EMIT)
    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message``; see :meth:`emit`."""
        return self.emit("message", *args)

    @overload
    async def emit_with_ack(
        self, event: Event[ParamsT, ReplyT], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> list[ReplyT]: ...
    @overload
    async def emit_with_ack(self, event: str, /, *args: Any) -> list[Any]: ...

    async def emit_with_ack(self, event: Any, /, *args: Any, **kwargs: Any) -> list[Any]:
        """Send an event to the chosen sockets and wait for all their acknowledgements.

        Args:
            event: As in :meth:`emit`.
            *args: As in :meth:`emit`.
            **kwargs: As in :meth:`emit`.

        Returns:
            The first value of each acknowledgement, in the order in which they came; those of a
            declared event as it says.

        Raises:
            BroadcastAckError: Some clients left or did not answer in time (:meth:`timeout`), or
                with something else than a declared event says; the error has the acknowledgements
                that came.

        Source: https://socket.io/docs/v4/broadcasting-events/#with-acknowledgements
        """
        selection = self.__selection__
        if not kwargs and type(event) is str:
            return await ask(selection, event, args, first_value)
        read, options, _ = declared_ack(event, kwargs)
        name, values = selection.namespace.outgoing(event, args, options)
        return await ask_declared(selection, name, values, read)

    @explaining(EMIT)
    async def emit_with_ack_values(self, event: str, *args: Any) -> list[list[Any]]:
        """Send an event to the chosen sockets and wait for all values of their acknowledgements.

        Of the clients of other servers that run the official implementation, only the first value
        is known.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.

        Returns:
            The values of each acknowledgement, in the order in which they came.

        Raises:
            BroadcastAckError: As in :meth:`emit_with_ack`; its replies are lists of values.
        """
        return await ask(self.__selection__, event, args, list)

    async def fetch_sockets(self) -> FetchedSockets[RemoteSocket[Any]]:
        """Look up the chosen sockets, in all processes of a cluster.

        Returns:
            A list of those that were found. It says whether it is ``complete``, and which servers
            of the cluster did not answer in time.

        Source: https://socket.io/docs/v4/server-api/#serverfetchsockets
        """
        selection = self.__selection__
        selection.namespace.server.find_runtime()
        found = await selection.namespace.adapter.fetch_sockets(selection.target)
        sockets: list[RemoteSocket[Any]] = [
            RemoteSocket(selection.namespace, details) for details in found
        ]
        if not isinstance(found, FetchedSockets):
            return FetchedSockets(sockets)
        return FetchedSockets(
            sockets,
            silent_servers=found.silent_servers,
            silent_server_ids=found.silent_server_ids,
        )

    def sockets_join(self, *rooms: str) -> Awaitable[None]:
        """Let the chosen sockets join rooms.

        Raises:
            ValueError: No room was given, or one is the private room of a socket.

        Source: https://socket.io/docs/v4/server-api/#serversocketsjoinrooms
        """
        checked = check_rooms(rooms, "sockets_join")
        selection = self.__selection__
        namespace = selection.namespace
        if selection.target.rooms != checked:  # a socket may join its own room
            namespace.check_rooms_are_shared(checked)
        return namespace.server.call(namespace.adapter.sockets_join, selection.target, rooms)

    def sockets_leave(self, *rooms: str) -> Awaitable[None]:
        """Let the chosen sockets leave rooms.

        Raises:
            ValueError: No room was given.

        Source: https://socket.io/docs/v4/server-api/#serversocketsleaverooms
        """
        check_rooms(rooms, "sockets_leave")
        selection = self.__selection__
        namespace = selection.namespace
        return namespace.server.call(namespace.adapter.sockets_leave, selection.target, rooms)

    def disconnect_sockets(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the chosen sockets.

        Args:
            close: Whether to close their whole connections, with all namespaces.

        Source: https://socket.io/docs/v4/server-api/#serverdisconnectsocketsclose
        """
        selection = self.__selection__
        namespace = selection.namespace
        disconnect = partial(namespace.adapter.disconnect_sockets, close=close)
        return namespace.server.call(disconnect, selection.target)


class BroadcastOperator(Broadcaster):
    """A choice of sockets in one namespace; immutable, so it can be kept and used again."""

    __slots__ = ("__selection__",)

    def __init__(self, selection: Selection) -> None:
        self.__selection__: Selection = selection


def _choose(selection: Selection, **changes: Any) -> BroadcastOperator:
    return BroadcastOperator(selection.with_target(replace(selection.target, **changes)))


def _add_rooms(selection: Selection, rooms: frozenset[str]) -> BroadcastOperator:
    # The most common choice by far, and so without the detour of replace().
    target = selection.target
    target = Target(target.rooms | rooms, target.excluded, target.volatile, target.local)
    return BroadcastOperator(selection.with_target(target))


class RemoteSocket(Generic[DataT]):
    """A socket of any process of the cluster, as it was when it was looked up.

    Attributes:
        id: Its public id.
        handshake: The handshake, by which the client introduced itself.
        rooms: The rooms it is in, the one of its own included.
        data: The data that the application keeps with it; a change is not seen by other processes.

    Source: https://socket.io/docs/v4/server-api/#serverfetchsockets
    """

    __slots__ = ("_operator", "data", "handshake", "id", "rooms")

    def __init__(self, namespace: NamespaceCore, details: SocketDetails) -> None:
        self.id: str = details.id
        self.handshake: Handshake = details.handshake
        self.rooms: frozenset[str] = details.rooms
        self.data: DataT = cast("DataT", details.data)
        target = Target(rooms=frozenset((details.id,)))
        self._operator = BroadcastOperator(Selection(namespace, target))

    def __repr__(self) -> str:
        return f"<RemoteSocket {self.id}>"

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> Awaitable[None]: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> Awaitable[None]: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Send an event to the client; see :meth:`BroadcastOperator.emit`."""
        return self._operator.emit(event, *args, **kwargs)

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
            timeout: The time to wait, in seconds, for an event that was not declared; with a
                declared one, all names are those of its parameters.
            **kwargs: As in :meth:`emit`.

        Returns:
            The first value of the acknowledgement, None when it has none; that of a declared event
            as it says.

        Raises:
            ClientDisconnected: The client has left.
            AckTimeout: The client did not answer in time.
            InvalidAck: The answer does not fit a declared event.
        """
        if type(event) is str and not kwargs:
            return await self._ask(event, args, timeout, first_value)
        read, options, timeout = declared_ack(event, kwargs, timeout)
        name, values = self._operator.__selection__.namespace.outgoing(event, args, options)
        return read(await self._ask(name, values, timeout, list))

    async def emit_with_ack_values(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Send an event to the client and wait for all values of its acknowledgement.

        Raises the same as :meth:`emit_with_ack`; see :meth:`Socket.emit_with_ack_values`.
        """
        values: list[Any] = await self._ask(event, args, timeout, list)
        return values

    async def _ask(self, event: str, args: Sequence[Any], timeout: float, pick: Pick) -> Any:
        selection = self._operator.__selection__.with_timeout(timeout)
        try:
            replies = await ask(selection, event, args, pick)
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
