"""A namespace: handlers, middlewares and sockets under one name.

Source: https://socket.io/docs/v4/namespaces/
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast

from ..adapters import Adapter, AdapterFactory, ConnectionStateRecovery
from ..events.acks import ACK_SECONDS
from ..events.handlers import (
    AckCallback,
    Handler,
    HandlerRegistry,
    HandlerT,
    Workers,
    inspect_handler,
)
from ..protocol import Parser
from ..runtime import Runtime
from ..runtime.awaitables import DONE
from .broadcast import Broadcaster, Selection, check_event_name, check_timeout

if TYPE_CHECKING:
    from .socket import Socket
    from .socket_core import SocketCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MiddlewareT = TypeVar("MiddlewareT", bound=Callable[..., Any])

_EVENT_MARK = "__socketio_event__"


class NamespaceHost(Protocol):
    """What a namespace needs of its server."""

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while no client has come yet."""
        ...

    @property
    def workers(self) -> Workers:
        """Who runs plain functions."""
        ...

    @property
    def adapter_factory(self) -> AdapterFactory:
        """What makes the adapter of a namespace."""
        ...

    @property
    def recovery(self) -> ConnectionStateRecovery | None:
        """How clients that lost their connection are recovered; None when they are not."""
        ...

    @property
    def max_events_in_flight(self) -> int:
        """Events of one socket that may wait or be handled at a time."""
        ...

    @property
    def max_replay_bytes(self) -> int:
        """How much a client that comes back may be sent at once, in bytes."""
        ...


class _Binding(NamedTuple):
    """What a namespace has once it belongs to a server."""

    host: NamespaceHost
    adapter: Adapter


class _Mark(NamedTuple):
    """What :func:`event` notes on a method."""

    name: str
    ordered: bool | None


def event(name: str, *, ordered: bool | None = None) -> Callable[[HandlerT], HandlerT]:
    """Mark a method of a :class:`Namespace` subclass as the handler of an event.

    Args:
        name: The name of the event, or of a lifecycle event.
        ordered: As in :meth:`Namespace.on`.

    Example:
        ```python
        class Chat(Namespace):
            @event("message")
            async def on_message(self, socket, text): ...

        io.register(Chat("/chat"))
        ```
    """

    def mark(function: HandlerT) -> HandlerT:
        setattr(function, _EVENT_MARK, _Mark(name, ordered))
        return function

    return mark


