"""The servers that share sessions: ours say so, and have keys; others are known by what they send.

Servers of ours say hello on a channel that those in Node.js do not read, with the key that their
session ids are checked with.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..cluster.message import MalformedMessage
from .session_ids import KEY_BYTES, NODE_BYTES, is_genuine, new_session_id, node_of

FOREIGN_SECONDS = 600.0
"""The time for which a server in Node.js is remembered that was heard, where Redis does not say how
many there are."""


@dataclass(slots=True)
class EngineMember:
    """A server of ours.

    Attributes:
        node: Its id.
        instance: A number of its own: two servers may have made the same id.
        key: The key of its session ids.
        own_ids: Whether its application makes the ids of its sessions, which say nothing then.
        last_seen: The time of its last heartbeat, on the clock of the event loop, in seconds.
    """

    node: str
    instance: bytes
    key: bytes
    own_ids: bool
    last_seen: float


@dataclass(frozen=True, slots=True)
class Hello:
    """A server's word about itself.

    Attributes:
        node: Its id.
        instance: See :class:`EngineMember`.
        key: The key of its session ids.
        own_ids: See :class:`EngineMember`.
        asks: Whether it wants to know the others.
        leaves: Whether it ends.
    """

    node: str
    instance: bytes
    key: bytes
    own_ids: bool
    asks: bool
    leaves: bool

    def encode(self) -> bytes:
        """The hello as bytes."""
        import ormsgpack

        return ormsgpack.packb(
            {
                "node": self.node,
                "instance": self.instance,
                "key": self.key,
                "ownIds": self.own_ids,
                "asks": self.asks,
                "leaves": self.leaves,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Hello:
        """The hello that bytes are.

        Raises:
            MalformedMessage: They are none.
        """
        import ormsgpack

        try:
            fields: Any = ormsgpack.unpackb(data)
        except ValueError as error:
            raise MalformedMessage(f"no MessagePack: {error}") from error
        match cast("Mapping[str, Any]", fields):
            case {
                "node": str(node),
                "instance": bytes(instance),
                "key": bytes(key),
                "ownIds": bool(own_ids),
                "asks": bool(asks),
                "leaves": bool(leaves),
            } if _is_node(node) and len(key) == KEY_BYTES == len(instance):
                return cls(node, instance, key, own_ids, asks, leaves)
            case _:
                raise MalformedMessage("no hello")


def _is_node(node: str) -> bool:
    return len(node) == 2 * NODE_BYTES and set(node) <= set("0123456789abcdef")


class EngineMembers:
    """The servers, as one of them knows them.

    Args:
        now: Tells the time, in seconds.

    Attributes:
        node: The id of this server.
        instance: See :class:`EngineMember`.
        own_ids: Whether the application of this server makes the ids of its sessions.
        others: The other servers of ours, by their ids.
        foreign: The number of other engines, such as those in Node.js, by the last count; None
            where Redis does not count.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.node: str = ""
        self.instance: bytes = b""
        self._key = os.urandom(KEY_BYTES)
        self.own_ids: bool = False
        self.others: dict[str, EngineMember] = {}
        self.foreign: int | None = 0
        self._foreign_heard: float | None = None
        self.rename()

    def rename(self) -> None:
        """Take another id, because another server has the same."""
        self.node = secrets.token_hex(NODE_BYTES)
        self.instance = os.urandom(KEY_BYTES)

    def new_id(self) -> str:
        """The id of a new session."""
        return new_session_id(self.node, self._key)

    def hello(self, *, asks: bool = False, leaves: bool = False) -> Hello:
        """The word of this server about itself."""
        return Hello(self.node, self.instance, self._key, self.own_ids, asks, leaves)

    def heard(self, hello: Hello) -> EngineMember | None:
        """Take note of another server; returns the one that it was before, if it has begun anew."""
        known = self.others.get(hello.node)
        if hello.leaves:
            return self.others.pop(hello.node, None)
        self.others[hello.node] = EngineMember(
            hello.node, hello.instance, hello.key, hello.own_ids, self._now()
        )
        return known if known is not None and known.instance != hello.instance else None

    def is_ours(self, node: str) -> bool:
        """True for another server of ours."""
        return node in self.others

    def heard_foreign(self) -> None:
        """Take note of a message of a server that is none of ours."""
        self._foreign_heard = self._now()
        if self.foreign == 0:  # by the last count
            self.foreign = 1

    @property
    def has_foreign(self) -> bool:
        """True if there are engines that are none of ours."""
        if self.foreign is not None:
            return self.foreign > 0
        heard = self._foreign_heard
        return heard is not None and self._now() - heard < FOREIGN_SECONDS

    @property
    def alone(self) -> bool:
        """True if there is no other engine."""
        return not self.others and not self.has_foreign

    def owner(self, sid: str) -> str:
        """The server that a session id names; this one, too; empty if it was made up."""
        node = node_of(sid)
        if not node:
            return ""
        if node == self.node:
            return node if is_genuine(sid, self._key) else ""
        member = self.others.get(node)
        return node if member is not None and is_genuine(sid, member.key) else ""

    def may_be_elsewhere(self, sid: str) -> bool:
        """True for an id that says nothing, where others make such ids."""
        if self.has_foreign and len(sid) == FOREIGN_LENGTH:
            return True
        return any(member.own_ids for member in self.others.values())

    def silent(self, seconds: float) -> list[EngineMember]:
        """Forget the servers that were silent for so long; returns them."""
        limit = self._now() - seconds
        gone = [member for member in self.others.values() if member.last_seen < limit]
        for member in gone:
            del self.others[member.node]
        return gone


FOREIGN_LENGTH = 20
"""The characters of the ids of engines in Node.js, which look up no others."""
