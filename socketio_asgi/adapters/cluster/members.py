"""The servers of a cluster that are known to live.

A server of ours says with one heartbeat which namespaces it has. An official one has a heartbeat
for each of its namespaces, and is known in those where it was heard.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .message import Presence
from .wires.checks import MAX_HOST_LENGTH

MAX_GOODBYES = 256
"""The most servers whose goodbye is remembered: brokers may deliver what they sent before it later.
"""

MAX_MEMBERS = 4096
"""The most servers that are remembered; more are no cluster, but a fault."""


@dataclass(slots=True)
class _Member:
    """A server of ours, and the namespaces that it last listed: ``complete`` while they are all."""

    heard: float
    digest: str
    namespaces: frozenset[str]
    complete: bool
    host: str | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class KnownServer:
    """Everything that is known of another server.

    Attributes:
        id: Its id.
        namespaces: The namespaces that it has, as far as they are known.
        since: The time since which it is known, on the clock of the event loop, in seconds.
        heard: The time of its last message, on that clock.
        host: The name of its machine, if it is one of ours.
        pid: The id of its process there, if it is one of ours.
    """

    id: str
    namespaces: frozenset[str]
    since: float
    heard: float
    host: str | None
    pid: int | None


Listener = Callable[[KnownServer], object]


class Members:
    """The other servers, when each was heard, and what it has; a table without a clock.

    Args:
        on_joined: Called when a server has introduced itself.
        on_left: Called when it has gone.
    """

    def __init__(self, on_joined: Listener, on_left: Listener) -> None:
        self._on_joined = on_joined
        self._on_left = on_left
        self._ours: dict[str, _Member] = {}
        # Official servers, by namespace.
        self._foreign: dict[str, dict[str, float]] = {}
        # Those that have joined and not left yet, and since when.
        self._since: dict[str, float] = {}
        # Servers of ours, and official ones with the namespace, that have said goodbye.
        self._goodbyes: OrderedDict[tuple[str, str | None], None] = OrderedDict()

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

    def known(self) -> list[KnownServer]:
        """Descriptions of all, in the order in which they came."""
        return [known for server in self._since if (known := self._described(server))]

    def _described(self, server: str) -> KnownServer | None:
        member, since = self._ours.get(server), self._since[server]
        if member is not None:
            names, heard = member.namespaces, member.heard
            return KnownServer(server, names, since, heard, member.host, member.pid)
        heard_in = {name: of[server] for name, of in self._foreign.items() if server in of}
        if not heard_in:
            return None
        return KnownServer(
            server, frozenset(heard_in), since, max(heard_in.values()), host=None, pid=None
        )

    def _note_joined(self, server: str, now: float) -> None:
        if server not in self._since:
            self._since[server] = now
            if known := self._described(server):
                self._on_joined(known)

    def _note_left(self, server: str, before: KnownServer | None) -> None:
        if before is not None and self._described(server) is None:
            del self._since[server]
            self._on_left(before)

    def _before(self, server: str) -> KnownServer | None:
        return self._described(server) if server in self._since else None

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
            self._note_joined(server, now)

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
        has, complete, host, pid = presence.namespaces, True, presence.host, presence.pid
        if has is None:
            has, complete = had, same
            host, pid = (before.host, before.pid) if before is not None else (None, None)
        for servers in self._foreign.values():
            servers.pop(server, None)  # it was heard before it was known to be one of ours
        self._ours[server] = _Member(now, presence.digest, has, complete, host, pid)
        if complete:
            self._note_joined(server, now)
        return had - has

    def is_incomplete(self, server: str) -> bool:
        """True if a server of ours has other namespaces by now than it has listed."""
        member = self._ours.get(server)
        return member is not None and not member.complete

    # -- ends --------------------------------------------------------------------------------

    def said_goodbye(self, server: str, namespace: str | None) -> None:
        """Remember that a server of ours has ended, or that an official one has in a namespace."""
        self._goodbyes[server, namespace] = None
        while len(self._goodbyes) > MAX_GOODBYES:
            self._goodbyes.popitem(last=False)

    def forget_goodbye(self, server: str, namespace: str) -> None:
        """Called when an official server begins anew in a namespace; those of ours never do."""
        self._goodbyes.pop((server, namespace), None)

    def has_said_goodbye(self, server: str, namespace: str) -> bool:
        """True if what comes from a server now was sent before its end."""
        goodbyes = self._goodbyes
        return (server, None) in goodbyes or (server, namespace) in goodbyes

    def remove(self, server: str) -> None:
        """Called when a server has ended."""
        before = self._before(server)
        self._ours.pop(server, None)
        for servers in self._foreign.values():
            servers.pop(server, None)
        self._note_left(server, before)

    def remove_from(self, server: str, namespace: str) -> None:
        """Called when an official server has closed a namespace."""
        before = self._before(server)
        self._foreign.get(namespace, {}).pop(server, None)
        self._note_left(server, before)

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
                self.remove(server)
            else:
                self.remove_from(server, where)
        return gone

    def refresh(self, now: float) -> None:
        """Count the time anew for all: none could be heard until now."""
        for member in self._ours.values():
            member.heard = now
        for servers in self._foreign.values():
            for server in servers:
                servers[server] = now


def presence_of(namespaces: Iterable[str], *, complete: bool) -> Presence:
    """The description of this server that its heartbeats carry.

    Args:
        namespaces: The namespaces that it has.
        complete: Whether to list them, and to say where it runs.
    """
    names = frozenset(namespaces)
    digest = hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "replace")).hexdigest()[:16]
    if not complete:
        return Presence(digest)
    return Presence(digest, names, socket.gethostname()[:MAX_HOST_LENGTH], os.getpid())
