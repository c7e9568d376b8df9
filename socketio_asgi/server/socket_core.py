"""The inside of a socket: how it joins and leaves its namespace, and what passes through it.

    start → middlewares → connected → "connection" handler → events …
                        → refused
    on_close → "disconnecting" handler → "disconnect" handler

Everything here is called by the connection below or the namespace beside it; what applications
call is in :mod:`.socket`.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..adapters import RestoredSocket, SavedSocket, SharedPacket
from ..adapters.recovery import MissedPackets
from ..engine.handshake import Handshake
from ..events.acks import AckTarget
from ..events.handlers import Handler
from ..events.listeners import Listeners, Listening, call_all
from ..exceptions import ConnectionRefused
from ..protocol import Packet, PacketType
from ..protocol.states import SocketState
from ..runtime.awaitables import DONE, Waiting
from ..runtime.ids import random_id
from .dispatch import Dispatcher

if TYPE_CHECKING:
    from .client_connection import ClientConnection
    from .namespace import Namespace

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

HIGH_WATER = 64 * 1024
"""Bytes that may wait for a client before ``await socket.emit(...)`` waits for it."""

_ACK, _CONNECTED = PacketType.ACK, SocketState.CONNECTED

NOTHING: frozenset[Any] = frozenset()
"""No elements: one object for all connections that have none, because an empty set is large."""

SERVER_DISCONNECT = "server namespace disconnect"
"""The official word for a socket that the server disconnected."""

RECOVERABLE_REASONS: frozenset[str] = frozenset(
    {"transport error", "transport close", "forced close", "ping timeout", "server shutting down"}
)
"""Disconnections after which a client may come back as the same socket: those it did not ask for.

