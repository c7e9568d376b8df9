"""The interface between the core of a cluster and what moves its messages.

A driver is given messages, not bytes: official wires spread one message over channel, attributes,
row and body. It asks its wire for the form, and moves that. A new one is made for every attempt to
connect, so it need not be able to start twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from ...runtime import Runtime
from ...runtime.awaitables import DONE
from ..recovery import SavedSocket
from .message import MalformedMessage, Message

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""The largest event that is decoded: many times what a server sends to one client."""

RESERVED_BYTES = 64 * 1024
"""Bytes of the largest message that go around an event: rooms, and ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The properties of a driver's broker, as data for the core; valid after :meth:`Driver.start`.

    Attributes:
        positions: Whether the broker numbers the messages to all, and they can be read again.
        echo: Whether a server gets back what it has published.
        at_least_once: Whether a message may come twice; then each comes with an id.
        direct: Whether :meth:`Driver.respond` reaches one server alone.
        heartbeats: Whether it carries the heartbeats of the core, by which servers have names.
        counts: Whether :meth:`Driver.server_count` tells how many servers there are, those
            included that send no heartbeats.
        subscribes_rooms: Whether the driver must know which rooms have members here.
        private_rooms: Whether these include the room that each socket has for itself.
        foreign: Whether official servers may take part that send heartbeats in each namespace.
        max_payload: The largest event, in bytes; by default what :func:`hand_in` reads at the
            other end. None when there is no limit.
    """

    positions: bool = False
    echo: bool = True
    at_least_once: bool = False
    direct: bool = True
    heartbeats: bool = True
    counts: bool = False
    subscribes_rooms: bool = False
    private_rooms: bool = False
    foreign: bool = False
    max_payload: int | None = MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Census:
    """The servers that a broker sees at one moment.

    Attributes:
        servers: How many have a namespace, the one that asks included.
        absent: Those of the named ones that cannot be reached now.
    """

    servers: int
    absent: frozenset[str] = frozenset()


