"""The interface of adapters.

An adapter serves one namespace. It knows which socket is in which room and hands packets to the
sockets that they are meant for; an adapter for a cluster also hands them to other processes.

Source: https://socket.io/docs/v4/adapter/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..protocol import Frame, Packet, Parser


class Outgoing:
    """A packet on its way out, encoded when the first recipient is found, and only then.

    Args:
        packet: The packet.
        parser: How it is encoded.
        compress: Whether an HTTP response that carries it may be compressed.

    Attributes:
        packet: The packet.
    """

    __slots__ = ("_compress", "_frames", "_parser", "packet")

    def __init__(self, packet: Packet, parser: Parser, *, compress: bool = True) -> None:
        self.packet = packet
        self._parser = parser
        self._compress = compress
        self._frames: Sequence[Frame] | None = None

    @property
    def frames(self) -> Sequence[Frame]:
        """The encoded packet and its attachments.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        if self._frames is None:
            encoded = self._parser.encode(self.packet)
            self._frames = [Frame.message(item, compress=self._compress) for item in encoded]
        return self._frames


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a broadcast is meant for.

    Attributes:
        rooms: The rooms whose members get it, each socket once; empty means everybody.
        excluded: The rooms whose members do not get it.
        volatile: Whether sockets that cannot take it at once miss it.
        local: Whether it stays in this process.
    """

    rooms: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    volatile: bool = False
    local: bool = False


class Recipient(Protocol):
    """A connected socket, as an adapter sees it."""

    def deliver(self, frames: Sequence[Frame], volatile: bool) -> None:
        """Queue an encoded packet for the client."""
        ...


class LocalNamespace(Protocol):
    """The part of a namespace in this process, as an adapter sees it."""

    @property
    def name(self) -> str:
        """The name of the namespace, with its slash."""
        ...

    @property
    def recipients(self) -> Mapping[str, Recipient]:
        """The connected sockets by id."""
        ...


class Adapter(ABC):
    """Keeps the rooms of one namespace, and leads packets to their sockets.

    All methods are called in the thread of the event loop, act at once as far as this process is
    concerned, and return an awaitable for what takes longer.

    Args:
        namespace: The namespace it serves.
    """

    def __init__(self, namespace: LocalNamespace) -> None:
        self.namespace = namespace

    @abstractmethod
    def join(self, sid: str, rooms: Sequence[str]) -> Awaitable[None]:
        """Add a socket to rooms."""

    @abstractmethod
    def leave(self, sid: str, room: str) -> Awaitable[None]:
        """Take a socket out of a room; does nothing when it is not in there."""

    @abstractmethod
    def leave_all(self, sid: str) -> Awaitable[None]:
        """Take a socket that is about to go out of all rooms."""

    @abstractmethod
    def rooms_of(self, sid: str) -> frozenset[str]:
        """The rooms of a socket, without the one of its own."""

    @abstractmethod
    def broadcast(self, outgoing: Outgoing, target: Target) -> Awaitable[None]:
        """Hand a packet to all sockets that it is meant for."""

    @abstractmethod
    async def close(self) -> None:
        """Give back what the adapter holds outside this process."""


AdapterFactory = Callable[[LocalNamespace], Adapter]
"""Makes the adapter of a namespace; the class of an adapter is one."""
