"""The messages of a cluster, whatever carries them from server to server.

A wire turns a :class:`Message` into the form that a broker carries, and back.

Source: the ClusterAdapter of https://github.com/socketio/socket.io/tree/main/packages/socket.io-adapter
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ...protocol import DecodeError, DefaultParser, Packet, PacketType, Parser
from ..base import SocketDetails
from ..packet import SharedPacket
from ..target import Target


class MessageType(IntEnum):
    """The types of messages, by their official numbers."""

    INITIAL_HEARTBEAT = 1
    """A server has begun; the others introduce themselves."""
    HEARTBEAT = 2
    BROADCAST = 3
    """With a request id: the clients' acknowledgements are asked for."""
    SOCKETS_JOIN = 4
    SOCKETS_LEAVE = 5
    DISCONNECT_SOCKETS = 6
    FETCH_SOCKETS = 7
    FETCH_SOCKETS_RESPONSE = 8
    SERVER_SIDE_EMIT = 9
    """With a request id: what the handler returns is asked for."""
    SERVER_SIDE_EMIT_RESPONSE = 10
    BROADCAST_CLIENT_COUNT = 11
    """The number of clients that a broadcast with acknowledgements has reached on one server."""
    BROADCAST_ACK = 12
    ADAPTER_CLOSE = 13
    """A server goes."""
    CLIENT_GONE = 64
    """A client left before it acknowledged. Ours alone; official servers ignore unknown types, and
    are not sent it."""


ANSWERS: frozenset[MessageType] = frozenset(
    {
        MessageType.FETCH_SOCKETS_RESPONSE,
        MessageType.SERVER_SIDE_EMIT_RESPONSE,
        MessageType.BROADCAST_CLIENT_COUNT,
        MessageType.BROADCAST_ACK,
        MessageType.CLIENT_GONE,
    }
)
"""The types of messages that are meant for the server that asked."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The description of a server of ours in its heartbeats.

    Attributes:
        digest: A short text that is another one for other namespaces.
        namespaces: The namespaces that it has; None in most heartbeats, where the digest will do.
        host: The name of its machine, beside the list of namespaces.
        pid: The id of its process there, beside the list of namespaces.
    """

    digest: str
    namespaces: frozenset[str] | None = None
    host: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class EventValues:
    """An event as its values, which servers of all kinds understand.

    Attributes:
        data: Its name, then its arguments.
        compress: Whether an HTTP response that carries it may be compressed.
    """

    data: list[Any]
    compress: bool = True

    def shared(self, namespace: str, parser: Parser) -> SharedPacket:
        """The event as a packet of this process."""
        packet = Packet(PacketType.EVENT, namespace, self.data)
        return SharedPacket(packet, parser, compress=self.compress)


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event that the server which sent it has encoded for the clients of all.

    Attributes:
        parser: The name of the parser, see :func:`parser_name`.
        messages: The Engine.IO messages.
        compress: Whether an HTTP response that carries it may be compressed.
    """

    parser: str
    messages: Sequence[str | bytes]
    compress: bool = True

    def shared(self, namespace: str, parser: Parser) -> SharedPacket:
        """The event as a packet of this process.

        It goes to clients as it is, so it must be an event for this namespace and no other packet.

        Raises:
            MalformedMessage: It is not, or was encoded by another parser.
        """
        own = parser_name(parser)
        if self.parser != own:
            raise MalformedMessage(f"encoded by {self.parser}, but the parser here is {own}")
        shared = SharedPacket.of_messages(self.messages, parser, compress=self.compress)
        if isinstance(parser, DefaultParser):
            good = self._looks_right(namespace)
        else:
            good = _is_event(shared, namespace)
        if not good:
            raise MalformedMessage("not an event of the namespace")
        return shared

    def _looks_right(self, namespace: str) -> bool:
        """Check the beginning and the end, which :class:`DefaultParser` makes in one way only."""
        first, *attachments = self.messages
        kind = f"5{len(attachments)}-" if attachments else "2"
        name = "" if namespace == "/" else namespace + ","
        if not isinstance(first, str) or not first.startswith(f"{kind}{name}["):
            return False
        return first.endswith("]") and all(isinstance(item, bytes) for item in attachments)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """An event for sockets.

    Attributes:
        event: The event: a packet on its way out; as values or encoded, when it came in.
        target: The sockets that it is meant for.
        timeout: How long the acknowledgements are waited for, in seconds; None without any.
        hears_gone: Whether the sender wants :attr:`MessageType.CLIENT_GONE`.
        number: The number by which the sender knows it when it reads it back, if it has to.
    """

    event: SharedPacket | EventValues | EncodedEvent
    target: Target
    timeout: float | None = None
    hears_gone: bool = False
    number: int | None = None


@dataclass(frozen=True, slots=True)
class RoomChange:
    """Rooms that sockets join or leave."""

    target: Target
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disconnection:
    """Sockets that are disconnected; with ``close`` their whole connections are closed."""

    target: Target
    close: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """A question for the sockets that are meant."""

    target: Target


@dataclass(frozen=True, slots=True)
class FoundSockets:
    """The sockets that a server has found, as plain data."""

    sockets: Sequence[Mapping[str, Any]]

    def details(self) -> list[SocketDetails]:
        """The sockets.

        Raises:
            MalformedMessage: They are none.
        """
        try:
            return [SocketDetails.from_dict(item) for item in self.sockets]
        except (ValueError, TypeError, OverflowError) as error:
            raise MalformedMessage(str(error)) from error


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event for the servers themselves: its name, then its arguments."""

    data: list[Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """The value that a handler of another server has answered with."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class ClientReply:
    """The values that a client of another server has answered with."""

    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientCount:
    """The number of clients that a server has reached."""

    clients: int


Body = (
    Presence
    | Broadcast
    | RoomChange
    | Disconnection
    | Fetch
    | FoundSockets
    | ServerEvent
    | Reply
    | ClientReply
    | ClientCount
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message between servers.

    Attributes:
        type: What kind of message it is.
        namespace: The namespace that it concerns.
        sender: The id of the server that sends it; empty where a broker's form does not say it.
        body: The content, by type; None for types without any.
        request: The id of the request that it is, or that it answers; None otherwise.
        recipient: The id of the server that is meant; None for all.
    """

    type: MessageType
    namespace: str
    sender: str
    body: Body | None = None
    request: str | None = None
    recipient: str | None = field(default=None, kw_only=True)

    @property
    def room(self) -> str | None:
        """The one room that it is meant for, where a driver may send it to the members alone."""
        body = self.body
        if self.request is None and isinstance(body, Broadcast) and len(body.target.rooms) == 1:
            return next(iter(body.target.rooms))
        return None


class MalformedMessage(ValueError):
    """The data that came from a broker are no message; they are counted, and dropped."""


def _is_event(shared: SharedPacket, namespace: str) -> bool:
    try:
        packet = shared.packet
    except DecodeError:
        return False
    return (packet.type, packet.namespace, packet.id) == (PacketType.EVENT, namespace, None)


def parser_name(parser: Parser) -> str:
    """The name by which servers tell whether they have the same parser."""
    return type(parser).__name__
