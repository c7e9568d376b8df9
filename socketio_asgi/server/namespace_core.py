"""The inside of a namespace: its sockets, its handlers, and its adapter."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, cast

from ..adapters import Adapter, AdapterFactory, ConnectionStateRecovery, Recipient
from ..adapters.packet import to_plain
from ..events.call_site import CallSite, Load
from ..events.declared import AnyEvent, Event, name_and_values
from ..events.failures import UnsendableAnswer, log_failure
from ..events.observer import CallObserver
from ..events.plans import AckCallback, Handler, HandlerCall
from ..events.registry import HandlerRegistry
from ..events.workers import Workers
from ..protocol import DefaultParser, Parser
from ..protocol.names import event_head
from ..runtime import Runtime
from ..runtime.awaitables import DONE
from .core import ServerCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class Member(Recipient, Protocol):
    """A socket, as its namespace sees it."""

    @property
    def subject(self) -> object:
        """The socket as applications see it."""
        ...

    @property
    def pid(self) -> str | None:
        """The secret by which the client proves that it is the same when it comes back."""
        ...

    def supersede(self) -> None:
        """End the connection, because its client has come back on another one."""
        ...


class NamespaceCore:
    """The work of a namespace for its server, its adapter and its sockets.

    Args:
        name: The name, with its slash.
        ordered: Whether events of one socket are handled strictly one after another, unless a
            handler says otherwise.
        public: The namespace as applications see it.
        inherited: The handlers of the parent, for a dynamic namespace.

    Attributes:
        name: The same.
        public: The same.
        handlers: The registered handlers and middlewares.
        members: The connected sockets by id.
        server: The server that it belongs to, once it does.
        max_events_in_flight: Events of one socket that may wait or be handled at a time; set with
            the server.
        recovery: The options for recovering clients that lost their connection; None without
            recovery; set with the server.
        adapter: The way of packets to the sockets, once the namespace belongs to a server.
        event_head: What the text of an event to a client begins with, in UTF-8; empty where events
            are not to be made of it: with another parser, or when packets are kept for clients who
            come back. Set with the server.
    """

    apart: ClassVar[bool] = False
    """Whether it serves no clients of the application, but watches the server: what the application
    has said of all namespaces does not hold, nothing is kept for clients that come back, and the
    contract leaves it out."""

    __slots__ = (
        "_by_pid",
        "_joining",
        "_last_ack_id",
        "adapter",
        "event_head",
        "handlers",
        "max_events_in_flight",
        "members",
        "name",
        "public",
        "recovery",
        "server",
    )

    adapter: Adapter
    event_head: bytes
    max_events_in_flight: int
    recovery: ConnectionStateRecovery | None
    server: ServerCore

    def __init__(
        self, name: str, *, ordered: bool, public: object, inherited: HandlerRegistry | None = None
    ) -> None:
        self.name: str = name
        self.public: object = public
        self.handlers: HandlerRegistry = HandlerRegistry(inherited, ordered=ordered)
        self.members: dict[str, Member] = {}
        self._last_ack_id = -1
        self._joining = 0
        self._by_pid: dict[str, Member] = {}

    def __getattr__(self, name: str) -> Any:
        # Reached only for what bind() is still to set: everything else is there from the beginning.
        if name in ("adapter", "server"):
            raise RuntimeError(
                f"the namespace {self.name!r} belongs to no server yet: call io.register() first"
            )
        raise AttributeError(name)

    def bind(self, server: ServerCore, adapter_factory: AdapterFactory | None = None) -> None:
        """Make the namespace a part of a server.

        Args:
            server: The server.
            adapter_factory: Makes the adapter; None is what the server uses.

        Raises:
            ValueError: It is part of a server already.
        """
        self.check_unbound()
        scope = self.handlers.scope
        if scope.outer is None and not self.apart:
            scope.outer = server.scope
        server.adopt(self.handlers)
        self.server = server
        self.max_events_in_flight = server.max_events_in_flight
        self.recovery = None if self.apart else server.recovery
        is_plain = type(server.parser) is DefaultParser and server.recovery is None
        self.event_head = event_head(self.name) if is_plain else b""
        self.adapter = (adapter_factory or server.adapters.adapter_for)(self)

    def check_unbound(self) -> None:
        """Check that it belongs to no server yet.

        Raises:
            ValueError: It does.
        """
        if self.bound:
            raise ValueError(f"the namespace {self.name!r} belongs to a server already")

    @property
    def bound(self) -> bool:
        """True when it belongs to a server."""
        try:
            return bool(self.server)
        except RuntimeError:
            return False

    @property
    def ordered(self) -> bool:
        """True when events of one socket are handled one after another by default."""
        return bool(self.handlers.ordered)

    # -- as adapters see it ------------------------------------------------------------------

    @property
    def parser(self) -> Parser:
        """The parser that encodes packets."""
        return self.server.parser

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while the server has not been used in one."""
        return self.server.runtime

    @property
    def recipients(self) -> Mapping[str, Recipient]:
        """The connected sockets by id."""
        return self.members

    async def on_server_event_received(
        self, event: str, args: Sequence[Any], reply: AckCallback | None = None
    ) -> None:
        """Handle an event of another server.

        Args:
            event: The name of the event.
            args: What was sent with it.
            reply: Called with what the handler returns, when the other server waits for that. As
                in Node.js, nothing is replied without a handler, or when it raises.
        """
        handler = self.handlers.server_event(event)
        if handler is None or len(args) < handler.required:
            logger.warning("nothing handles the server event %r with %d values", event, len(args))
            return
        await ServerEvent(self, reply).handle(handler, args)

    def catch_all(self) -> Handler | None:
        """The handler of all events of clients that have none of their own."""
        own = self.handlers.catch_all()
        return own if own is not None or self.apart else self.server.common.catch_all()

    # -- as sockets see it -------------------------------------------------------------------

    @property
    def max_replay_bytes(self) -> int:
        """The most that a client that comes back may be sent at once, in bytes."""
        return self.server.engine.options.send_buffer_limit // 2

    def outgoing(
        self, event: object, args: Sequence[Any], options: Mapping[str, Any]
    ) -> tuple[Any, Sequence[Any]]:
        """The name and the values of an event that is to be sent.

        Args:
            event: Its name, or the event that was declared.
            args: Its values by position.
            options: Its values by name.

        Raises:
            TypeError: The values do not fit the declared event.
        """
        name, values = name_and_values(event, args, options)
        if self.server.validate_emits and isinstance(event, Event):
            declared = cast("AnyEvent", event)
            declared.__socketio__.check(to_plain(list(values), self.parser))
            self.handlers.emits.warn_unless_listed(declared, self.name)
        return name, values

    def next_ack_id(self) -> int:
        """A number for an acknowledgement that no other event of the namespace has."""
        self._last_ack_id += 1
        return self._last_ack_id

    def check_rooms_are_shared(self, rooms: Iterable[str]) -> None:
        """Check that no room is the private one of a socket.

        Raises:
            ValueError: One of them is.
        """
        for room in rooms:
            if room in self.members:
                raise ValueError(f"the room {room!r} belongs to another socket alone")

    def joining_expected(self) -> None:
        """Keep the namespace for a client that is about to ask; :meth:`joining_ended` follows."""
        self._joining += 1

    def joining_began(self, member: Member) -> None:
        """Note that a client has asked to join."""
        self._joining += 1
        if member.pid is not None:
            self._by_pid[member.pid] = member

    def joining_ended(self) -> None:
        """Note that a client has joined, was refused, or left before that."""
        self._joining -= 1

    @property
    def empty(self) -> bool:
        """True when no client is in the namespace or about to join it."""
        return not (self.members or self._joining)

    def add(self, member: Member) -> None:
        """Take in a socket that has connected."""
        self.members[member.id] = member
        self.adapter.added(member.id)

    def remove(self, member: Member) -> None:
        """Forget a socket that has left."""
        self.members.pop(member.id, None)
        if member.pid is not None:
            self._by_pid.pop(member.pid, None)
        self.adapter.leave_all(member.id)

    def loop_changed(self) -> None:
        """Called when the server begins in an event loop, the first or another one."""

    def take_over(self, pid: str) -> None:
        """End the connection of a client that came back before its loss was noticed."""
        member = self._by_pid.get(pid)
        if member is not None:
            member.supersede()


