"""The observer of the adapters, for metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .states import AdapterState


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a cluster, as it was when it was looked at.

    Of official servers no more is known than their ids, and the namespaces in which they were
    heard.

    Attributes:
        id: Its id, which it has until its process ends.
        host: The name of its machine; None when unknown.
        pid: The id of its process there; None when unknown.
        namespaces: The namespaces that it has.
        since: The time since which this server knows it.
        last_seen: The time of its last message.
        is_self: Whether it is this server.
    """

    id: str
    host: str | None
    pid: int | None
    namespaces: frozenset[str]
    since: datetime
    last_seen: datetime
    is_self: bool = False


class AdapterObserver:
    """An observer of a server's adapters; every method may be overridden, and does nothing.

    All are called in the thread of the event loop, at once, and must not take long. Without an
    observer nothing is called.
    """

    def broadcast(self, namespace: str, recipients: int) -> None:
        """Called when a packet was handed to sockets of this process.

        Args:
            namespace: The name of the namespace.
            recipients: How many sockets were meant.
        """

    def room_joined(self, namespace: str, room: str, sid: str) -> None:
        """Called when a connected socket of this process has joined a room.

        Args:
            namespace: The name of the namespace.
            room: The room.
            sid: The id of the socket.
        """

    def room_left(self, namespace: str, room: str, sid: str) -> None:
        """Called when a connected socket of this process has left a room.

        Args:
            namespace: The name of the namespace.
            room: The room.
            sid: The id of the socket.
        """

    def adapter_state(self, state: AdapterState, error: Exception | None) -> None:
        """Called when the state of a server's adapters has changed.

        Args:
            state: The new state.
            error: The cause, if it was an error.
        """

    def member_joined(self, member: Member) -> None:
        """Called when another server of the cluster has introduced itself.

        Args:
            member: The server.
        """

    def member_left(self, member: Member) -> None:
        """Called when another server of the cluster has ended, or was silent for too long.

        Args:
            member: The server, as it was last known.
        """

    def messages_dropped(self, reason: str, count: int) -> None:
        """Called when messages of a cluster were not sent, or not handled.

        Args:
            reason: Why, in a few words that do not change; usable as a label.
            count: How many.
        """


def hears_of_rooms(observer: AdapterObserver | None) -> bool:
    """True when an observer wants to know who joins and leaves rooms."""
    if observer is None:
        return False
    kind = type(observer)
    return (
        kind.room_joined is not AdapterObserver.room_joined
        or kind.room_left is not AdapterObserver.room_left
    )
