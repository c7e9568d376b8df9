"""The way from a driver to the core."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeGuard

from ...runtime import Runtime
from ..membership import MALFORMED
from .message import MalformedMessage, Message

MAX_DELIVERIES = 4096
"""The number of messages that are remembered, from a broker that may send one twice."""


def _is_list(value: object) -> TypeGuard[list[object]]:
    """True for a list, of whatever."""
    return isinstance(value, list)


class RecentDeliveries:
    """The ids that a broker has given the last messages."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._known: set[str] = set()

    def add(self, delivery: str) -> bool:
        """Remember a message; False when it came before."""
        if delivery in self._known:
            return False
        self._known.add(delivery)
        self._order.append(delivery)
        if len(self._order) > MAX_DELIVERIES:
            self._known.discard(self._order.popleft())
        return True


class Namespace(Protocol):
    """A namespace of this server, as far as messages to it are concerned."""

    @property
    def keeps_missed(self) -> bool:
        """True if clients that are away may miss an event."""
        ...

    def has_members(self, room: str) -> bool:
        """True if a room has members in this process."""
        ...

    def rooms_with_members(self, *, private: bool = False) -> Iterable[str]:
        """The rooms that have members in this process."""
        ...


class Receiver(Protocol):
    """The core, as its inbox needs it."""

    runtime: Runtime
    server_id: str
    position: str | None

    def received(self, message: Message, position: str | None, delivery: str | None) -> None:
        """Called when a message came."""
        ...

    @property
    def namespaces(self) -> Mapping[str, Namespace]:
        """The namespaces of this server, by their names."""
        ...

    def peer_ended(self, server: str) -> None:
        """Called when a server has ended."""
        ...

    def dropped(self, reason: str, error: Exception | None = None) -> None:
        """Count a message that is not handled."""
        ...

    def lost(self, error: Exception) -> None:
        """Called when the driver is over."""
        ...

    def away(self, error: Exception) -> None:
        """Called when the driver has lost its broker for now."""
        ...

    def back(self, *, gap: bool) -> None:
        """Called when the driver has its broker again."""
        ...


class DriverInbox:
    """The core as its present driver sees it; see :class:`.Inbox`.

    Args:
        core: The core.

    Attributes:
        closed: Whether another driver has taken the place of that one.
    """

    def __init__(self, core: Receiver) -> None:
        self._core = core
        self.closed: bool = False

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        return self._core.runtime

    @property
    def server_id(self) -> str:
        """The id of this server."""
        return self._core.server_id

    @property
    def position(self) -> str | None:
        """The position to go on reading behind, after a loss."""
        return self._core.position

    def received(
        self, message: Message, position: str | None = None, delivery: str | None = None
    ) -> None:
        """Called when a message came."""
        if not self.closed:
            self._core.received(message, position, delivery)

    def malformed(self, reason: str, size: int, position: str | None = None) -> None:
        """Called when something came that is no message."""
        self.skipped(position)  # it is not worth a second look after a loss
        error = MalformedMessage(f"{reason}; {size} bytes")
        self._core.dropped(MALFORMED, error)

    def refused(self, error: Exception) -> None:
        """Called when the broker did not take a message."""
        self._core.dropped("the broker did not take a message", error)

    def wants(self, namespace: str, room: str | None) -> bool:
        """True if a broadcast concerns this server at all."""
        found = self._core.namespaces.get(namespace)
        if found is None:
            return False
        return room is None or found.keeps_missed or found.has_members(room)

    def skips(self, sender: object, namespace: object, rooms: object) -> bool:
        """True if an event is for nobody here, and need not be read."""
        if sender == self._core.server_id or not isinstance(namespace, str):
            return False
        found = self._core.namespaces.get(namespace)
        if found is None:
            return True
        if found.keeps_missed or not _is_list(rooms):
            return False
        # Without a room it is for everybody.
        return bool(rooms) and all(
            isinstance(room, str) and not found.has_members(room) for room in rooms
        )

    def skipped(self, position: str | None) -> None:
        """Called when an event came that need not be read."""
        if position is not None and not self.closed:
            self._core.position = position

    def rooms(self, namespace: str, *, private: bool = False) -> Iterable[str]:
        """The rooms of a namespace that have members here."""
        found = self._core.namespaces.get(namespace)
        return () if found is None else found.rooms_with_members(private=private)

    def server_gone(self, server: str) -> None:
        """Called when a server has ended."""
        if not self.closed:
            self._core.peer_ended(server)

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone, and this driver over."""
        if not self.closed:
            self.closed = True
            self._core.lost(error)

    def away(self, error: Exception) -> None:
        """Called when the broker is gone for now."""
        if not self.closed:
            self._core.away(error)

    def back(self, *, gap: bool) -> None:
        """Called when the broker is there again."""
        if not self.closed:
            self._core.back(gap=gap)
