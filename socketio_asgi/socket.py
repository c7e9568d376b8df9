"""A socket: one client in one namespace.

Source: https://socket.io/docs/v4/server-socket-instance/
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Generic, cast

from .adapters import Outgoing, Target
from .awaitables import DONE
from .broadcast import Broadcaster, BroadcastOperator, check_rooms, event_packet
from .exceptions import AckTimeout, ClientDisconnected, ConnectionRefused
from .handlers import Handler
from .handshake import Handshake
from .protocol import Frame, Packet, PacketType
from .protocol.states import SocketState

if TYPE_CHECKING:
    from .connection import Connection
    from .engine import Session
    from .engine.runtime import Event
    from .namespace import Namespace

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

logger = logging.getLogger("socketio_asgi.server")

DataT = TypeVar("DataT", default=dict[str, Any])

ACK_SECONDS = 10.0
"""How long :meth:`Socket.emit_with_ack` waits by default."""

MAX_EVENTS_IN_FLIGHT = 100
"""Events of one socket that may wait or be handled at a time; beyond it, its connection is not
read until some are done."""

HIGH_WATER = 64 * 1024
"""Bytes that may wait for a client before ``await socket.emit(...)`` waits for it."""


class Socket(Broadcaster, Generic[DataT]):
    """One client in one namespace.

    ``socket.to(...)``, ``socket.except_(...)`` and ``socket.broadcast`` reach other clients;
    ``socket.emit(...)`` reaches this one.

    Attributes:
        id: The public id of the socket, new for every connection; also the room it is alone in.
        namespace: The namespace it is connected to.
        handshake: How the client introduced itself.
        data: Anything the application wants to keep with the socket; a dict by default.
    """

    __slots__ = (
        "__weakref__",
        "_acks",
        "_closed_by",
        "_connection",
        "_in_flight",
        "_last_rooms",
        "_next_ack",
        "_pending",
        "data",
        "handshake",
        "id",
        "namespace",
        "state",
    )

    def __init__(
        self, id: str, namespace: Namespace, connection: Connection, handshake: Handshake
    ) -> None:
        self.id = id
        self.namespace = namespace
        self.handshake = handshake
        self.data: DataT = cast("DataT", {})
        self.state = SocketState.CONNECTING
        self._connection = connection
        self._acks: dict[int, _Ack] = {}
        self._next_ack = 0
        self._in_flight = 0
        # Events that came while the "connection" handler runs; None when they need not wait.
        self._pending: deque[Packet] | None = None
        self._closed_by: tuple[str, str | None] | None = None
        self._last_rooms: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<Socket {self.id} {self.namespace.name} {self.state.value}>"

    @property
    def connected(self) -> bool:
        """Whether the client is connected to the namespace at present."""
        return self.state is SocketState.CONNECTED

    @property
    def conn(self) -> Session:
        """The connection below, which all namespaces of the client share."""
        return self._connection.session

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms of the socket, the one with its own id included; empty once it has left."""
        if not self.connected:
            return self._last_rooms
        return self.namespace.adapter.rooms_of(self.id) | {self.id}

    # -- sending -----------------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the client, at once and from any thread.

        A client that has left gets nothing, and that is no error.

        Args:
            event: The name of the event.
            args: Any values that JSON knows, bytes at any depth, and rich types.

        Returns:
            An awaitable that waits while the client is too slow for what it is sent.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/emitting-events/#basic-emit
        """
        return self._send(event_packet(self.namespace.name, event, args))

    async def emit_with_ack(self, event: str, *args: Any, timeout: float = ACK_SECONDS) -> Any:
        """Send an event to the client and wait for its acknowledgement.

        Args:
            event: The name of the event.
            args: As in :meth:`emit`.
            timeout: How long to wait, in seconds.

        Returns:
            The first value of the acknowledgement; None when it has none.

        Raises:
            AckTimeout: The client did not answer in time.
            ClientDisconnected: The client left before it answered.

        Source: https://socket.io/docs/v4/emitting-events/#acknowledgements
        """
        if not self.connected:
            raise ClientDisconnected(event)
        number = self._next_ack
        self._next_ack += 1
        packet = event_packet(self.namespace.name, event, args, number)
        runtime = self._connection.runtime
        ack = self._acks[number] = _Ack(runtime.event())
        timer = runtime.call_later(timeout, ack.event.set)
        try:
            self._send(packet)
            await ack.event.wait()
        finally:
            timer.cancel()
            self._acks.pop(number, None)
        if ack.reply is not None:
            return ack.reply[0] if ack.reply else None
        raise AckTimeout(event, timeout) if self.connected else ClientDisconnected(event)

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody in the namespace but this socket.

        Source: https://socket.io/docs/v4/broadcasting-events/#to-all-connected-clients-except-the-sender
        """
        return BroadcastOperator(self.namespace, Target(excluded=frozenset((self.id,))))

    def _operator(self) -> BroadcastOperator:
        return self.broadcast

    def deliver(self, frames: Sequence[Frame], volatile: bool) -> None:
        """Queue an encoded packet for the client."""
        self._connection.session.send(frames, volatile=volatile)

    def _send(self, packet: Packet) -> Awaitable[None]:
        connection = self._connection
        frames = Outgoing(packet, connection.parser).frames
        if not connection.runtime.in_thread():
            connection.runtime.call_from_thread(self._send_if_connected, frames)
            return DONE
        self._send_if_connected(frames)
        session = connection.session
        return DONE if session.buffered < HIGH_WATER else session.drain()

    def _send_if_connected(self, frames: Sequence[Frame]) -> None:
        if self.connected:
            self._connection.session.send(frames)

    # -- rooms -------------------------------------------------------------------------------

    def join(self, *rooms: str) -> Awaitable[None]:
        """Join rooms, at once as far as this process is concerned.

        Args:
            rooms: The names of the rooms.

        Raises:
            ValueError: No room was given, or one is the private room of another socket.

        Source: https://socket.io/docs/v4/rooms/#joining-and-leaving
        """
        check_rooms(rooms, "join")
        for room in rooms:
            if room != self.id and room in self.namespace.sockets:
                raise ValueError(f"the room {room!r} belongs to another socket alone")
        return self.namespace.adapter.join(self.id, rooms) if self.connected else DONE

    def leave(self, room: str) -> Awaitable[None]:
        """Leave a room; does nothing when the socket is not in there."""
        return self.namespace.adapter.leave(self.id, room)

    # -- joining the namespace ---------------------------------------------------------------

    def start(self) -> None:
        """Let the middlewares decide about the client, then connect it."""
        if self.namespace.middlewares:
            self._connection.lane.start(self._run_middlewares)
        else:
            self._accept()

    async def _run_middlewares(self) -> None:
        try:
            for middleware in self.namespace.middlewares:
                await middleware.call(self.namespace.workers, self, ())
                if self.state is not SocketState.CONNECTING:
                    return  # the client left meanwhile
        except ConnectionRefused as error:
            self._refuse(error)
        except Exception:
            logger.exception("a middleware of %s raised; client refused", self.namespace.name)
            self._refuse(ConnectionRefused("Internal server error"))
        else:
            self._accept()

    def _refuse(self, error: ConnectionRefused) -> None:
        if self.state is SocketState.CONNECTING:
            self.state = SocketState.ABSENT
            self._connection.refuse(self.namespace.name, error)

    def _accept(self) -> None:
        self.state = SocketState.CONNECTED
        self.namespace.add(self)
        self._connection.accept(self)
        handler = self.namespace.handlers.lifecycle.get("connection")
        if handler is not None:
            self._pending = deque()
            self._connection.lane.start(self._run_connection, handler)

    async def _run_connection(self, handler: Handler) -> None:
        await self._call_lifecycle("connection", handler, ())
        pending, self._pending = self._pending or (), None
        for packet in pending:
            self._start_event(packet)
        self._resume_if_possible()
        if self._closed_by is not None:
            self._start_disconnect(*self._closed_by)

    async def _call_lifecycle(self, name: str, handler: Handler, args: tuple[Any, ...]) -> None:
        try:
            await handler.call(self.namespace.workers, self, args)
        except Exception:
            logger.exception("the %r handler of %s raised", name, self.namespace.name)

    # -- receiving ---------------------------------------------------------------------------

    def on_event(self, packet: Packet) -> None:
        """The client sent an event."""
        if self._pending is None:
            self._start_event(packet)
        else:
            self._pending.append(packet)
            if len(self._pending) >= MAX_EVENTS_IN_FLIGHT:
                self._connection.session.pause_reading()

    def _start_event(self, packet: Packet) -> None:
        name, *args = packet.data
        handler = self.namespace.handlers.events.get(name)
        if handler is None:
            return logger.debug("no handler for an event in %s", self.namespace.name)
        if not handler.accepts(len(args)):
            return logger.warning(
                "event %r in %s refused: %d arguments, its handler needs %d",
                name,
                self.namespace.name,
                len(args),
                handler.required,
            )
        self._in_flight += 1
        if self._in_flight >= MAX_EVENTS_IN_FLIGHT:
            self._connection.session.pause_reading()
        self._connection.lane.start(self._run_event, handler, args, packet.id)

    async def _run_event(self, handler: Handler, args: list[Any], number: int | None) -> None:
        try:
            ack = AckSender(self, number) if handler.takes_ack else None
            result = await handler.call(self.namespace.workers, self, args, ack)
            if number is not None and ack is None:
                self.send_ack(number, result)
        except Exception:
            logger.exception("the handler %r of %s raised", handler.function, self.namespace.name)
        finally:
            self._in_flight -= 1
            self._resume_if_possible()

    def _resume_if_possible(self) -> None:
        if self._pending is None and self._in_flight < MAX_EVENTS_IN_FLIGHT:
            self._connection.session.resume_reading()

    def send_ack(self, number: int, result: Any) -> Awaitable[None]:
        """Acknowledge an event.

        Args:
            number: The number that the client gave the event.
            result: None for no value, a tuple for several, anything else for one.
        """
        values = result if issubclass(type(result), tuple) else (result,)
        data = [] if result is None else list(values)
        return self._send(Packet(PacketType.ACK, self.namespace.name, data, number))

    def on_ack(self, packet: Packet) -> None:
        """The client acknowledged an event."""
        ack = self._acks.get(packet.id if packet.id is not None else -1)
        if ack is None:
            return logger.debug("acknowledgement of nothing, or too late")
        if ack.reply is None and not ack.event.is_set():
            ack.reply = packet.data
            ack.event.set()

    # -- leaving -----------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client from the namespace.

        Args:
            close: Whether to close the whole connection, with all its namespaces.

        Returns:
            An awaitable; there is no need to wait for it.

        Source: https://socket.io/docs/v4/server-socket-instance/#socketdisconnect
        """
        runtime = self._connection.runtime
        if not runtime.in_thread():
            runtime.call_from_thread(self.disconnect, close)
        elif close:
            self._connection.disconnect()
        elif self.connected:
            self._connection.leave(self)
        return DONE

    def on_close(self, reason: str, description: str | None = None) -> None:
        """The socket has left, or its connection has ended.

        Args:
            reason: The official word for why.
            description: More about it.

        Source: https://socket.io/docs/v4/server-socket-instance/#disconnect
        """
        was_connected = self.connected
        if was_connected:
            self._last_rooms = self.rooms
        self.state = SocketState.LEFT
        if not was_connected:
            return
        self.namespace.remove(self)
        for ack in self._acks.values():
            ack.event.set()
        if self._pending is not None:
            self._closed_by = (reason, description)  # after the "connection" handler
        else:
            self._start_disconnect(reason, description)

    def _start_disconnect(self, reason: str, description: str | None) -> None:
        lifecycle = self.namespace.handlers.lifecycle
        if "disconnecting" in lifecycle or "disconnect" in lifecycle:
            self._connection.lane.start(self._run_disconnect, reason, description)
        else:
            self._last_rooms = frozenset()

    async def _run_disconnect(self, reason: str, description: str | None) -> None:
        for name in ("disconnecting", "disconnect"):
            handler = self.namespace.handlers.lifecycle.get(name)
            if handler is not None:
                await self._call_lifecycle(name, handler, (reason, description))
            self._last_rooms = frozenset()  # visible in "disconnecting" for the last time


class _Ack:
    """An acknowledgement that is waited for."""

    __slots__ = ("event", "reply")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.reply: list[Any] | None = None


class AckSender:
    """The ``ack`` argument of a handler that answers by itself: call it once, now or later.

    When the client asked for no acknowledgement, calling it does nothing.

    Args:
        socket: The socket that sent the event.
        number: The number that the client gave the event, or None.
    """

    __slots__ = ("_number", "_socket")

    def __init__(self, socket: Socket[Any], number: int | None) -> None:
        self._socket = socket
        self._number = number

    def __call__(self, *values: Any) -> Awaitable[None]:
        """Acknowledge the event with these values; a second call does nothing."""
        number, self._number = self._number, None
        return DONE if number is None else self._socket.send_ack(number, values)