class NamespaceCallSite(CallSite):
    """Something that calls the handlers of one namespace.

    Args:
        namespace: The namespace.
        subject: The socket that handlers are called about, if it is one.
        load: What the calls are counted in, beside those of other sites.

    Attributes:
        namespace: The same.
    """

    __slots__ = ("namespace",)

    def __init__(
        self, namespace: NamespaceCore, subject: object = None, load: Load | None = None
    ) -> None:
        super().__init__(subject, load)
        self.namespace: NamespaceCore = namespace

    @property
    def namespace_name(self) -> str:
        """The name of the namespace."""
        return self.namespace.name

    @property
    def workers(self) -> Workers:
        """The threads for plain functions."""
        return self.namespace.server.workers

    @property
    def observer(self) -> CallObserver | None:
        """The observer of the calls, if there is one."""
        return self.namespace.server.observers.calls

    def find_context(self, call: HandlerCall) -> Any:
        """Everything around a call, for handlers that are given something of it by its type."""
        return self.namespace.server.make_context(self.namespace, call)


class ServerEvent(NamespaceCallSite):
    """The call of the handler of one event of another server.

    Args:
        namespace: The namespace that it belongs to.
        reply: Called with the answer, if there is to be one.
    """

    __slots__ = ("_reply", "_result")

    def __init__(self, namespace: NamespaceCore, reply: AckCallback | None) -> None:
        super().__init__(namespace)
        self._reply = reply
        self._result: tuple[Any, ...] | None = None

    async def handle(self, handler: Handler, args: Sequence[Any]) -> None:
        """Call the handler, and send what it returns to the server that asked."""
        self.begin()
        await self.invoke(handler, args, None if self._reply is None else 0)
        if self._reply is not None and self._result is not None:
            try:
                await self._reply(*self._result)
            except Exception as error:  # noqa: BLE001  # the answer cannot be sent
                self.failed(handler, UnsendableAnswer(error))

    def acknowledge(self, number: int, result: Any) -> None:
        """Keep the answer, until the call has ended."""
        self._result = (result,)

    def ack_callback(self, number: int | None, handler: Handler) -> AckCallback:
        """The function that answers the other server, for a handler that calls it."""
        return self._reply or self._check_reply

    def _check_reply(self, *values: Any) -> Awaitable[None]:
        """Check an answer that the other server does not want."""
        to_plain(list(values), self.namespace.parser)
        return DONE

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what the handler has raised."""
        log_failure(handler, self.namespace.name, error)
