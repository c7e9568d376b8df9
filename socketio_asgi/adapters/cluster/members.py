"""The servers of a cluster that are known to live.

A server of ours says with one heartbeat which namespaces it has. An official one has a heartbeat
for each of its namespaces, and is known in those where it was heard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from .message import Presence

MAX_MEMBERS = 4096
"""The most servers that are remembered; more are no cluster, but a fault."""


@dataclass(slots=True)
class _Member:
    """A server of ours, and the namespaces that it last listed: ``complete`` while they are all."""

    heard: float
    digest: str
    namespaces: frozenset[str]
    complete: bool


class Members:
    """The other servers, when each was heard, and what it has; a table without a clock."""

    def __init__(self) -> None:
        self._ours: dict[str, _Member] = {}
        # Official servers, by namespace.
        self._foreign: dict[str, dict[str, float]] = {}

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all of them."""
        return frozenset(self._ours).union(*self._foreign.values())

    def of(self, namespace: str) -> set[str]:
        """The ids of the servers that have a namespace, as far as they are known."""
        found = {server for server, member in self._ours.items() if namespace in member.namespaces}
        return found.union(self._foreign.get(namespace, ()))

    def has_foreign(self, namespace: str) -> bool:
        """True if official servers have a namespace."""
        return bool(self._foreign.get(namespace))

    # -- what is heard -----------------------------------------------------------------------

    def heard(self, server: str, now: float) -> bool:
        """Note that a server of ours has sent something; False when none has that id."""
        member = self._ours.get(server)
        if member is None:
            return False
        member.heard = now
        return True

    def heard_foreign(self, server: str, namespace: str, now: float) -> None:
        """Called when an official server has sent something."""
        servers = self._foreign.setdefault(namespace, {})
        if server in servers or len(servers) < MAX_MEMBERS:
            servers[server] = now

    def introduced(self, server: str, presence: Presence, now: float) -> frozenset[str]:
        """A server of ours has said what it has.

        Returns:
            The namespaces that it had before, and has no more.
        """
        before = self._ours.get(server)
        if before is None and len(self._ours) >= MAX_MEMBERS:
            return frozenset()
        had: frozenset[str] = frozenset() if before is None else before.namespaces
        same = before is not None and before.complete and before.digest == presence.digest
        has, complete = presence.namespaces, True
        if has is None:
            has, complete = had, same
        for servers in self._foreign.values():
            servers.pop(server, None)  # it was heard before it was known to be one of ours
        self._ours[server] = _Member(now, presence.digest, has, complete)
        return had - has

    def is_incomplete(self, server: str) -> bool:
        """True if a server of ours has other namespaces by now than it has listed."""
        member = self._ours.get(server)
        return member is not None and not member.complete

    # -- ends --------------------------------------------------------------------------------

    def remove(self, server: str) -> None:
        """Called when a server has ended."""
        self._ours.pop(server, None)
        for servers in self._foreign.values():
            servers.pop(server, None)

    def remove_from(self, server: str, namespace: str) -> None:
        """Called when an official server has closed a namespace."""
        self._foreign.get(namespace, {}).pop(server, None)

    def expire(self, before: float) -> list[tuple[str, str | None]]:
        """Remove the servers that were not heard since then.

        Returns:
            Their ids, and the namespace in which an official one was silent.
        """
        gone: list[tuple[str, str | None]] = [
            (server, None) for server, member in self._ours.items() if member.heard < before
        ]
        for namespace, servers in self._foreign.items():
            gone += [(server, namespace) for server, heard in servers.items() if heard < before]
        for server, where in gone:
            if where is None:
                del self._ours[server]
            else:
                del self._foreign[where][server]
        return gone

    def refresh(self, now: float) -> None:
        """Count the time anew for all: none could be heard until now."""
        for member in self._ours.values():
            member.heard = now
        for servers in self._foreign.values():
            for server in servers:
                servers[server] = now


def presence_of(namespaces: Iterable[str], *, complete: bool) -> Presence:
    """The description of a server that its heartbeats carry.

    Args:
        namespaces: The namespaces that it has.
        complete: Whether to list them.
    """
    names = frozenset(namespaces)
    digest = hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "replace")).hexdigest()[:16]
    return Presence(digest, names if complete else None)
