"""The core of a cluster: one for each server, in one event loop.

It has the driver, the members, the open questions, and what waits while the broker is away. The
adapters of the namespaces publish and ask through it; what comes in is led to them.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextvars import copy_context
from typing import Any, Protocol

from ...runtime import Event, Runtime
from ..membership import MALFORMED, WallClock, this_server
from ..observer import Member
from ..provider import AdapterHost
from .asking import Asking
from .driver import Driver, Traits
from .heartbeats import Heartbeats
from .inbox import DriverInbox, RecentDeliveries
from .members import KnownServer, Members
from .message import ANSWERS, MalformedMessage, Message, MessageType
from .options import ClusterOptions
from .outbox import Outbox, Refused
from .relays import Relays
from .requests import Request, Requests
from .subscriptions import Subscriptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_TASKS = 1000
"""The most questions and events of other servers that are handled at a time."""

LOG_SECONDS = 60.0
"""The time between two log lines about the same kind of dropped message."""

_PRESENCE = frozenset(
    {MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT, MessageType.ADAPTER_CLOSE}
)


class ClusterMember(Protocol):
    """The adapter of one namespace, as the core sees it."""

    def on_message(self, message: Message, position: str | None) -> None:
        """Called when another server has sent something other than an answer."""
        ...

    def on_own_message(self, message: Message, position: str | None) -> None:
        """Called when a message of this server was read back."""
        ...

    def on_connected(self) -> None:
        """There is a driver, and its traits are known."""
        ...

    def on_away(self) -> None:
        """Called when the broker is gone."""
        ...

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


class Core:
    """The common part of the adapters of one server, in one event loop.

    Args:
        host: The event loop, and where losses are reported.
        namespaces: The adapters by the names of their namespaces; others may come and go.
        options: The options of the adapter.
    """

    def __init__(
        self,
        host: AdapterHost,
        namespaces: Mapping[str, ClusterMember],
        options: ClusterOptions,
    ) -> None:
        self.host = host
        self.options: ClusterOptions = options
        self.runtime: Runtime = host.runtime
        self.server_id: str = secrets.token_hex(8)
        self.members: Members = Members(self._on_joined, self._on_left)
        self.requests: Requests = Requests(self.server_id)
        self.asking: Asking = Asking(self, self.runtime, self.requests, self.members)
        self.relays: Relays = Relays(self.runtime)
        self.outbox: Outbox = Outbox(self.runtime, self.dropped)
        self.counters: Counter[str] = Counter()
        self.position: str | None = None
        self.gaps: int = 0
        self.unordered: int = 0
        self.traits: Traits = Traits()
        self.driver: Driver | None = None
        self.ready: bool = False
        self._was_ready = False
        self.namespaces: Mapping[str, ClusterMember] = namespaces
        self._inbox: DriverInbox | None = None
        self._subscriptions: Subscriptions | None = None
        self.heartbeats: Heartbeats = Heartbeats(self, self._open_namespaces)
        self._task_starter = self.runtime.task_starter(copy_context())
        self._begun = self.runtime.now()
        self._tasks = 0
        self._deliveries = RecentDeliveries()
        self._log_times: dict[str, float] = {}
        self._saves: set[Event] = set()

    # -- life --------------------------------------------------------------------------------

    async def connect(self, driver: Driver) -> None:
        """Begin with a driver, in place of the one before."""
        await self._end_driver()
        inbox = DriverInbox(self)
        self.driver, self._inbox = driver, inbox
        position = self.position
        gap = await driver.start(inbox)
        self.traits = driver.traits
        if self.position == position:  # nothing was read yet
            self.position = driver.position or position
        subscriptions = Subscriptions(self.runtime, driver, self.namespaces)
        self._subscriptions = subscriptions
        await subscriptions.open_all()
        if inbox.closed:
            raise ConnectionError("the broker was lost again at once")
        self._begin(gap=gap)

    def _begin(self, *, gap: bool) -> None:
        self.gaps += gap and self._was_ready
        self.ready = self._was_ready = True
        if self._subscriptions is not None:
            self._subscriptions.catch_up_with_rooms()
        if self.traits.heartbeats:
            self.heartbeats.begin(foreign=self.traits.foreign)
        self.asking.begin(gathers=self.traits.heartbeats)
        self.outbox.flush(self._send)

    def _pause(self) -> None:
        """Called when the broker is gone, or this server ends."""
        self.ready = False
        self.heartbeats.pause()
        for namespace in list(self.namespaces.values()):
            namespace.on_away()
        self.asking.pause()
        self.relays.end()

    async def close(self) -> None:
        """Say goodbye, end everything that waits, and close the driver."""
        if self.ready:
            sent = self.heartbeats.goodbye() if self.traits.heartbeats else None
            self._pause()
            if sent is not None:
                try:
                    await sent
                except Exception as error:  # noqa: BLE001  # the broker may be gone as well
                    logger.debug("the goodbye was not sent: %r", error)
        else:
            self._pause()
        self.outbox.drop_all()
        for saved in list(self._saves):
            await saved.wait()
        await self._end_driver()

    @property
    def known_servers(self) -> tuple[Member, ...]:
        """This server, and the others that are known by name."""
        own = this_server(self.server_id, self.namespaces, self._begun, self.runtime.now())
        return (own, *map(self._described, self.members.known()))

    def _described(self, known: KnownServer) -> Member:
        clock = WallClock(self.runtime.now())
        since, heard = clock.at(known.since), clock.at(known.heard)
        return Member(known.id, known.host, known.pid, known.namespaces, since, heard)

    def _on_joined(self, known: KnownServer) -> None:
        self.host.joined(self._described(known))

    def _on_left(self, known: KnownServer) -> None:
        self.host.left(self._described(known))

    def saving(self, done: Event) -> None:
        """Note that a socket is being saved: the driver is not closed before that is done."""
        self._saves.add(done)

    def saved(self, done: Event) -> None:
        """Note that a socket was saved."""
        self._saves.discard(done)
        done.set()

    async def _end_driver(self) -> None:
        driver, self.driver = self.driver, None
        if self._subscriptions is not None:
            self._subscriptions.ended = True
        if self._inbox is not None:
            self._inbox.closed = True
        if driver is not None:
            try:
                await driver.close()
            except Exception as error:  # noqa: BLE001  # of a connection that is broken anyway
                logger.debug("the driver cannot be closed: %r", error)

    def lost(self, error: Exception) -> None:
        """Called when the driver is over."""
        self._pause()
        self.host.lost(error)

    def away(self, error: Exception) -> None:
        """Called when the driver has lost its broker for now."""
        self._pause()
        self.host.away(error)

    def back(self, *, gap: bool) -> None:
        """Called when the driver has its broker again."""
        self._begin(gap=gap)
        self.host.back()

    # -- namespaces --------------------------------------------------------------------------

    def _open_namespaces(self) -> list[str]:
        """The namespaces that the others may count on: their messages come to this server."""
        confirmed = self._subscriptions.confirmed if self._subscriptions else ()
        return [name for name in self.namespaces if name in confirmed]

    def namespace_added(self, name: str) -> None:
        """Take in a new namespace while everything runs."""
        if self._subscriptions is not None and name in self._subscriptions:  # it was about to go
            self.namespaces[name].on_connected()
        if self.ready:
            self.runtime.start_background(self._open_later(name))

    async def _open_later(self, name: str) -> None:
        subscriptions = self._subscriptions
        if subscriptions is None or name not in self.namespaces:
            return
        try:
            await subscriptions.settle(name)
        except Exception as error:  # noqa: BLE001  # drivers have errors of their own
            if subscriptions is self._subscriptions:
                self.lost(error)
        else:
            if self.ready and self.traits.heartbeats:
                self.heartbeats.namespace_opened(name)

    async def namespace_removed(self, name: str) -> None:
        """Forget a namespace."""
        subscriptions = self._subscriptions
        if subscriptions is None or name not in subscriptions:
            return
        if self.ready and self.traits.heartbeats:
            self.heartbeats.namespace_closed(name)
        await subscriptions.settle(name)

    # -- out ---------------------------------------------------------------------------------

    def publish(self, message: Message, seconds: float | None = None) -> Awaitable[Any]:
        """Send a message to all other servers of its namespace.

        Args:
            message: The message.
            seconds: How long it may wait while the broker is away; see :meth:`.Outbox.keep`.

        Returns:
            An awaitable that ends when the broker has it, or raises ClusterUnavailable.
        """
        return self._send(message) if self.ready else self.outbox.keep(message, seconds)

    def _send(self, message: Message) -> Awaitable[Any]:
        driver = self.driver
        if driver is None:
            return Refused(None)
        try:
            return driver.publish(message)
        except Exception as error:  # noqa: BLE001  # it is raised where the result is awaited
            self.dropped("the driver refused a message", error)
            return Refused(error)

    def tell_all(self, message: Message) -> Awaitable[Any] | None:
        """Send a message to all other servers; it is lost when the broker is away."""
        return self._send(message) if self.ready else None

    def tell(self, server: str, message: Message) -> None:
        """Send a message to one other server; it is lost when the broker is away."""
        driver = self.driver
        if not self._was_ready:  # the others will hear of this server in a moment
            return
        if not self.ready or driver is None:
            return self.dropped("an answer came while the broker was away")
        try:
            driver.respond(server, message)
        except Exception as error:  # noqa: BLE001  # drivers have errors of their own
            self.dropped("the driver refused an answer", error)

    def answer(self, question: Message, type_: MessageType, body: Any) -> None:
        """Answer another server."""
        sender, request = question.sender, question.request
        answer = Message(type_, question.namespace, self.server_id, body, request, recipient=sender)
        self.tell(sender, answer)

    def ask(self, request: Request, message: Message, seconds: float) -> Awaitable[Any]:
        """Publish a question; see :meth:`.Asking.ask`."""
        return self.asking.ask(request, message, seconds)

    # -- in ----------------------------------------------------------------------------------

    def received(self, message: Message, position: str | None, delivery: str | None) -> None:
        """Handle a message; whatever is wrong with it, the next one is read."""
        try:
            if delivery is None or self._deliveries.add(delivery):
                self._receive(message, position)
        except MalformedMessage as error:
            self.dropped(MALFORMED, error)
        except Exception:
            logger.exception("a message of another server cannot be handled")
            self.dropped("messages that cannot be handled")

    def _receive(self, message: Message, position: str | None) -> None:
        if position is not None:
            self.position = position
        namespace = self.namespaces.get(message.namespace)
        if message.sender == self.server_id:
            if message.type in _PRESENCE:
                self.heartbeats.read_back()
            elif namespace is not None:
                namespace.on_own_message(message, position)
            return
        if namespace is None or message.recipient not in {None, self.server_id}:
            return
        self.heartbeats.heard(message)
        if message.type in ANSWERS:
            self.requests.answer(message)
        elif message.type in _PRESENCE:
            self.heartbeats.received(message)
        else:
            namespace.on_message(message, position)

    def position_of(self, namespace: str) -> str:
        """The position up to which a namespace was read; empty before there is any."""
        own = None if self.driver is None else self.driver.position_of(namespace)
        return own or self.position or ""

    def server_gone(self, server: str, namespaces: Iterable[str] | None = None) -> None:
        """Called when a server has ended; see :meth:`.Peers.server_gone`."""
        self.requests.server_gone(server, namespaces)
        if namespaces is None:
            self.relays.end(server)

    def peer_ended(self, server: str) -> None:
        """Called when the driver has noticed that a server has ended."""
        self.heartbeats.server_gone(server)

    def start_task(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Handle a message in a task of its own, for it takes time."""
        if self._tasks >= MAX_TASKS:
            return self.dropped("too many questions of other servers at once")
        self._tasks += 1
        self._task_starter.start(self._run_task, function, args)

    async def _run_task(
        self, function: Callable[..., Coroutine[Any, Any, None]], args: tuple[Any, ...]
    ) -> None:
        try:
            await function(*args)
        except Exception:
            logger.exception("a message of another server cannot be handled")
        finally:
            self._tasks -= 1

    # -- what goes wrong ---------------------------------------------------------------------

    def dropped(self, reason: str, error: Exception | None = None) -> None:
        """Count a message that is not sent, or not handled; say so once a minute."""
        self.counters[reason] += 1
        if self.host.observer is not None:
            self.host.observer.messages_dropped(reason, 1)
        self._log(reason, self.counters[reason], error)

    def not_ordered(self) -> None:
        """Count an event that was delivered without a position of its own; say so once a minute."""
        self.unordered += 1
        self._log("events were delivered without an offset of their own", self.unordered)

    def _log(self, reason: str, count: int, error: Exception | None = None) -> None:
        now = self.runtime.now()
        if now - self._log_times.get(reason, -LOG_SECONDS) >= LOG_SECONDS:
            self._log_times[reason] = now
            detail = "" if error is None else f" ({error})"
            logger.warning("cluster: %s%s, %d so far", reason, detail, count)
