"""A connection: one client with its sockets, one in each namespace that it has joined.

Source: https://socket.io/docs/v4/socket-io-protocol/#connection-to-a-namespace
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from ..adapters import RestoredSocket
from ..engine import Session
from ..engine.handshake import Handshake
from ..exceptions import ConnectionRefused
from ..protocol import DecodeError, EncodeError, OutgoingPacket, Packet, PacketType, Parser
from ..protocol.states import PACKET_ACTIONS, PacketAction, SocketState
from ..runtime import Runtime, TaskStarter
from ..runtime.deadlines import DeadlineQueue
from .dispatch import Dispatcher
from .namespace import Namespace
from .socket import Socket
from .socket_core import NOTHING, SERVER_DISCONNECT, SocketCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


# Global names, because members of an enum are slow on the way of every packet.
_EVENT, _CONNECTED = PacketType.EVENT, SocketState.CONNECTED


class Host(Protocol):
    """What a connection needs of its server."""

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        ...

    def find_namespace(self, name: str) -> Namespace | None:
        """The namespace of that name, if clients may join it."""
        ...

    @property
    def has_dynamic_namespaces(self) -> bool:
        """Whether names that are unknown may be namespaces all the same."""
        ...

    async def match_namespace(self, name: str, auth: Mapping[str, Any]) -> Namespace | None:
        """The dynamic namespace of that name, if there is one."""
        ...


class ClientConnection:
    """Leads the packets of one session to its sockets.

    Args:
        host: The server.
        session: The session below.
        runtime: The event loop.
        join_deadlines: Connections that have joined no namespace yet, and must do so in time.

    Attributes:
        session: The session below.
        runtime: The event loop.
        parser: How packets are encoded.
        task_starter: Where the handlers of this client start.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_decoder",
        "_host",
        "_join_deadlines",
        "_left_by_server",
        "_lookups",
        "_sockets",
        "parser",
        "runtime",
        "session",
        "task_starter",
    )

    def __init__(
        self,
        host: Host,
        session: Session,
        runtime: Runtime,
        join_deadlines: DeadlineQueue[ClientConnection],
    ) -> None:
        self.session: Session = session
        self.runtime: Runtime = runtime
        self.parser: Parser = host.parser
        self.task_starter: TaskStarter = runtime.task_starter(copy_context())
        self._host = host
        self._decoder = host.parser.decoder()
        self._sockets: dict[str, Socket[Any]] = {}
        # Namespaces that the server made the client leave: packets may be on their way.
        self._left_by_server: frozenset[str] = NOTHING
        # Namespaces that are looked for, and the auth for them; a second CONNECT meanwhile is one
        # too many.
        self._lookups: dict[str, Mapping[str, Any]] = {}
        # What has too many events in flight; any of it keeps the session from being read.
        self._busy: frozenset[Dispatcher] = NOTHING
        self._join_deadlines = join_deadlines

    # -- in ----------------------------------------------------------------------------------

    def on_open(self) -> None:
        """The session is open."""
        self._join_deadlines.add(self)
        if self.session.protocol == 3:
            self._connect("/", {})  # a 2.x client joins the main namespace without asking

    def on_message(self, data: str | bytes) -> None:
        """Take one message of the session."""
        try:
            packet = self._decoder.add(data)
        except DecodeError as error:
            return self._protocol_error(str(error))
        if packet is None:
            return
        socket = self._sockets.get(packet.namespace)
        if socket is not None and packet.type is _EVENT and socket.state is _CONNECTED:
            socket.dispatcher.on_event(packet)  # nearly always
        else:
            self._route(packet, socket)

    def _route(self, packet: Packet, socket: Socket[Any] | None) -> None:
        name, auth = packet.namespace, packet.data
        if self.session.protocol == 3 and packet.type is PacketType.CONNECT:
            name, auth = _split_namespace(name)
            socket = self._sockets.get(name)
        match PACKET_ACTIONS.get((self._state(name, socket), packet.type)):
            case PacketAction.CONNECT:
                self._connect(name, auth or {})
            case PacketAction.DISPATCH if socket is not None:
                socket.dispatcher.on_event(packet)
            case PacketAction.ACKNOWLEDGE if socket is not None:
                socket.on_ack(packet)
            case PacketAction.DISCONNECT if socket is not None:
                del self._sockets[name]
                socket.on_close("client namespace disconnect")
            case PacketAction.DISCONNECT:
                self._lookups.pop(name, None)
            case PacketAction.IGNORE:
                pass
            case _:
                self._protocol_error(f"unexpected packet {packet.type.name}")

    def _state(self, name: str, socket: Socket[Any] | None) -> SocketState:
        if socket is not None:
            return socket.state
        if name in self._lookups:
            return SocketState.CONNECTING
        return SocketState.LEFT if name in self._left_by_server else SocketState.ABSENT

    def _protocol_error(self, problem: str) -> None:
        logger.info("closing the connection of %s: %s", self.session.request.address, problem)
        self.session.end("parse error", problem)

    def pause_for(self, dispatcher: Dispatcher) -> None:
        """A socket has too many events in flight: read no more."""
        self._busy |= {dispatcher}
        self.session.pause_reading()

    def resume_for(self, dispatcher: Dispatcher) -> None:
        """A socket can take events again: read on, unless another one cannot."""
        if dispatcher in self._busy:
            self._busy -= {dispatcher}
            if not self._busy:
                self.session.resume_reading()

    def on_close(self, reason: str, description: str | None) -> None:
        """The session ended."""
        self._join_deadlines.discard(self)
        self._decoder.reset()
        self._lookups.clear()
        sockets, self._sockets = self._sockets, {}
        for socket in sockets.values():
            socket.on_close(reason, description)

    # -- namespaces --------------------------------------------------------------------------

    def _connect(self, name: str, auth: Mapping[str, Any]) -> None:
        if name in self._left_by_server:
            self._left_by_server -= {name}
        namespace = self._host.find_namespace(name)
        if namespace is not None and not (namespace.recovery and "pid" in auth):
            self._join(namespace, auth)
        elif namespace is not None or self._host.has_dynamic_namespaces:
            self._lookups[name] = auth
            self.task_starter.start(self._look_for, name, auth)
        else:
            self._refuse_unknown(name)

    async def _look_for(self, name: str, auth: Mapping[str, Any]) -> None:
        restored: RestoredSocket | None = None
        namespace = self._host.find_namespace(name)
        if namespace is None:
            namespace = await self._host.match_namespace(name, auth)
        if namespace is not None:
            namespace.joining_expected()  # so that it stays until the client is in there
            restored = await _restore(namespace, auth)
        # Otherwise the client has left meanwhile; perhaps it has asked again.
        if self._lookups.get(name) is auth:
            del self._lookups[name]
            if namespace is None:
                self._refuse_unknown(name)
            else:
                self._join(namespace, auth, restored)
        if namespace is not None:
            namespace.joining_ended()

    def _join(
        self,
        namespace: Namespace,
        auth: Mapping[str, Any],
        restored: RestoredSocket | None = None,
    ) -> None:
        handshake = Handshake(self.session.request, dict(auth))
        socket: Socket[Any] = Socket(namespace, self, handshake, restored)
        self._sockets[namespace.name] = socket
        socket.start()

    def accept(self, socket: SocketCore) -> None:
        """Tell the client that it has joined a namespace."""
        self._join_deadlines.discard(self)
        data = None if self.session.protocol == 3 else {"sid": socket.id}
        if data is not None and socket.pid is not None:
            data["pid"] = socket.pid
        self.send(Packet(PacketType.CONNECT, socket.namespace.name, data))

    def refuse(self, name: str, error: ConnectionRefused) -> None:
        """Tell the client that it may not join a namespace."""
        self._sockets.pop(name, None)
        try:
            self.send(Packet(PacketType.CONNECT_ERROR, name, self._error_data(error)))
        except EncodeError:
            logger.exception("the client cannot be told why it may not join %s", name)
            self.refuse(name, ConnectionRefused("Internal server error"))

    def _refuse_unknown(self, name: str) -> None:
        # The same for 2.x clients, unlike a refusal by a middleware.
        self.send(Packet(PacketType.CONNECT_ERROR, name, {"message": "Invalid namespace"}))

    def _error_data(self, error: ConnectionRefused) -> Any:
        if self.session.protocol == 3:
            return error.message if error.data is None else error.data
        data = {} if error.data is None else {"data": error.data}
        return {"message": error.message, **data}

    def leave(self, socket: SocketCore) -> None:
        """Disconnect the client from one namespace."""
        name = socket.namespace.name
        if socket.connected:
            self.send(Packet(PacketType.DISCONNECT, name))
            self._left_by_server |= {name}
        self._sockets.pop(name, None)
        socket.on_close(SERVER_DISCONNECT)

    def disconnect(self) -> None:
        """Disconnect the client from all namespaces, and close the session."""
        for socket in list(self._sockets.values()):
            self.leave(socket)
        self.session.close()

    def send(self, packet: Packet) -> None:
        """Send a packet that is meant for this client alone.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        messages = self.parser.encode(packet)
        if len(messages) == 1:  # nearly always
            self.session.send_message(messages[0])
        else:
            self.session.send(OutgoingPacket.messages(messages))


def _split_namespace(name: str) -> tuple[str, dict[str, str]]:
    """A 2.x client puts the query of a namespace behind its name."""
    parts = urlsplit(name, allow_fragments=False)
    return parts.path or "/", dict(parse_qsl(parts.query, keep_blank_values=True))


async def _restore(namespace: Namespace, auth: Mapping[str, Any]) -> RestoredSocket | None:
    """What was kept of the socket that a client claims to continue."""
    pid, offset = auth.get("pid"), auth.get("offset")
    if namespace.recovery is None or not isinstance(pid, str):
        return None
    if not (offset is None or isinstance(offset, str)):
        return None
    namespace.take_over(pid)
    log = namespace.adapter.log
    if log is None:
        return None
    try:
        return await log.find(pid, offset)
    except Exception:
        logger.exception("a session cannot be restored; the client starts anew")
        return None
