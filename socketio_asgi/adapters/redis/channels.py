"""The names of the channels that official servers share with ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..cluster.message import Message, MessageType

SubscriptionMode = Literal["static", "dynamic", "dynamic-private"]
"""The rooms that have a channel of their own: none, those that are not private, or all."""

SID_LENGTH = 20
"""The length of the ids of sockets, by which official servers tell private rooms from others."""


@dataclass(frozen=True, slots=True)
class ClassicChannels:
    """The channels of the classic adapter.

    Args:
        key: The beginning of the names of all.
    """

    key: str

    def events(self, namespace: str) -> str:
        """The channel of events; the name of a room and ``#`` follow where one is meant."""
        return f"{self.key}#{namespace}#"

    def requests(self, namespace: str) -> str:
        """The channel of all that is no event, and no answer."""
        return f"{self.key}-request#{namespace}#"

    def responses(self, namespace: str, server: str | None = None) -> str:
        """The channel of answers, to all servers or to one."""
        channel = f"{self.key}-response#{namespace}#"
        return channel if server is None else f"{channel}{server}#"

    def of(self, message: Message) -> str:
        """The channel of a message to all servers."""
        if message.type is not MessageType.BROADCAST or message.request is not None:
            return self.requests(message.namespace)
        room, channel = message.room, self.events(message.namespace)
        return channel if room is None else f"{channel}{room}#"


@dataclass(frozen=True, slots=True)
class ShardedChannels:
    """The channels of the sharded adapter.

    Args:
        prefix: The beginning of the names of all.
        mode: The rooms that have a channel of their own.

    Raises:
        ValueError: There is no such mode.
    """

    prefix: str
    mode: SubscriptionMode

    def __post_init__(self) -> None:
        modes = get_args(SubscriptionMode)
        if self.mode not in modes:
            names = ", ".join(modes)
            raise ValueError(f"subscription_mode must be one of {names}, not {self.mode!r}")

    def all(self, namespace: str) -> str:
        """The channel of a namespace; the name of a room or server and ``#`` follow for one."""
        return f"{self.prefix}#{namespace}#"

    def has_room(self, room: str) -> bool:
        """True if a room has a channel of its own."""
        if self.mode == "dynamic":
            return len(room) != SID_LENGTH
        return self.mode == "dynamic-private"

    def of(self, message: Message) -> str:
        """The channel of a message to all servers."""
        channel = self.all(message.namespace)
        room = message.room if message.type is MessageType.BROADCAST else None
        return channel if room is None or not self.has_room(room) else f"{channel}{room}#"
