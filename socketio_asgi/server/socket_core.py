"""The inside of a socket: how it joins and leaves its namespace, and what passes through it.

    start → middlewares → connected → "connection" handler → events …
                        → refused
    on_close → "disconnecting" handler → "disconnect" handler

The connection below and the namespace beside it call what is here; applications call
:class:`.socket.Socket`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol

from ..adapters import PacketLog, RestoredSocket, SavedSocket, Target
from ..adapters.recovery import MissedPackets
from ..engine.handshake import Handshake
from ..events.plans import Handler
from ..exceptions import ConnectionRefused
from ..protocol.reasons import RECOVERABLE_REASONS, SERVER_DISCONNECT, TRANSPORT_CLOSE
from ..protocol.states import SocketState
from ..runtime.awaitables import DONE
from ..runtime.ids import random_id
from ..runtime.log_limit import may_log_fault
from .delivery import Delivery
from .dispatch import PacketSource
from .life_cycle import Admission, LifeCycleCalls
from .namespace_core import NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

NOTHING: frozenset[Any] = frozenset()
"""No elements: one object for all connections that have none, because an empty set is large."""

# Global names, because members of an enum are slow on the way of every client.
_ABSENT, _CONNECTING = SocketState.ABSENT, SocketState.CONNECTING
_CONNECTED, _LEFT = SocketState.CONNECTED, SocketState.LEFT


class Connection(PacketSource, Protocol):
    """The connection of a client, as its sockets see it."""

    def begin(self) -> None:
        """Count a call that is not counted by a socket."""
        ...

    def end(self) -> None:
        """Count such a call no longer."""
        ...

    def join_began(self) -> None:
        """Count a client that middlewares decide about."""
        ...

    def join_ended(self) -> None:
        """Count it no longer."""
        ...

    def accept(self, socket: SocketCore) -> None:
        """Tell the client that it has joined a namespace."""
        ...

    def refuse(self, name: str, error: ConnectionRefused) -> None:
        """Tell the client that it may not join a namespace."""
        ...

    def leave(self, socket: SocketCore) -> None:
        """Disconnect the client from one namespace."""
        ...

    def disconnect(self) -> None:
        """Disconnect the client from all namespaces, and close the session."""
        ...


class SocketCore(Delivery):
    """The work of a socket for the server.

    Args:
        namespace: The namespace it belongs to.
        connection: The connection below.
        handshake: The handshake, by which the client introduced itself.
        restored: The earlier socket that it continues, if it does.

    Attributes:
        connection: The same.
        handshake: The same.
        id: The public id.
        recovered: Whether it continues an earlier socket.
        pid: The secret by which the client proves that it is the same when it comes back; None when
            it cannot.
    """

    dismissed: bool
    state: SocketState

    __slots__ = (
        "__weakref__",
        "_closed_by",
        "_data",
        "_last_rooms",
        "_restored",
        "connection",
        "handshake",
        "id",
        "pid",
        "recovered",
    )

    def __init__(
        self,
        namespace: NamespaceCore,
        connection: Connection,
        handshake: Handshake,
        restored: RestoredSocket | None = None,
    ) -> None:
        super().__init__(namespace, connection)
        self.connection: Connection = connection
        self.id: str = random_id()
        self.handshake: Handshake = handshake
        self.recovered: bool = restored is not None
        self._data: Any = None  # until it is asked for: an empty dict is large
        self.pid: str | None = random_id() if namespace.recovery else None
        self._closed_by: tuple[str, str | None] | None = None
        self._last_rooms: frozenset[str] = NOTHING
        self._restored = restored
        if restored is not None:
            self._continue(restored.saved)

    def _continue(self, saved: SavedSocket) -> None:
        self.id, self.pid, self._data = saved.sid, saved.pid, saved.data
        self._last_rooms = saved.rooms

    @property
    def data(self) -> Any:
        """The data that the application keeps with the socket."""
        if self._data is None:
            self._data = {}
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = value

    @property
    def connected(self) -> bool:
        """True while the client is connected to the namespace."""
        return self.state is _CONNECTED

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms of the socket, the one with its own id included; empty once it has left."""
        if self.connected:
            return self.namespace.adapter.rooms_of(self.id) | {self.id}
        if self.state is _CONNECTING:
            return self.namespace.adapter.rooms_of(self.id) | self._last_rooms
        return self._last_rooms

    # -- joining the namespace ---------------------------------------------------------------

    def start(self) -> None:
        """Let the middlewares decide about the client, then connect it."""
        self.namespace.joining_began(self)
        recovery = self.namespace.recovery
        skip = self.recovered and recovery is not None and recovery.skip_middlewares
        if self.namespace.handlers.middlewares and not skip:
            self.connection.join_began()
            self.connection.task_starter.start(self._run_middlewares)
        elif self._restored is not None:
            self.connection.task_starter.start(self._claim_and_accept, self._restored)
        else:
            self._accept()

    async def _run_middlewares(self) -> None:
        try:
            await self._ask_middlewares()
        finally:
            self.connection.join_ended()

    async def _ask_middlewares(self) -> None:
        if self.state is not _CONNECTING:
            return  # the client left before this task began, which on trio is a little later
        admission = Admission(self.namespace, self.subject)
        for middleware in self.namespace.handlers.middlewares:
            refusal = await admission.ask(middleware)
            if refusal is not None:
                return self._refuse(refusal)
            if self.state is not _CONNECTING:
                return  # the client left meanwhile
        if self._restored is not None:
            await self._claim_and_accept(self._restored)
        else:
            self._accept()

    async def _claim_and_accept(self, restored: RestoredSocket) -> None:
        """Continue the earlier socket, unless another connection was faster.

        What the client has missed goes before the answer to its CONNECT: official clients hand it
        to the application before they tell it that they are connected.
        """
        missed: MissedPackets | None = None
        try:
            missed = await restored.claim()
        except Exception as error:
            if may_log_fault("recovery", error):
                logger.exception("the state of a client cannot be recovered")
        if missed is None:  # the client comes back at once, and as a new socket
            self.connection.session.end(TRANSPORT_CLOSE, "its state could not be recovered")
        elif self._send_missed(missed):
            self._last_rooms = restored.saved.rooms
            self._accept()
        elif self.namespace.adapter.log is not None:  # the client was lost in the meantime
            self.namespace.adapter.log.save(restored.saved)

    def _send_missed(self, missed: MissedPackets) -> bool:
        """Send what the client has missed; False when it was lost before the end."""
        for packets in missed:
            if self.state is not _CONNECTING:
                break
            self.connection.session.send(packets)
        return self.state is _CONNECTING

    def _refuse(self, error: ConnectionRefused) -> None:
        if self.state is _CONNECTING:
            self.state = _ABSENT
            self.namespace.remove(self)  # out of the rooms that a middleware let it join
            self.pid = None
            self.namespace.joining_ended()
            self.drop_held()
            self._let_go()
            self.connection.refuse(self.namespace.name, error)
            self.namespace.server.observers.refused(self.namespace.name, error)

    def _accept(self) -> None:
        self.state = _CONNECTED
        namespace, adapter = self.namespace, self.namespace.adapter
        # Among the sockets first: from then on broadcasts reach it, and the namespace stays.
        namespace.add(self)
        namespace.joining_ended()
        if self.pid is not None:  # it may come back
            self._begin_track(adapter.log)
        if self._last_rooms:
            adapter.join(self.id, tuple(self._last_rooms))
            self._last_rooms = NOTHING
        self.connection.accept(self)
        observers = namespace.server.observers
        if observers.sees_events:
            self.own_listeners().observed = True
        observers.joined(self.subject)
        handler = namespace.handlers.lifecycle("connection")
        if handler is not None:
            self.hold()
            self.connection.begin()
            self.connection.task_starter.start(self._run_connection, handler)
        elif self.holding:
            self.release()

    def _begin_track(self, log: PacketLog | None) -> None:
        restored, self._restored = self._restored, None
        if log is not None and restored is not None:
            log.resume(restored.saved)
        elif log is not None:
            log.begin(self.id)

    async def _run_connection(self, handler: Handler) -> None:
        calls = LifeCycleCalls(self.namespace, self.subject)
        try:
            await calls.call(handler, ())
            if calls.refused:
                self.disconnect()  # before any event is handled
        finally:  # also when the handler was cancelled
            self.connection.end()
            self.release()
            if self._closed_by is not None:
                self._start_disconnect(*self._closed_by)

    # -- rooms -------------------------------------------------------------------------------

    def join(self, rooms: Sequence[str]) -> Awaitable[None]:
        """Join rooms, unless the client has left."""
        adapter = self.namespace.adapter
        if self.connected or self.state is _CONNECTING:
            return adapter.join(self.id, rooms)
        return adapter.sockets_join(self._own_room, rooms) if self._may_return else DONE

    def leave(self, room: str) -> Awaitable[None]:
        """Leave a room."""
        adapter = self.namespace.adapter
        if self._may_return:
            return adapter.sockets_leave(self._own_room, (room,))
        return adapter.leave(self.id, room)

    @property
    def _own_room(self) -> Target:
        return Target(frozenset((self.id,)))

    @property
    def _may_return(self) -> bool:
        """True if the client was lost, so that what happens to this socket holds when it returns.

        It may be here again already, or at another server.
        """
        return self.pid is not None and self.state is _ABSENT

    # -- leaving -----------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        """Disconnect the client from the namespace, or from all with ``close``.

        While a middleware decides, that is a refusal: the client is never let in. A client that was
        lost does not come back as the same.
        """
        if self._may_return:
            return self.namespace.adapter.disconnect_sockets(self._own_room, close=close)
        if close:
            self.connection.disconnect()
        elif self.state is _CONNECTING:
            self._refuse(ConnectionRefused())
        elif self.connected:
            self.connection.leave(self)
        return DONE

    def supersede(self) -> None:
        """End the connection, because its client has come back on another one."""
        self.connection.session.end(TRANSPORT_CLOSE, "the client came back")

    def on_close(self, reason: str, description: str | None = None) -> None:
        """Leave the namespace: the client, the server or the network has ended it.

        The state changes first, so that nothing of what follows is sent to the client any more;
        the socket is saved while its rooms are still known, and leaves them before its handlers
        run.

        Args:
            reason: The official name of the reason.
            description: More about it.

        Source: https://socket.io/docs/v4/server-socket-instance/#disconnect
        """
        before = self.state
        self._last_rooms = self.rooms if before is _CONNECTED else NOTHING
        self.dismissed = reason == SERVER_DISCONNECT
        self.state = _LEFT if self.dismissed else _ABSENT
        saved = before is _CONNECTED and self._save(reason)
        self.namespace.remove(self)
        if not saved:
            self.pid = None
        if before is _CONNECTED:
            self._on_left(reason, description)
        elif before is _CONNECTING:
            self.namespace.joining_ended()
            self.drop_held()
            self._let_go()

    def _let_go(self) -> None:
        """Let go of the public side, unless there are calls left that it is given to."""
        # The two refer to each other, and are to be freed without the garbage collector.
        if not self.in_flight:
            self.subject: object = None

    def _on_left(self, reason: str, description: str | None) -> None:
        self.namespace.server.observers.left(self.subject, reason)
        self.give_up_acks()
        if self.holding:
            self._closed_by = (reason, description)  # after the "connection" handler
        else:
            self._start_disconnect(reason, description)

    def _save(self, reason: str) -> bool:
        log = self.namespace.adapter.log
        if log is not None and self.pid is not None and reason in RECOVERABLE_REASONS:
            log.lose(self.id, self.pid, self.data)
            return True
        return False

    def _start_disconnect(self, reason: str, description: str | None) -> None:
        lifecycle = self.namespace.handlers.lifecycle
        handlers = (lifecycle("disconnecting"), lifecycle("disconnect"))
        if any(handlers):
            self.connection.begin()
            start = self.connection.task_starter.start
            start(self._run_disconnect, handlers, (reason, description))
        else:
            self._last_rooms = NOTHING
            self._let_go()

    async def _run_disconnect(
        self, handlers: Iterable[Handler | None], args: Sequence[Any]
    ) -> None:
        calls = LifeCycleCalls(self.namespace, self.subject)
        try:
            for handler in handlers:
                if handler is not None:
                    await calls.call(handler, args)
                self._last_rooms = NOTHING  # visible in "disconnecting" for the last time
        finally:
            self.connection.end()
            self._let_go()
