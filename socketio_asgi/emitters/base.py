"""The emitter: a choice of sockets, and messages for them, over whatever carries these.

Source: https://socket.io/docs/v4/redis-adapter/#emitter
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar, overload

from ..adapters import SharedPacket, Target
from ..adapters.arguments import check_rooms
from ..adapters.cluster.message import (
    Body,
    Broadcast,
    Disconnection,
    Message,
    MessageType,
    RoomChange,
    ServerEvent,
)
from ..adapters.packet import to_plain
from ..events.declared import Event, ParamsT, name_and_values
from ..protocol import DefaultParser, Parser
from ..protocol.names import check_event_name, event_packet, normalize_name

SENDER = "emitter"
"""The id by which emitters send; servers know that it is none of theirs."""

_EVERYBODY = Target()

ResultT_co = TypeVar("ResultT_co", covariant=True)
ResultT = TypeVar("ResultT")


class Transport(Protocol[ResultT_co]):
    """The way from an emitter to a cluster; its methods end at once, or return an awaitable."""

    def send(self, message: Message) -> ResultT_co:
        """Send a message to all servers.

        Raises:
            EncodeError: A value cannot be represented.
        """
        ...

    def close(self) -> ResultT_co:
        """End the connection, if it was made here."""
        ...


class Emitter(Generic[ResultT]):
    """Sends to the clients and servers of a cluster, without being one of its servers.

    An emitter is a choice of sockets, at first all of the main namespace. :meth:`to` and the other
    methods that choose return a new one, and change nothing. What the methods that send return
    depends on the class: nothing, or an awaitable.

    Args:
        transport: The way to the cluster.
        namespace: The namespace.
        parser: The parser of the servers, which turns the values of events into plain ones.
        target: The sockets that are chosen.
        compress: Whether HTTP responses that carry events may be compressed.
    """

    def __init__(
        self,
        transport: Transport[ResultT],
        *,
        namespace: str = "/",
        parser: Parser | None = None,
        target: Target = _EVERYBODY,
        compress: bool = True,
    ) -> None:
        self._transport = transport
        self._namespace = normalize_name(namespace)
        self._parser = parser or DefaultParser()
        self._target = target
        self._compress = compress

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._namespace}>"

    @property
    def namespace(self) -> str:
        """The name of the namespace."""
        return self._namespace

    # -- choosing ----------------------------------------------------------------------------

    def of(self, namespace: str) -> Emitter[ResultT]:
        """Choose all sockets of a namespace.

        Raises:
            ValueError: The name holds a comma.
        """
        return Emitter(self._transport, namespace=namespace, parser=self._parser)

    def to(self, *rooms: str) -> Emitter[ResultT]:
        """Choose the sockets in any of these rooms, beside those chosen already.

        Args:
            *rooms: Names of rooms; the id of a socket is the room of that socket alone.

        Raises:
            ValueError: No room was given.
        """
        return self._choose(rooms=self._target.rooms | check_rooms(rooms, "to"))

    def in_(self, *rooms: str) -> Emitter[ResultT]:
        """The same as :meth:`to`."""
        return self._choose(rooms=self._target.rooms | check_rooms(rooms, "in_"))

    def except_(self, *rooms: str) -> Emitter[ResultT]:
        """Leave out the sockets in any of these rooms.

        Args:
            *rooms: Names of rooms, or ids of sockets.

        Raises:
            ValueError: No room was given.
        """
        return self._choose(excluded=self._target.excluded | check_rooms(rooms, "except_"))

    @property
    def volatile(self) -> Emitter[ResultT]:
        """Let sockets that cannot take the event at once miss it."""
        return self._choose(volatile=True)

    def compress(self, compress: bool) -> Emitter[ResultT]:
        """Set whether HTTP responses that carry the event may be compressed."""
        return self._copy(self._target, compress=compress)

    def _choose(self, **changes: Any) -> Emitter[ResultT]:
        return self._copy(replace(self._target, **changes), compress=self._compress)

    def _copy(self, target: Target, *, compress: bool) -> Emitter[ResultT]:
        return Emitter(
            self._transport,
            namespace=self._namespace,
            parser=self._parser,
            target=target,
            compress=compress,
        )

    # -- sending -----------------------------------------------------------------------------

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ResultT: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> ResultT: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> ResultT:
        """Send an event to the chosen sockets.

        Args:
            event: The name of the event, or an :class:`Event` that was declared.
            *args: Any values that JSON knows, bytes at any depth, and rich types.
            **kwargs: Values of a declared event, by the names of its parameters.

        Raises:
            TypeError: The name is not text, or the values do not fit a declared event.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.
        """
        name, values = name_and_values(event, args, kwargs)
        packet = event_packet(self._namespace, name, values)
        shared = SharedPacket(packet, self._parser, compress=self._compress)
        shared.encode()  # errors come before anything is sent
        return self._send(MessageType.BROADCAST, Broadcast(shared, self._target))

    def send(self, *args: Any) -> ResultT:
        """Send an event named ``message``; see :meth:`emit`."""
        return self.emit("message", *args)

    def sockets_join(self, *rooms: str) -> ResultT:
        """Let the chosen sockets join rooms.

        Raises:
            ValueError: No room was given.
        """
        return self._change(MessageType.SOCKETS_JOIN, rooms, "sockets_join")

    def sockets_leave(self, *rooms: str) -> ResultT:
        """Let the chosen sockets leave rooms.

        Raises:
            ValueError: No room was given.
        """
        return self._change(MessageType.SOCKETS_LEAVE, rooms, "sockets_leave")

    def _change(self, type_: MessageType, rooms: Sequence[str], method: str) -> ResultT:
        check_rooms(rooms, method)
        return self._send(type_, RoomChange(self._target, tuple(rooms)))

    def disconnect_sockets(self, close: bool = False) -> ResultT:
        """Disconnect the chosen sockets.

        Args:
            close: Whether to close their whole connections, with all namespaces.
        """
        return self._send(MessageType.DISCONNECT_SOCKETS, Disconnection(self._target, close))

    def server_side_emit(self, event: str, *args: Any) -> ResultT:
        """Send an event to all servers of the cluster, for their ``on_server_event`` handlers.

        Args:
            event: The name of the event.
            *args: As in :meth:`emit`.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is reserved, or a value cannot be represented.
        """
        check_event_name(event)
        body = ServerEvent(to_plain([event, *args], self._parser))
        return self._send(MessageType.SERVER_SIDE_EMIT, body)

    def _send(self, type_: MessageType, body: Body) -> ResultT:
        return self._transport.send(Message(type_, self._namespace, SENDER, body))

    # -- life --------------------------------------------------------------------------------

    def close(self) -> ResultT:
        """End the connection; one that the application made stays open."""
        return self._transport.close()
