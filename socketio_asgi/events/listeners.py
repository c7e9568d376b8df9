"""Listeners that one socket has for itself, beside the handlers of its namespace.

Source: https://socket.io/docs/v4/listening-to-events/
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from ..protocol import RESERVED_EVENTS
from ..runtime.callables import check_plain
from .context import Subject
from .failures import log_listener_failure
from .plans import Handler, HandlerKind, Planner, Registration
from .signatures import check_name

Listener = Callable[..., Any]
ListenerT = TypeVar("ListenerT", bound=Listener)


class Registered(NamedTuple):
    """A listener, and whether it is taken off when it is called."""

    handler: Handler
    once: bool


class Listeners:
    """The listeners of one socket.

    Args:
        planner: Makes the plans of their calls.
        kind: What those of one event are for.

    Attributes:
        incoming: Catch-all listeners for events of the client.
        outgoing: Catch-all listeners for events to the client.
        errors: Listeners for events that a middleware of the socket refused.
        middlewares: What decides about each event of the client.
        observed: Whether observers of the server see each event.
    """

    __slots__ = (
        "_by_event",
        "_kind",
        "_planner",
        "errors",
        "incoming",
        "middlewares",
        "observed",
        "outgoing",
    )

    def __init__(self, planner: Planner, kind: HandlerKind = HandlerKind.LISTENER) -> None:
        self._planner = planner
        self._kind = kind
        self._by_event: dict[str, list[Registered]] = {}
        self.incoming: list[Listener] = []
        self.outgoing: list[Listener] = []
        self.errors: list[Listener] = []
        self.middlewares: list[Handler] = []
        self.observed: bool = False

    def add(self, event: str, listener: Listener, *, once: bool) -> None:
        """Add a listener for one event."""
        handler = self._planner(Registration(listener, self._kind, event))
        self._by_event.setdefault(event, []).append(Registered(handler, once))

    def use(self, middleware: Listener) -> None:
        """Add a function that decides about each event of the client."""
        name = getattr(middleware, "__name__", type(middleware).__name__)
        registration = Registration(middleware, HandlerKind.EVENT_MIDDLEWARE, name)
        self.middlewares.append(self._planner(registration))

    def remove(self, event: str, listener: Listener | None) -> None:
        """Take a listener off, or all of an event."""
        remaining = [
            registered
            for registered in self._by_event.get(event, ())
            if listener is not None and registered.handler.function != listener
        ]
        if remaining:
            self._by_event[event] = remaining
        else:
            self._by_event.pop(event, None)

    def clear(self) -> None:
        """Take the listeners of all events off."""
        self._by_event.clear()

    def event_names(self) -> list[str]:
        """The events that have listeners."""
        return list(self._by_event)

    def take(self, event: str) -> Iterator[Handler]:
        """The listeners of an event that came, in their order; ``once`` ones are taken off."""
        registered = self._by_event.get(event)
        if registered is None:
            return
        if any(item.once for item in registered):
            remaining = [item for item in registered if not item.once]
            self._by_event[event] = remaining
            if not remaining:
                del self._by_event[event]
        for item in registered:
            yield item.handler


def call_all(listeners: Sequence[Listener], *args: Any) -> None:
    """Call listeners that only observe; what one of them raises is logged."""
    for listener in tuple(listeners):
        try:
            listener(*args)
        except Exception as error:  # noqa: BLE001  # it goes into the log
            log_listener_failure(listener, error)


class Observing(Subject, ABC):
    """The methods by which all events of a socket are seen, those that come and those that go."""

    __slots__ = ()

    @property
    @abstractmethod
    def _listeners(self) -> Listeners:
        """The listeners, made when they are needed for the first time."""

    def on_any(self, listener: ListenerT) -> ListenerT:
        """Register a function that is called with every event that comes, as it came.

        It is given the name and the arguments before the middlewares and handlers are. It only
        observes: a plain, quick function.

        Raises:
            TypeError: It is asynchronous.

        Source: https://socket.io/docs/v4/listening-to-events/#catch-all-listeners
        """
        check_plain(listener)
        self._listeners.incoming.append(listener)
        return listener

    def prepend_any(self, listener: ListenerT) -> ListenerT:
        """The same as :meth:`on_any`, but called before those registered already."""
        check_plain(listener)
        self._listeners.incoming.insert(0, listener)
        return listener

    def off_any(self, listener: Listener | None = None) -> None:
        """Take a catch-all listener off, or all."""
        _remove(self._listeners.incoming, listener)

    def listeners_any(self) -> list[Listener]:
        """The catch-all listeners, in their order."""
        return list(self._listeners.incoming)

    def on_any_outgoing(self, listener: ListenerT) -> ListenerT:
        """Register a function that is called with every event that is sent.

        It only observes: a plain, quick function.

        Raises:
            TypeError: It is asynchronous.

        Source: https://socket.io/docs/v4/listening-to-events/#outgoing-packets
        """
        check_plain(listener)
        self._listeners.outgoing.append(listener)
        return listener

    def prepend_any_outgoing(self, listener: ListenerT) -> ListenerT:
        """The same as :meth:`on_any_outgoing`, but called before those registered already."""
        check_plain(listener)
        self._listeners.outgoing.insert(0, listener)
        return listener

    def off_any_outgoing(self, listener: Listener | None = None) -> None:
        """Take an outgoing catch-all listener off, or all."""
        _remove(self._listeners.outgoing, listener)

    def listeners_any_outgoing(self) -> list[Listener]:
        """The outgoing catch-all listeners, in their order."""
        return list(self._listeners.outgoing)


class Listening(Observing):
    """The methods by which a socket listens to its client by itself."""

    __slots__ = ()

    def on(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Listen to an event of this client alone, beside the handlers of the namespace.

        The listener is given what the client sent, without the socket. It answers only through its
        keyword-only parameter ``ack``.

        Args:
            event: The name of the event.

        Raises:
            TypeError: The name is not text, or the listener cannot be called as one.
            ValueError: No client can send an event of that name.

        Source: https://socket.io/docs/v4/listening-to-events/
        """
        return self._register(event, "@socket.on", once=False)

    def once(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Listen to an event of this client one time; see :meth:`on`."""
        return self._register(event, "@socket.once", once=True)

    def _register(
        self, event: str, decorator: str, *, once: bool
    ) -> Callable[[ListenerT], ListenerT]:
        check_name(event, decorator)
        if event in RESERVED_EVENTS:
            raise ValueError(
                f"no client can send the event {event!r}; for what happens to the socket, register"
                " a handler of 'connection', 'disconnecting' or 'disconnect' in the namespace"
            )

        def register(listener: ListenerT) -> ListenerT:
            self._listeners.add(event, listener, once=once)
            return listener

        return register

    def off(self, event: str, listener: Listener) -> None:
        """Take a listener off; does nothing when it is not there."""
        self._listeners.remove(event, listener)

    def remove_all_listeners(self, event: str | None = None) -> None:
        """Take all listeners of an event off, or of all events."""
        if event is None:
            self._listeners.clear()
        else:
            self._listeners.remove(event, None)

    def event_names(self) -> list[str]:
        """The events that this socket listens to by itself."""
        return self._listeners.event_names()

    def use(self, middleware: ListenerT) -> ListenerT:
        """Register a function that decides about each event of this client.

        It is given the name of the event and the list of its arguments, which it may change; what
        it raises refuses the event and goes to the listeners of :meth:`on_error`.

        Source: https://socket.io/docs/v4/server-api/#socketusefn
        """
        self._listeners.use(middleware)
        return middleware

    def on_error(self, listener: ListenerT) -> ListenerT:
        """Register a plain function that is given what a middleware of this socket raised.

        Raises:
            TypeError: It is asynchronous.
        """
        check_plain(listener)
        self._listeners.errors.append(listener)
        return listener


def _remove(listeners: list[Listener], listener: Listener | None) -> None:
    if listener is None:
        listeners.clear()
    elif listener in listeners:
        listeners.remove(listener)