class Inbox(Protocol):
    """The core, as a driver sees it; everything is called in the thread of the event loop.

    Nothing raises, and nothing has to be awaited: a reader goes on with the next message.
    """

    @property
    def runtime(self) -> Runtime:
        """The event loop, with its clock and its tasks (``start_background``)."""
        ...

    @property
    def server_id(self) -> str:
        """The id of this server."""
        ...

    @property
    def position(self) -> str | None:
        """The position to go on reading behind, after a loss; None for the present."""
        ...

    def received(
        self, message: Message, position: str | None = None, delivery: str | None = None
    ) -> None:
        """Called when a message came, in the order of the broker.

        Args:
            message: The message.
            position: Its number, from a broker that gives some.
            delivery: The broker's id of the message, where it may come twice.
        """
        ...

    def malformed(self, reason: str, size: int, position: str | None = None) -> None:
        """Called when something came that is no message.

        Args:
            reason: What is wrong with it.
            size: How large it is, in bytes.
            position: Its number, from a broker that gives some.
        """
        ...

    def refused(self, error: Exception) -> None:
        """Called when the broker did not take a message, some time after it was published."""
        ...

    def wants(self, namespace: str, room: str | None) -> bool:
        """True if a broadcast concerns this server at all; to be asked before it is decoded.

        Args:
            namespace: The namespace.
            room: The only room that is meant, if that is known.
        """
        ...

    def skips(self, sender: object, namespace: object, rooms: object) -> bool:
        """True if an event without an acknowledgement is for nobody here, and need not be read.

        Args:
            sender: The id of the server that sent it, as it came.
            namespace: The namespace, as it came.
            rooms: The list of rooms that are meant, as it came.
        """
        ...

    def skipped(self, position: str | None) -> None:
        """Called when an event came that need not be read.

        Args:
            position: Its number, from a broker that gives some.
        """
        ...

    def rooms(self, namespace: str, *, private: bool = False) -> Iterable[str]:
        """The rooms of a namespace that have members here; official servers may ask for them.

        Args:
            namespace: The namespace.
            private: Whether to include the room that each socket has for itself.
        """
        ...

    def server_gone(self, server: str) -> None:
        """Called when the driver sees that a server has ended, such as by the end of its stream."""
        ...

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone: this driver is over, and another is to be started."""
        ...

    def away(self, error: Exception) -> None:
        """Called when the broker is gone for now: the library below tries to come back."""
        ...

    def back(self, *, gap: bool) -> None:
        """Called when the broker is there again.

        Args:
            gap: Whether messages may have been missed meanwhile.
        """
        ...


class Driver(ABC):
    """Moves messages between the servers of a cluster, over one broker.

    :meth:`publish` and :meth:`respond` are called in the thread of the event loop. They send at
    once, in the order of the calls; the awaitable that they return may be dropped.
    """

    traits: Traits
    position: str | None = None
    """The position that reading has begun behind; set by the start, where there are positions."""
    archive: Archive | None = None
    """The part of the broker that keeps sockets and messages; None when it keeps none."""

    @abstractmethod
    async def start(self, inbox: Inbox) -> bool:
        """Connect.

        Returns:
            Whether messages may have been missed since ``inbox.position``.

        Raises:
            NotRetryable: It makes no sense to try again.
            Exception: It does.
        """

    @abstractmethod
    async def close(self) -> None:
        """End the connection; also after a failed or cancelled start."""

    @abstractmethod
    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns a namespace; returns when that is confirmed."""

    @abstractmethod
    async def close_namespace(self, name: str) -> None:
        """End these subscriptions."""

    @abstractmethod
    def publish(self, message: Message) -> Awaitable[str | None]:
        """Send a message to all servers that have its namespace.

        Returns:
            An awaitable that ends when the broker has the message; gives its position, if it has
            one.
        """

    @abstractmethod
    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send a message to one server; where the broker cannot, to all, with its recipient."""

    async def server_count(self, namespace: str) -> int:
        """The number of servers that have a namespace, this one included; if ``traits.counts``."""
        raise NotImplementedError

    async def census(self, namespace: str, named: Collection[str]) -> Census:
        """The servers that have a namespace; if ``traits.counts``.

        Args:
            namespace: The namespace.
            named: The ids of servers; a broker that knows which of them are not there says so, and
                nobody waits for their answers.
        """
        return Census(await self.server_count(namespace))

    def position_of(self, namespace: str) -> str | None:
        """The position up to which a namespace was read, if the broker numbers each by itself."""
        return None

    def room_created(self, namespace: str, room: str) -> Awaitable[None]:
        """A room has its first member in this process; awaited until messages to it will come.

        It may be called for a room that is known.
        """
        return DONE

    def room_deleted(self, namespace: str, room: str) -> None:  # noqa: B027  # most need not know
        """A room has lost its last member in this process."""


def offset_of(position: str) -> str:
    """The offset that clients are told for a position: what is behind its ``@``, or all of it.

    So a broker can have positions that say more than official servers understand.
    """
    return position.rpartition("@")[2]


class Archive(ABC):
    """The memory of a broker for clients that come back: sockets, and messages to read again."""

    @abstractmethod
    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        """Keep a socket for that long; its data are plain."""

    @abstractmethod
    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        """Look a socket up; it stays where it is."""

    async def located(self, saved: SavedSocket, offset: str) -> str:
        """The position behind which a client says to have received nothing.

        Args:
            saved: Its socket.
            offset: The offset that it names; see :func:`offset_of`.

        Raises:
            ValueError: It is none of this broker.
            LookupError: It is not known any more.
        """
        return offset

    @abstractmethod
    async def take(self, namespace: str, pid: str) -> bool:
        """Remove a socket; True for exactly one caller in the whole cluster."""

    @abstractmethod
    def latest(self, *positions: str) -> str:
        """The latest of some positions.

        Raises:
            ValueError: One of them is none.
        """

    @abstractmethod
    def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        """The messages of a namespace behind a position, with their positions, in order.

        Events without an acknowledgement, changes of rooms, and disconnections; others may be among
        them.

        Raises:
            LookupError: They are not kept any more.
        """


Skips = Callable[[object, object, object], bool]
"""Tells which events need not be read; see :meth:`Inbox.skips`."""


class BytesWire(Protocol):
    """A form of messages that is one piece of bytes; a pure function in both directions."""

    def encode(self, message: Message) -> bytes:
        """Turn a message into bytes."""
        ...

    def decode(self, data: bytes) -> Message:
        """Turn bytes into a message.

        Raises:
            MalformedMessage: They are none.
        """
        ...

    def decode_unless(self, skips: Skips, data: bytes) -> Message | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: They are no message.
        """
        ...


def hand_in(
    inbox: Inbox,
    wire: BytesWire,
    data: bytes,
    position: str | None = None,
    delivery: str | None = None,
    *,
    max_bytes: int = MAX_MESSAGE_BYTES + RESERVED_BYTES,
) -> None:
    """Decode what came, and give it to the core; nothing that may come raises.

    Args:
        inbox: The core.
        wire: The form of messages.
        data: The data that came.
        position: Their number, from a broker that gives some.
        delivery: The broker's id of the message, where it may come twice.
        max_bytes: The most data that are read, in bytes.
    """
    if len(data) > max_bytes:
        return inbox.malformed(f"larger than {max_bytes} bytes", len(data), position)
    try:
        message = wire.decode_unless(inbox.skips, data)
    except MalformedMessage as error:
        return inbox.malformed(str(error), len(data), position)
    if message is None:
        inbox.skipped(position)
    else:
        inbox.received(message, position, delivery)