Source: https://socket.io/docs/v4/connection-state-recovery/
"""


class SocketCore(Listening):
    """What a socket does for the server.

    Args:
        namespace: The namespace it belongs to.
        connection: The connection below.
        handshake: How the client introduced itself.
        restored: The earlier socket that it continues, if it does.

    Attributes:
        dispatcher: Where the events of the client go.
    """

    __slots__ = (
        "__weakref__",
        "_acks",
        "_closed_by",
        "_connection",
        "_last_rooms",
        "_offset",
        "_pid",
        "_restored",
        "_state_data",
        "dispatcher",
        "handshake",
        "id",
        "namespace",
        "recovered",
        "state",
    )

    def __init__(
        self,
        namespace: Namespace,
        connection: ClientConnection,
        handshake: Handshake,
        restored: RestoredSocket | None = None,
    ) -> None:
        self.id: str = random_id()
        self.namespace: Namespace = namespace
        self.handshake: Handshake = handshake
        self.recovered: bool = restored is not None
        self.state: SocketState = SocketState.CONNECTING
        self._state_data: Any = {}
        # The secret by which the client proves who it is when it comes back.
        self._pid: str | None = random_id() if namespace.recovery else None
        self._connection = connection
        self.dispatcher: Dispatcher = Dispatcher(self, connection)
        self._acks: dict[int, AckTarget] = {}
        self._closed_by: tuple[str, str | None] | None = None
        self._last_rooms: frozenset[str] = NOTHING
        self._restored = restored
        self._offset = ""
        if restored is not None:
            self._continue(restored.saved)

    def _continue(self, saved: SavedSocket) -> None:
        self.id, self._pid, self._state_data = saved.sid, saved.pid, saved.data
        self._last_rooms, self._offset = saved.rooms, saved.offset

    @property
    def connected(self) -> bool:
        """Whether the client is connected to the namespace at present."""
        return self.state is SocketState.CONNECTED

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms of the socket, the one with its own id included; empty once it has left."""
        if self.connected:
            return self.namespace.adapter.rooms_of(self.id) | {self.id}
        if self.state is SocketState.CONNECTING:
            return self.namespace.adapter.rooms_of(self.id) | self._last_rooms
        return self._last_rooms

    @property
    def pid(self) -> str | None:
        """The secret by which the client proves who it is when it comes back."""
        return self._pid

    @property
    def acks_awaited(self) -> int:
        """How many answers of the client are waited for."""
        return len(self._acks)

    @property
    def _own(self) -> Listeners:
        if self.dispatcher.listeners is None:
            self.dispatcher.listeners = Listeners()
        return self.dispatcher.listeners

    # -- joining the namespace ---------------------------------------------------------------

    def start(self) -> None:
        """Let the middlewares decide about the client, then connect it."""
        self.namespace.joining_began(self)
        recovery = self.namespace.recovery
        skip = self.recovered and recovery is not None and recovery.skip_middlewares
        if self.namespace.middlewares and not skip:
            self._connection.task_starter.start(self._run_middlewares)
        elif self._restored is not None:
            self._connection.task_starter.start(self._claim_and_accept, self._restored)
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
            if self._restored is not None:
                await self._claim_and_accept(self._restored)
            else:
                self._accept()

    async def _claim_and_accept(self, restored: RestoredSocket) -> None:
        """Continue the earlier socket, unless another connection was faster."""
        missed: MissedPackets | None = None
        try:
            missed = await restored.claim()
        except Exception:
            logger.exception("the state of a client cannot be recovered")
        if missed is None:  # the client comes back at once, and as a new socket
            self._connection.session.end("transport close", "its state could not be recovered")
        elif self.state is SocketState.CONNECTING:
            self._accept(missed)
        elif self.namespace.adapter.log is not None:  # the client was lost in the meantime
            self.namespace.adapter.log.save(restored.saved)

    def _refuse(self, error: ConnectionRefused) -> None:
        if self.state is SocketState.CONNECTING:
            self.state = SocketState.ABSENT
            self.namespace.remove(self)  # out of the rooms that a middleware let it join
            self.namespace.joining_ended()
            self._connection.refuse(self.namespace.name, error)

    def _accept(self, missed: MissedPackets | None = None) -> None:
        self.state = SocketState.CONNECTED
        namespace, adapter = self.namespace, self.namespace.adapter
        namespace.add(self)
        namespace.joining_ended()
        if self._last_rooms:
            adapter.join(self.id, tuple(self._last_rooms))
            self._last_rooms = NOTHING
        self._connection.accept(self)
        if missed is not None:
            self._send_missed(missed)
        elif adapter.log is not None:
            self._offset = adapter.log.position()
        handler = namespace.handlers.lifecycle("connection")
        if handler is not None:
            self.dispatcher.hold()
            self._connection.task_starter.start(self._run_connection, handler)

    def _send_missed(self, missed: MissedPackets) -> None:
        self._restored = None
        for frames in missed:
            self._connection.session.send(frames)

    async def _run_connection(self, handler: Handler) -> None:
        try:
            await self._call_lifecycle("connection", handler, ())
        finally:  # also when the handler was cancelled
            self.dispatcher.release()
            if self._closed_by is not None:
                self._start_disconnect(*self._closed_by)

    async def _call_lifecycle(self, name: str, handler: Handler, args: tuple[Any, ...]) -> None:
        try:
            await handler.call(self.namespace.workers, self, args)
        except Exception:
            logger.exception("the %r handler of %s raised", name, self.namespace.name)

    # -- in ----------------------------------------------------------------------------------

    def on_ack(self, packet: Packet) -> None:
        """The client acknowledged an event."""
        ack = self._acks.pop(cast("int", packet.id), None)
        if ack is None:
            logger.debug("acknowledgement of nothing, or too late")
        else:
            ack.reply(self.id, packet.data)

    def acknowledge(self, number: int, result: Any) -> None:
        """Acknowledge an event of the client with what its handler returned.

        Args:
            number: The number that the client gave the event.
            result: None for no value, a tuple for several, anything else for one.
        """
        values: list[Any] = [result]
        if result is None:
            values = []
        elif isinstance(result, tuple):
            values = list(cast("Any", result))
        if self.state is _CONNECTED:
            self._connection.send(Packet(_ACK, self.namespace.name, values, number))

    def send_ack(self, number: int, values: Sequence[Any]) -> Awaitable[None]:
        """Acknowledge an event of the client, from any thread.

        Args:
            number: The number that the client gave the event.
            values: What to answer.
        """
        packet = Packet(_ACK, self.namespace.name, list(values), number)
        return self._send(SharedPacket(packet, self._connection.parser))

    # -- out ---------------------------------------------------------------------------------

    def deliver(self, outgoing: SharedPacket, volatile: bool = False) -> None:
        """Queue a packet for the client, unless it has left."""
        frames = outgoing.encoded or outgoing.encode()
        if self.state is _CONNECTED:
            listeners = self.dispatcher.listeners
            if listeners is not None and outgoing.packet.type is PacketType.EVENT:
                call_all(listeners.outgoing, *outgoing.packet.data)
            self._connection.session.send(frames, volatile)

    def deliver_with_ack(
        self, outgoing: SharedPacket, ack: AckTarget, *, volatile: bool = False
    ) -> Callable[[], object]:
        """Queue an event for the client, and pass its acknowledgement on.

        Returns:
            A function that ends the waiting.
        """
        number = cast("int", outgoing.packet.id)
        outgoing.encode()  # before anybody waits: the values may not be representable
        self._acks[number] = ack
        self.dispatcher.expect_ack()
        self.deliver(outgoing, volatile)
        return partial(self._acks.pop, number, None)

    def _send(self, outgoing: SharedPacket, volatile: bool = False) -> Awaitable[None]:
        connection = self._connection
        if not connection.runtime.in_thread():
            outgoing.encode()  # errors are the caller's, and the values may change later
            connection.runtime.call_from_thread(self._send, outgoing, volatile)
            return DONE
        self.deliver(outgoing, volatile)
        session = connection.session
        if volatile or session.buffered < HIGH_WATER:  # a volatile packet was sent, or dropped
            return DONE
        return Waiting(session.drain)

    # -- leaving -----------------------------------------------------------------------------

    def on_close(self, reason: str, description: str | None = None) -> None:
        """The socket has left, or its connection has ended.

        Args:
            reason: The official word for why.
            description: More about it.

        Source: https://socket.io/docs/v4/server-socket-instance/#disconnect
        """
        before = self.state
        self._last_rooms = self.rooms if self.connected else NOTHING
        self.state = SocketState.LEFT if reason == SERVER_DISCONNECT else SocketState.ABSENT
        if before is SocketState.CONNECTED:
            self._save(reason)
        self.namespace.remove(self)
        if before is SocketState.CONNECTED:
            self._on_left(reason, description)
        elif before is SocketState.CONNECTING:
            self.namespace.joining_ended()

    def _on_left(self, reason: str, description: str | None) -> None:
        acks, self._acks = self._acks, {}
        for ack in acks.values():
            ack.gone(self.id)
        if self.dispatcher.holding:
            self._closed_by = (reason, description)  # after the "connection" handler
        else:
            self._start_disconnect(reason, description)

    def _save(self, reason: str) -> None:
        log = self.namespace.adapter.log
        if log is not None and self._pid is not None and reason in RECOVERABLE_REASONS:
            rooms = self._last_rooms - {self.id}
            log.save(SavedSocket(self.id, self._pid, rooms, self._state_data, self._offset))

    def _start_disconnect(self, reason: str, description: str | None) -> None:
        lifecycle = self.namespace.handlers.lifecycle
        if lifecycle("disconnecting") or lifecycle("disconnect"):
            self._connection.task_starter.start(self._run_disconnect, reason, description)
        else:
            self._last_rooms = NOTHING

    async def _run_disconnect(self, reason: str, description: str | None) -> None:
        for name in ("disconnecting", "disconnect"):
            handler = self.namespace.handlers.lifecycle(name)
            if handler is not None:
                await self._call_lifecycle(name, handler, (reason, description))
            self._last_rooms = NOTHING  # visible in "disconnecting" for the last time

    @abstractmethod
    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client."""
