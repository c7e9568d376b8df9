"""The heartbeats of a server, by which the others know that it lives, and it knows of them.

One heartbeat for the whole process, in the main namespace, which every server has: a heartbeat for
each namespace would grow with servers times namespaces. Only where official servers take part,
which know nothing of that, there is one in each namespace that such a server has.

Source: ClusterAdapterWithHeartbeat of https://github.com/socketio/socket.io
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ...runtime import Cancellable, Runtime
from .members import Members, presence_of
from .message import Message, MessageType, Presence
from .options import ClusterOptions

SWEEP_SECONDS = 1.0
"""The time between two looks for servers that are silent."""

GATHER_SECONDS = 0.2
"""The time for answers to the first heartbeat, before a question counts on knowing all servers."""

ANNOUNCE_SECONDS = 0.1
"""The time in which changes of the namespaces are gathered, before the others are told."""

MAIN = "/"
"""The namespace of the heartbeats."""

EMITTER = "emitter"
"""The id by which emitters send, which are no servers."""


class Peers(Protocol):
    """The core, as the heartbeats need it."""

    runtime: Runtime
    server_id: str
    members: Members
    options: ClusterOptions

    def tell_all(self, message: Message) -> Awaitable[object] | None:
        """Send a message to all of them; it is lost when the broker is away."""
        ...

    def tell(self, server: str, message: Message) -> object:
        """Send a message to one of them."""
        ...

    def server_gone(self, server: str, namespaces: Iterable[str] | None) -> None:
        """Note that one of them has ended, or no longer has these namespaces."""
        ...


class Heartbeats:
    """Sends heartbeats, and keeps the members from those of the others.

    Args:
        peers: The way to the other servers.
        namespaces: The names of the namespaces of this server.
    """

    def __init__(self, peers: Peers, namespaces: Callable[[], Iterable[str]]) -> None:
        self._peers = peers
        self._runtime = peers.runtime
        self._server_id = peers.server_id
        self._members = peers.members
        self._namespaces = namespaces
        self._interval = peers.options.heartbeat_interval
        self._timeout = peers.options.heartbeat_timeout
        self._sweep_seconds = min(SWEEP_SECONDS, self._timeout / 10)
        self._foreign = False
        self._timers: dict[str, Cancellable] = {}
        self._last_sweep = 0.0
        self._sent: float | None = None  # the time of one that has not come back yet
        self._lag: float | None = None

    @property
    def lag(self) -> float | None:
        """The time that the last heartbeat took until it came back; see :class:`.ClusterHealth`."""
        if self._lag is None or self._sent is None:
            return self._lag
        return max(self._lag, self._runtime.now() - self._sent)

    # -- sending -----------------------------------------------------------------------------

    def begin(self, *, foreign: bool) -> None:
        """The broker is there: say that this server lives, and ask which others do.

        Args:
            foreign: Whether official servers may take part.
        """
        self.pause()
        self._foreign = foreign
        self._last_sweep = self._runtime.now()
        self._members.refresh(self._last_sweep)
        self._send(MessageType.INITIAL_HEARTBEAT, complete=True)
        self._send_foreign(MessageType.INITIAL_HEARTBEAT, self._namespaces())
        self._after(self._interval, "beat", self._beat)
        self._after(self._sweep_seconds, "sweep", self._sweep)

    def pause(self) -> None:
        """Called when the broker is away, or this server ends."""
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        self._sent = None

    def namespace_opened(self, name: str) -> None:
        """Take in a namespace that this server has now."""
        self._announce_soon()
        self._send_foreign(MessageType.INITIAL_HEARTBEAT, [name])

    def namespace_closed(self, name: str) -> None:
        """Drop a namespace that this server no longer has."""
        self._announce_soon()
        if self._foreign:
            self._peers.tell_all(Message(MessageType.ADAPTER_CLOSE, name, self._server_id))

    def _announce_soon(self) -> None:
        # Dynamic namespaces may come by the hundred, and the list has all.
        if "announce" not in self._timers:
            self._after(ANNOUNCE_SECONDS, "announce", self._announce)

    def _announce(self) -> None:
        del self._timers["announce"]
        self._send(MessageType.HEARTBEAT, complete=True)

    def goodbye(self) -> Awaitable[object] | None:
        """This server ends; returns what can be awaited until the broker knows."""
        self.pause()
        self._send_foreign(MessageType.ADAPTER_CLOSE, self._namespaces())
        return self._send(MessageType.ADAPTER_CLOSE)

    def _send(self, type_: MessageType, *, complete: bool = False) -> Awaitable[object] | None:
        if self._sent is None:
            self._sent = self._runtime.now()
        return self._peers.tell_all(self._heartbeat(type_, complete=complete))

    def _heartbeat(self, type_: MessageType, *, complete: bool) -> Message:
        presence = presence_of(self._namespaces(), complete=complete)
        return Message(type_, MAIN, self._server_id, presence)

    def _send_foreign(self, type_: MessageType, names: Iterable[str]) -> None:
        """Tell official servers the same, in each of these namespaces."""
        if self._foreign:
            presence = presence_of(self._namespaces(), complete=False)
            for name in names:
                if name != MAIN:
                    self._peers.tell_all(Message(type_, name, self._server_id, presence))

    def _beat(self) -> None:
        self._after(self._interval, "beat", self._beat)
        self._send(MessageType.HEARTBEAT)
        foreign = [name for name in self._namespaces() if self._members.has_foreign(name)]
        self._send_foreign(MessageType.HEARTBEAT, foreign)

    def _sweep(self) -> None:
        now = self._runtime.now()
        paused = now - self._last_sweep > self._sweep_seconds + self._timeout / 2
        self._last_sweep = now
        self._after(self._sweep_seconds, "sweep", self._sweep)
        if paused:  # this process was stopped: what came meanwhile is read first
            return
        for server, namespace in self._members.expire(now - self._timeout):
            self._peers.server_gone(server, None if namespace is None else (namespace,))

    def _after(self, seconds: float, name: str, callback: Callable[[], object]) -> None:
        self._timers[name] = self._runtime.call_later(seconds, callback)

    # -- hearing -----------------------------------------------------------------------------

    def read_back(self) -> None:
        """A heartbeat of this server came back."""
        if self._sent is not None:
            self._lag = self._runtime.now() - self._sent
            self._sent = None

    def heard(self, message: Message) -> None:
        """A message of another server came: that server lives."""
        now = self._runtime.now()
        if self._members.heard(message.sender, now) or not self._foreign:
            return
        if self._members.has_said_goodbye(message.sender, message.namespace):
            return
        if message.sender not in {EMITTER, ""} and not isinstance(message.body, Presence):
            self._members.heard_foreign(message.sender, message.namespace, now)

    def received(self, message: Message) -> None:
        """A heartbeat, or a goodbye."""
        presence = message.body if isinstance(message.body, Presence) else None
        if message.type is MessageType.ADAPTER_CLOSE:
            self._on_goodbye(message, presence)
        elif self._members.has_said_goodbye(message.sender, message.namespace):
            self._on_late(message)
        elif presence is None:
            if message.type is MessageType.INITIAL_HEARTBEAT:
                answer = Message(MessageType.HEARTBEAT, message.namespace, self._server_id)
                self._peers.tell_all(answer)
        else:
            self._introduced(message, presence)

    def _on_late(self, message: Message) -> None:
        """Drop a heartbeat that has come behind the goodbye, unless an official server is back."""
        if message.body is None and message.type is MessageType.INITIAL_HEARTBEAT:
            self._members.forget_goodbye(message.sender, message.namespace)
            if not self._members.has_said_goodbye(message.sender, message.namespace):
                self.heard(message)
                self.received(message)

    def _on_goodbye(self, message: Message, presence: Presence | None) -> None:
        self._members.said_goodbye(message.sender, None if presence else message.namespace)
        if presence is not None:
            self.server_gone(message.sender)
        else:
            self._members.remove_from(message.sender, message.namespace)
            self._peers.server_gone(message.sender, (message.namespace,))

    def _introduced(self, message: Message, presence: Presence) -> None:
        sender, now = message.sender, self._runtime.now()
        closed = self._members.introduced(sender, presence, now)
        if closed:
            self._peers.server_gone(sender, closed)
        if message.type is MessageType.INITIAL_HEARTBEAT:
            if message.namespace == MAIN:
                answer = self._heartbeat(MessageType.HEARTBEAT, complete=True)
                self._peers.tell(sender, answer)
        elif message.namespace == MAIN and self._members.is_incomplete(sender):
            question = self._heartbeat(MessageType.INITIAL_HEARTBEAT, complete=True)
            self._peers.tell(sender, question)

    def server_gone(self, server: str) -> None:
        """Called when a server has ended: it said so, or its connection did."""
        self._members.remove(server)
        self._peers.server_gone(server, None)
