"""A namespace: handlers, middlewares and sockets under one name.

Source: https://socket.io/docs/v4/namespaces/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from .adapters import Adapter, AdapterFactory
from .broadcast import Broadcaster, BroadcastOperator
from .engine.runtime import Runtime
from .handlers import Handler, HandlerRegistry, HandlerT, Workers, inspect_handler
from .protocol import Parser

if TYPE_CHECKING:
    from .socket import Socket

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


class _Binding(NamedTuple):
    """What a namespace has once it belongs to a server."""

    host: NamespaceHost
    adapter: Adapter


def event(name: str) -> Callable[[HandlerT], HandlerT]:
    """Mark a method of a :class:`Namespace` subclass as the handler of an event.

    Args:
        name: The name of the event, or of a lifecycle event.

    Example:
        ```python
        class Chat(Namespace):
            @event("message")
            async def on_message(self, socket, text): ...

        io.register(Chat("/chat"))
        ```
    """

    def mark(function: HandlerT) -> HandlerT:
        setattr(function, _EVENT_MARK, name)
        return function

    return mark


class Namespace(Broadcaster):
    """A part of a server that clients join under a name of its own.

    Get one with :meth:`Server.of`, or subclass it, mark methods with :func:`event` and pass an
    instance to :meth:`Server.register`.

    Args:
        name: The name that clients use; a slash in front is added when it is missing.

    Attributes:
        name: The name, with its slash.
        sockets: The connected sockets by id.
        handlers: The registered handlers.
        middlewares: What decides, in order, whether a client may join.
    """

    def __init__(self, name: str = "/") -> None:
        self.name = normalize_name(name)
        self.sockets: dict[str, Socket[Any]] = {}
        self.handlers = HandlerRegistry()
        self.middlewares: list[Handler] = []
        self._binding: _Binding | None = None
        self._register_methods()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {len(self.sockets)} sockets>"

    def _register_methods(self) -> None:
        for attribute in dir(type(self)):
            # Zope (below daphne) lists attributes that a class does not have.
            name = getattr(getattr(type(self), attribute, None), _EVENT_MARK, None)
            if name is not None:
                self.handlers.add(name, getattr(self, attribute))

    # -- registering -------------------------------------------------------------------------

    def on(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event.

        Its first parameter is the socket, the others are what the client sent; surplus values are
        dropped, and an event with too few is refused. What it returns acknowledges the event: None
        with no value, a tuple with several. A keyword-only parameter ``ack`` takes that over.

        Args:
            name: The name of the event, or ``connection``, ``disconnecting`` or ``disconnect``.

        Raises:
            ValueError: The event has a handler already, or the name is reserved.
            TypeError: The function cannot be called as a handler.

        Source: https://socket.io/docs/v4/listening-to-events/
        """

        def register(function: HandlerT) -> HandlerT:
            self.handlers.add(name, function)
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
        self.middlewares.append(handler)
        return middleware

    # -- emitting ----------------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to all sockets of the namespace; see :meth:`BroadcastOperator.emit`."""
        return self._operator().emit(event, *args)

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self)

    # -- inside ------------------------------------------------------------------------------

    def bind(self, host: NamespaceHost) -> None:
        """Make the namespace a part of a server.

        Raises:
            ValueError: It is part of a server already.
        """
        if self._binding is not None:
            raise ValueError(f"the namespace {self.name!r} belongs to a server already")
        self._binding = _Binding(host, host.adapter_factory(self))

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
    def recipients(self) -> Mapping[str, Socket[Any]]:
        """The connected sockets by id, as the adapter sees them."""
        return self.sockets

    def add(self, socket: Socket[Any]) -> None:
        """A socket has connected."""
        self.sockets[socket.id] = socket

    def remove(self, socket: Socket[Any]) -> None:
        """A socket has left."""
        self.sockets.pop(socket.id, None)
        self.adapter.leave_all(socket.id)


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