class Namespace(Broadcaster):
    """A part of a server that clients join under a name of its own.

    Get one with :meth:`Server.of`, or subclass it, mark methods with :func:`event` and pass an
    instance to :meth:`Server.register`.

    Args:
        name: The name that clients use; a slash in front is added when it is missing.
        ordered: Whether events of one socket are handled strictly one after another, unless a
            handler says otherwise.

    Attributes:
        name: The name, with its slash.
        ordered: The same as the argument.
        sockets: The connected sockets by id.
        handlers: The registered handlers.
    """

    def __init__(self, name: str = "/", *, ordered: bool = False) -> None:
        self.name: str = normalize_name(name)
        self.ordered: bool = ordered
        self.sockets: dict[str, Socket[Any]] = {}
        self.handlers: HandlerRegistry = HandlerRegistry()
        self._middlewares: list[Handler] = []
        self._binding: _Binding | None = None
        self._host: NamespaceHost | None = None
        self._last_ack_id = -1
        self._joining = 0
        self._by_pid: dict[str, Socket[Any]] = {}
        self._register_methods()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {len(self.sockets)} sockets>"

    def _register_methods(self) -> None:
        for attribute in dir(type(self)):
            mark = _find_mark(type(self), attribute)
            if mark is not None:
                self.on(mark.name, ordered=mark.ordered)(getattr(self, attribute))

    # -- registering -------------------------------------------------------------------------

    def on(self, name: str, *, ordered: bool | None = None) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event.

        Its first parameter is the socket, the others are what the client sent; surplus values are
        dropped, and an event with too few is refused. What it returns acknowledges the event: None
        with no value, a tuple with several. A keyword-only parameter ``ack`` takes that over.

        Args:
            name: The name of the event, or ``connection``, ``disconnecting`` or ``disconnect``.
            ordered: Whether the next event of a socket waits until this one is handled; None is
                what the namespace does.

        Raises:
            ValueError: The event has a handler already, or the name is reserved.
            TypeError: The function cannot be called as a handler.

        Source: https://socket.io/docs/v4/listening-to-events/
        """

        def register(function: HandlerT) -> HandlerT:
            serial = self.ordered if ordered is None else ordered
            self.handlers.add(name, function, ordered=serial)
            return function

        return register

    def on_server_event(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event of other servers.

        It is given what :meth:`server_side_emit` was given there; what it returns is the reply,
        unless a keyword-only parameter ``ack`` takes that over.

        Raises:
            ValueError: The event has a handler already.
            TypeError: The function cannot be called as a handler.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemiteventname-args
        """

        def register(function: HandlerT) -> HandlerT:
            self.handlers.add_server_event(name, function)
            return function

        return register

    def use(self, middleware: MiddlewareT) -> MiddlewareT:
        """Register a function that decides whether a client may join.

        It is given the socket, before that is connected. Raise :class:`ConnectionRefused` to
        refuse the client. Middlewares run in the order of their registration.

        Raises:
            TypeError: The function cannot be called with one argument.

        Source: https://socket.io/docs/v4/middlewares/
        """
        handler = inspect_handler(middleware)
        if handler.required:
            raise TypeError(f"a middleware takes the socket and nothing else: {middleware!r}")
        self._middlewares.append(handler)
        return middleware

    @property
    def middlewares(self) -> Sequence[Handler]:
        """What decides, in this order, whether a client may join."""
        return self._middlewares

    # -- emitting ----------------------------------------------------------------------------

    def _selection(self) -> Selection:
        return Selection(self)

    def server_side_emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the other servers of the cluster.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemiteventname-args
        """
        check_event_name(event)
        return self._selection().run(self.adapter.server_side_emit, event, args)

    async def server_side_emit_with_ack(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Send an event to the other servers of the cluster and collect their replies.

        Args:
            event: The name of the event.
            *args: Any values that JSON knows.
            timeout: How long to wait, in seconds.

        Returns:
            One reply for each other server.

        Raises:
            BroadcastAckError: Not all of them answered in time.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemitwithackeventname-args
        """
        check_event_name(event)
        return await self.adapter.server_side_emit_with_ack(event, args, check_timeout(timeout))

    async def on_server_event_received(
        self, event: str, args: Sequence[Any], reply: AckCallback | None = None
    ) -> None:
        """Another server sent an event.

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
        try:
            result = await handler.call_listener(self.workers, args, reply or _no_reply)
            if reply is not None and not handler.takes_ack:
                await reply(result)
        except Exception:
            logger.exception("the handler %r of a server event raised", handler.function)

    # -- inside ------------------------------------------------------------------------------

    def bind(self, host: NamespaceHost, adapter: AdapterFactory | None = None) -> None:
        """Make the namespace a part of a server.

        Args:
            host: The server.
            adapter: Makes its adapter; None is what the server uses.

        Raises:
            ValueError: It is part of a server already.
        """
        if self._binding is not None:
            raise ValueError(f"the namespace {self.name!r} belongs to a server already")
        self._host = host  # first of all: an adapter may ask for it while it is made
        self._binding = _Binding(host, (adapter or host.adapter_factory)(self))

    def _bound(self) -> _Binding:
        if self._binding is None:
            raise RuntimeError(
                f"the namespace {self.name!r} belongs to no server yet: call io.register() first"
            )
        return self._binding

    @property
    def adapter(self) -> Adapter:
        """Who leads packets to their sockets."""
        return self._bound().adapter

    @property
    def parser(self) -> Parser:
        """How packets are encoded."""
        return self._bound().host.parser

    @property
    def runtime(self) -> Runtime | None:
        """The event loop; None while no client has come yet."""
        return self._bound().host.runtime

    @property
    def workers(self) -> Workers:
        """Who runs plain functions."""
        return self._bound().host.workers

    @property
    def recovery(self) -> ConnectionStateRecovery | None:
        """How clients that lost their connection are recovered; None when they are not."""
        return None if self._host is None else self._host.recovery

    @property
    def max_replay_bytes(self) -> int:
        """How much a client that comes back may be sent at once, in bytes."""
        return 0 if self._host is None else self._host.max_replay_bytes

    @property
    def max_events_in_flight(self) -> int:
        """Events of one socket that may wait or be handled at a time."""
        return self._bound().host.max_events_in_flight

    @property
    def recipients(self) -> Mapping[str, Socket[Any]]:
        """The connected sockets by id, as the adapter sees them."""
        return self.sockets

    def next_ack_id(self) -> int:
        """A number for an acknowledgement that no other event of the namespace has."""
        self._last_ack_id += 1
        return self._last_ack_id

    def joining_expected(self) -> None:
        """A client is about to ask; :meth:`joining_ended` follows in any case."""
        self._joining += 1

    def joining_began(self, socket: SocketCore) -> None:
        """A client has asked to join."""
        self._joining += 1
        if socket.pid is not None:
            self._by_pid[socket.pid] = cast("Socket[Any]", socket)

    def joining_ended(self) -> None:
        """A client has joined, was refused, or left before that."""
        self._joining -= 1

    @property
    def empty(self) -> bool:
        """Whether nobody is in the namespace or about to join it."""
        return not (self.sockets or self._joining)

    def add(self, socket: SocketCore) -> None:
        """A socket has connected."""
        self.sockets[socket.id] = cast("Socket[Any]", socket)

    def remove(self, socket: SocketCore) -> None:
        """A socket has left."""
        self.sockets.pop(socket.id, None)
        if socket.pid is not None:
            self._by_pid.pop(socket.pid, None)
        self.adapter.leave_all(socket.id)

    def remove_all(self) -> None:
        """The event loop of all sockets is gone."""
        for socket in list(self.sockets.values()):
            self.remove(socket)
        self._by_pid.clear()

    def take_over(self, pid: str) -> None:
        """A client came back before its lost connection was noticed: end that connection."""
        socket = self._by_pid.get(pid)
        if socket is not None:
            socket.conn.end("transport close", "the client came back")


def _no_reply(*_values: Any) -> Awaitable[None]:
    return DONE


def _find_mark(cls: type, attribute: str) -> _Mark | None:
    """The mark of a method; one that overrides a marked method need not be marked again."""
    for base in cls.__mro__:
        mark: _Mark | None = getattr(vars(base).get(attribute), _EVENT_MARK, None)
        if mark is not None:
            return mark
    return None


def normalize_name(name: str) -> str:
    """The name of a namespace with its slash.

    Raises:
        TypeError: It is not text.
        ValueError: It holds a comma, which ends a name on the wire.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the name of a namespace is a str, not {name!r}")
    if "," in name:
        raise ValueError(f"the name of a namespace cannot hold a comma: {name!r}")
    return name if name.startswith("/") else "/" + name
