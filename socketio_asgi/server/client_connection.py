"""A connection: one client with its sockets, one in each namespace that it has joined.

Source: https://socket.io/docs/v4/socket-io-protocol/#connection-to-a-namespace
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..adapters import RestoredSocket
from ..engine import SessionCore
from ..engine.handshake import Handshake
from ..exceptions import ConnectionRefused
from ..protocol import RESERVED_EVENTS, DecodeError, EncodeError, Packet, PacketType, Parser
from ..protocol.handshake import Connected, split_connect_name
from ..protocol.parser import DefaultDecoder, DefaultParser, encode_ack
from ..protocol.reasons import CLIENT_DISCONNECT, PARSE_ERROR, SERVER_DISCONNECT
from ..protocol.sizes import estimated_size
from ..protocol.states import SERVER_PACKET_ACTIONS, PacketAction, SocketState
from ..runtime import Runtime, TaskStarter
from ..runtime.deadlines import DeadlineQueue
from ..runtime.log_limit import LogLimit, may_log_fault
from ..websocket.python_events import binary_ack_frames
from ..websocket.reader import ack_frame
from .connection_load import LARGE, ConnectionLoad
from .core import ServerCore
from .joining import (
    CONTROL_CHARACTERS,
    MAX_NAME_LENGTH,
    LeftNames,
    Lookup,
    acceptance_packet,
    refusal_packet,
    restore,
    unknown_packet,
)
from .namespace_core import NamespaceCore
from .namespace_registry import NamespaceRegistry
from .socket import Socket
from .socket_core import SocketCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

# Global names, because members of an enum are slow on the way of every packet.
_EVENT, _CONNECTED, _ABSENT = PacketType.EVENT, SocketState.CONNECTED, SocketState.ABSENT


class ClientConnection(ConnectionLoad):
    """Leads the packets of one session to its sockets.

    Args:
        namespaces: The namespaces of the server.
        server: The inside of the server.
        session: The session below.
        join_deadlines: Connections that have joined no namespace yet, and must do so in time.

    Attributes:
        runtime: The event loop.
        parser: The parser that encodes packets.
        task_starter: Where the handlers of this client start.
    """

    __slots__ = (
        "__weakref__",
        "_decoder",
        "_join_deadlines",
        "_left",
        "_log_limit",
        "_lookups",
        "_namespaces",
        "_parts_size",
        "_plain_decoder",
        "_server",
        "_sockets",
        "_told_of_limit",
        "parser",
        "runtime",
        "task_starter",
    )

    def __init__(
        self,
        namespaces: NamespaceRegistry,
        server: ServerCore,
        session: SessionCore,
        join_deadlines: DeadlineQueue[ClientConnection],
    ) -> None:
        super().__init__(session, server.max_in_flight, server.max_bytes_in_flight)
        self.runtime: Runtime = session.runtime
        self.parser: Parser = server.parser
        self.task_starter: TaskStarter = self.runtime.task_starter(server.context)
        self._namespaces = namespaces
        self._server = server
        self._decoder = decoder = server.parser.decoder()
        # The same, if it is that of every official client: the short cuts are for its form alone.
        self._plain_decoder: DefaultDecoder | None = None
        if type(server.parser) is DefaultParser and isinstance(decoder, DefaultDecoder):
            self._plain_decoder = decoder if decoder.takes_attachments else None
        # The bytes of a packet that is not complete.
        self._parts_size = 0
        self._sockets: dict[str, SocketCore] = {}
        # Namespaces that the client has left, by itself or not; None until there is one.
        self._left: LeftNames | None = None
        # Namespaces that are looked for.
        self._lookups: dict[str, Lookup] = {}
        self._told_of_limit = False
        self._log_limit: LogLimit | None = None  # until there is something to log
        self._join_deadlines = join_deadlines

    @property
    def acks_awaited(self) -> int:
        """The number of acknowledgements that the client owes."""
        return sum(socket.acks_awaited for socket in self._sockets.values())

    def may_log(self, kind: object) -> bool:
        """True when the client may cause another line of the log, of that kind."""
        if self._log_limit is None:
            address = self.session.request.address
            self._log_limit = LogLimit(self.runtime.now, logger, address)
        return self._log_limit.may_log(kind)

    # -- in ----------------------------------------------------------------------------------

    def on_open(self) -> None:
        """The session is open."""
        self._join_deadlines.add(self)
        if self.session.protocol == 3:
            self._connect("/", {})  # a 2.x client joins the main namespace without asking

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        """Take a message that is a short event; False when :meth:`on_message` is to take it.

        The short cut of that, for an event of a socket that is connected.
        """
        decoder = self._plain_decoder
        if decoder is None or decoder.partial is not None:
            return False
        socket = self._sockets.get("/")
        if socket is None or socket.state is not _CONNECTED or items[0] in RESERVED_EVENTS:
            return False
        if not socket.on_short_event(number, items):
            socket.on_event(Packet(_EVENT, "/", items, number))
        return True

    def acknowledge(self, number: int, values: Sequence[Any]) -> bool:
        """Acknowledge an event of the main namespace; False when a packet is to be sent.

        The short cut of :meth:`send`.
        """
        if self._plain_decoder is None:
            return False
        writer = self.session.writer
        if writer is not None:
            frame = ack_frame(number, values)
            if frame is None and self.session.protocol != 3:
                frame = binary_ack_frames(number, values)
            return frame is not None and writer.write_frame(frame)
        text = encode_ack(number, values)
        if text is not None:
            self.session.send_message(text)
        return text is not None

    def on_message(self, data: str | bytes) -> None:
        """Take one message of the session."""
        try:
            packet = self._decoder.add(data)
        except DecodeError as error:
            return self._protocol_error(str(error))
        if packet is None:
            return self._on_part(data)
        if len(data) > LARGE or self._parts_size:
            self._measure(packet, data)
        socket = self._sockets.get(packet.namespace)
        if socket is not None and packet.type is _EVENT and socket.state is _CONNECTED:
            socket.on_event(packet)  # nearly always
        else:
            self._route(packet, socket)

    def _measure(self, packet: Packet, data: str | bytes) -> None:
        """Note the size of a packet that is complete with this message, if it is large."""
        if not self._parts_size:
            packet.size = estimated_size(data, packet.data)
            return
        size, self._parts_size = self._parts_size + len(data), 0  # an attachment is the last part
        if size > LARGE:
            packet.size = size

    def _on_part(self, data: str | bytes) -> None:
        """Check that the packet whose attachments are awaited may come: nothing is kept before."""
        packet: Packet | None = getattr(self._decoder, "partial", None)
        if isinstance(data, str) and len(data) > LARGE:
            self._parts_size += estimated_size(data, None if packet is None else packet.data)
        else:
            self._parts_size += len(data)
        if packet is not None:
            socket = self._sockets.get(packet.namespace)
            if packet.type is _EVENT and socket is not None and socket.state is _CONNECTED:
                return  # nearly always
            state = self._state(packet.namespace, socket)
            if (state, packet.type) not in SERVER_PACKET_ACTIONS:
                self._unexpected(packet)

    def _unexpected(self, packet: Packet) -> None:
        self._protocol_error(f"unexpected packet {packet.type.name}")

    def _route(self, packet: Packet, socket: SocketCore | None) -> None:
        name, auth = packet.namespace, packet.data
        if self.session.protocol == 3 and packet.type is PacketType.CONNECT:
            name, auth = split_connect_name(name)
            socket = self._sockets.get(name)
        state = self._state(name, socket)
        match SERVER_PACKET_ACTIONS.get((state, packet.type)):
            case PacketAction.CONNECT if state is _ABSENT:
                self._connect(name, auth or {}, packet.size)
            case PacketAction.CONNECT:
                self._connect_anew(name, auth or {}, packet.size)
            case PacketAction.DISPATCH if socket is not None:
                socket.on_event(packet)
            case PacketAction.HOLD if socket is not None:
                socket.on_event(packet)
            case PacketAction.HOLD:
                self._hold(self._lookups[name], packet)
            case PacketAction.ACKNOWLEDGE if socket is not None:
                socket.on_ack(packet)
            case PacketAction.DISCONNECT:
                self._leave_by_client(name)
                self._note_left(name)
            case PacketAction.IGNORE:
                pass
            case _:
                self._unexpected(packet)

    def _hold(self, lookup: Lookup, packet: Packet) -> None:
        """Let an event wait until its namespace is found."""
        lookup.held.append(packet)
        self.begin()
        if packet.size:
            self.large_began(packet.size)

    def _state(self, name: str, socket: SocketCore | None) -> SocketState:
        if socket is not None and socket.state is _CONNECTED:
            return _CONNECTED
        left = self._left is not None and name in self._left
        if socket is not None or name in self._lookups:
            return SocketState.REJOINING if left else SocketState.CONNECTING
        return SocketState.LEFT if left else _ABSENT

    def _protocol_error(self, problem: str) -> None:
        address = self.session.request.address
        if logger.isEnabledFor(logging.INFO) and self._server.clients_log.may_log(
            address, PARSE_ERROR
        ):
            logger.info("closing the connection of %s: %s", address, problem)
        self.session.end(PARSE_ERROR, problem, flush=True)

    def on_close(self, reason: str, description: str | None) -> None:
        """The session ended."""
        if self.session.runtime is not self.runtime:  # it ends in another event loop
            self.runtime = self.session.runtime
            self.task_starter = self.runtime.task_starter(self.task_starter.context)
        self._join_deadlines.discard(self)
        self._decoder.reset()
        for name in tuple(self._lookups):
            self._abandon_lookup(name)
        sockets, self._sockets = self._sockets, {}
        for socket in sockets.values():
            socket.on_close(reason, description)

    # -- namespaces --------------------------------------------------------------------------

    def _connect(self, name: str, auth: Mapping[str, Any], size: int = 0) -> None:
        """Decide about a CONNECT, whose ``auth`` takes so many bytes if it is large."""
        namespace = self._namespaces.find(name)
        if len(name) > MAX_NAME_LENGTH or CONTROL_CHARACTERS.search(name):
            self._protocol_error("the name of a namespace is too long, or has control characters")
        elif len(self._sockets) + len(self._lookups) >= self._server.max_namespaces:
            self._refuse_further(name)
        elif size and size + self._auth_size() > self._server.max_bytes_in_flight:
            self.refuse(name, ConnectionRefused("Too much auth data"))
        elif namespace is not None and not (namespace.recovery and "pid" in auth):
            self._join(namespace, auth, size)
        elif namespace is not None or self._namespaces.dynamic:
            self._lookups[name] = lookup = Lookup(auth, size)
            self.join_began()
            self.task_starter.start(self._look_for, name, lookup)
        else:
            self.send(unknown_packet(name))

    def _auth_size(self) -> int:
        """The bytes of everything large that the client gave with its CONNECT packets."""
        joining = sum(lookup.size for lookup in self._lookups.values())
        return joining + sum(socket.handshake.size for socket in self._sockets.values())

    async def _look_for(self, name: str, lookup: Lookup) -> None:
        try:
            await self._find_and_join(name, lookup)
        finally:
            self.join_ended()

    async def _find_and_join(self, name: str, lookup: Lookup) -> None:
        if self._lookups.get(name) is not lookup:
            return  # the client left before this task began, which on trio is a little later
        auth = lookup.auth
        restored: RestoredSocket | None = None
        namespace = self._namespaces.find(name)
        if namespace is None:
            namespace = await self._namespaces.match(name, auth)
        if namespace is not None:
            namespace.joining_expected()  # so that it stays until the client is in there
            restored = await restore(namespace, auth)
        # Otherwise the client has left meanwhile; perhaps it has asked again.
        if self._lookups.get(name) is lookup:
            held = self._abandon_lookup(name)
            if namespace is None:
                self.send(unknown_packet(name))
            else:
                self._join(namespace, auth, lookup.size, restored, held)
        if namespace is not None:
            namespace.joining_ended()

    def _connect_anew(self, name: str, auth: Mapping[str, Any], size: int) -> None:
        """Let the client begin anew in a namespace that it is in, or was."""
        self._leave_by_client(name)
        if self.session.ready_state == "open":  # a handler of "disconnect" may close it
            self._connect(name, auth, size)

    def _abandon_lookup(self, name: str) -> list[Packet]:
        """Look for a namespace no longer; returns the events that waited for it."""
        lookup = self._lookups.pop(name, None)
        if lookup is None:
            return []
        for packet in lookup.held:
            self.end()
            if packet.size:
                self.large_ended(packet.size)
        return lookup.held

    def _join(
        self,
        namespace: NamespaceCore,
        auth: Mapping[str, Any],
        size: int,
        restored: RestoredSocket | None = None,
        held: Sequence[Packet] = (),
    ) -> None:
        name = namespace.name
        handshake = Handshake(self.session.request, dict(auth), size)
        socket = SocketCore(namespace, self, handshake, restored)
        Socket(socket)
        self._sockets[name] = socket
        if self._left is not None and name in self._left:
            socket.hold()
        for packet in held:
            socket.on_event(packet)
        socket.start()

    def accept(self, socket: SocketCore) -> None:
        """Tell the client that it has joined a namespace."""
        self._join_deadlines.discard(self)
        if self._left is not None:
            self._left.discard(socket.namespace.name)
        joined = Connected(socket.id, socket.pid)
        self.send(acceptance_packet(self.session.protocol, socket.namespace.name, joined))

    def refuse(self, name: str, error: ConnectionRefused) -> None:
        """Tell the client that it may not join a namespace."""
        self._sockets.pop(name, None)
        self._await_join()
        try:
            self.send(refusal_packet(self.session.protocol, name, error))
        except EncodeError as problem:
            if may_log_fault("a refusal", problem):
                logger.exception("the client cannot be told why it may not join %s", name)
            self.refuse(name, ConnectionRefused("Internal server error"))

    def _refuse_further(self, name: str) -> None:
        if not self._told_of_limit:
            self._told_of_limit = True
            address = self.session.request.address
            if logger.isEnabledFor(logging.INFO) and self._server.clients_log.may_log(
                address, "names"
            ):
                logger.info(
                    "%s may join no more than %d namespaces (max_namespaces)",
                    address,
                    self._server.max_namespaces,
                )
        self.refuse(name, ConnectionRefused("Too many namespaces"))

    def leave(self, socket: SocketCore) -> None:
        """Disconnect the client from one namespace."""
        name = socket.namespace.name
        if socket.connected:
            self.send(Packet(PacketType.DISCONNECT, name))
        self._forget_socket(name)
        socket.on_close(SERVER_DISCONNECT)

    def _leave_by_client(self, name: str) -> None:
        """End what the client has in a namespace: it says so, or begins anew there."""
        self._abandon_lookup(name)
        socket = self._forget_socket(name)
        if socket is not None:
            socket.on_close(CLIENT_DISCONNECT)

    def _forget_socket(self, name: str) -> SocketCore | None:
        socket = self._sockets.pop(name, None)
        if socket is not None and socket.connected:
            self._note_left(name)
        self._await_join()
        return socket

    def _await_join(self) -> None:
        """Close the connection after some time, if the client is in no namespace any more."""
        deadlines = self._join_deadlines
        if not self._joined() and self not in deadlines and self.session.ready_state == "open":
            deadlines.add(self)

    def _joined(self) -> bool:
        """True when the client is in a namespace."""
        return any(socket.connected for socket in self._sockets.values())

    def _note_left(self, name: str) -> None:
        """Expect that packets for a namespace are still under way."""
        if self._left is None:
            self._left = LeftNames()
        self._left.add(name)

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
            self.session.send_messages(messages)
