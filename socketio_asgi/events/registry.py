"""The handlers of a namespace, by the names of their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from ..exceptions import EventError
from ..protocol import RESERVED_EVENTS
from ..runtime.callables import check_function, is_async
from .errors import check_errors
from .listed import ListedEvents
from .planning import plan_handler
from .plans import Handler, HandlerKind, Planner, Registration
from .scopes import EventMiddleware, HandlerScope
from .unknown import UnknownEvents

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

LIFECYCLE_EVENTS: Mapping[str, int] = {"connection": 0, "disconnecting": 2, "disconnect": 2}
"""The events of a socket's life, which no client sends, with the number of values that the handler
is given beside the socket."""


_AMONG_MIDDLEWARES = (HandlerKind.EVENT, HandlerKind.CATCH_ALL)


class HandlerRegistry:
    """The handlers of a namespace.

    Events of clients, lifecycle events and events of other servers are kept apart, so that no
    packet can reach a handler that it is not meant for.

    Args:
        inherited: Where to look for what is not registered here.
        ordered: Whether events of one socket are handled strictly one after another, unless a
            handler says otherwise; None leaves that to the registry that takes them over.
        scope: What holds for all of them.

    Attributes:
        ordered: The same.
        scope: The same.
        changed: Called when something was added that all plans depend on.
        unknown: Warns of events that nothing takes.
        emits: The declared events that are sent.
    """

    def __init__(
        self,
        inherited: HandlerRegistry | None = None,
        *,
        ordered: bool | None = False,
        scope: HandlerScope | None = None,
    ) -> None:
        self.ordered: bool | None = ordered
        self.scope: HandlerScope = scope or HandlerScope()
        if inherited is not None:
            self.scope.outer = inherited.scope
        self._planner: Planner = plan_handler
        self._observed = False
        self._events: dict[str, Handler] = {}
        self._lifecycle: dict[str, Handler] = {}
        self._server_events: dict[str, Handler] = {}
        self._middlewares: list[Handler] = []
        self._catch_all: Handler | None = None
        self.changed: Callable[[], object] = self.plan_anew
        self._inherited = inherited
        self.emits: ListedEvents = ListedEvents(None if inherited is None else inherited.emits)
        # Of all children of a parent together: what one lacks, all lack.
        self.unknown: UnknownEvents = UnknownEvents() if inherited is None else inherited.unknown

    def event(self, name: str) -> Handler | None:
        """The handler of an event of clients."""
        handler = self._events.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.event(name)
        return handler

    @property
    def own_events(self) -> Mapping[str, Handler]:
        """The handlers of events of clients that were registered here, by name."""
        return self._events

    def event_names(self) -> set[str]:
        """The names of all events of clients that have a handler."""
        if self._inherited is None:
            return set(self._events)
        return self._inherited.event_names().union(self._events)

    def lifecycle(self, name: str) -> Handler | None:
        """The handler of ``connection``, ``disconnecting`` or ``disconnect``."""
        handler = self._lifecycle.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.lifecycle(name)
        return handler

    def server_event(self, name: str) -> Handler | None:
        """The handler of an event of other servers."""
        handler = self._server_events.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.server_event(name)
        return handler

    @property
    def middlewares(self) -> list[Handler]:
        """The functions that decide, in this order, whether a client may join."""
        if self._inherited is None:
            return self._middlewares
        return [*self._inherited.middlewares, *self._middlewares]

    @property
    def size(self) -> int:
        """The number of functions that are registered here, those that are inherited left out."""
        tables = (self._events, self._lifecycle, self._server_events, self._middlewares)
        scope = self.scope
        more = len(scope.event_middlewares) + len(scope.exception_handlers)
        more += len(self.emits) + (self._catch_all is not None)
        return sum(map(len, tables)) + more

    # -- registering -------------------------------------------------------------------------

    def add(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        ordered: bool | None = None,
        errors: Iterable[type[EventError]] = (),
    ) -> None:
        """Register a handler of an event of clients, or of a lifecycle event.

        Args:
            name: The name of the event.
            function: The handler.
            ordered: Whether the next event of a socket waits until this one is handled; None is
                what the registry says.
            errors: The errors that the handler declares.

        Raises:
            TypeError: The function cannot be called as a handler.
            ValueError: The name has a handler already, or is reserved.
        """
        if name in {"connect", "connect_error"}:
            raise ValueError(
                f"{name!r} is an event of the client; on the server, use 'connection', or a"
                " middleware (@io.use) to refuse clients"
            )
        given = LIFECYCLE_EVENTS.get(name)
        if given is None and name in RESERVED_EVENTS:
            raise ValueError(f"the event name {name!r} is reserved: no client can send it")
        kind = HandlerKind.EVENT if given is None else HandlerKind.LIFECYCLE
        ordered = self.ordered if ordered is None else ordered
        declared = check_errors(errors)
        handler = self.plan(Registration(function, kind, name, ordered, self.scope, declared))
        if given is not None and handler.required > given:
            raise TypeError(f"the handler of {name!r} needs too many arguments: {function!r}")
        _put(self._events if given is None else self._lifecycle, name, handler)

    def add_server_event(self, name: str, function: Callable[..., Any]) -> None:
        """Register a handler of an event of other servers.

        Raises:
            TypeError: The function cannot be called as a handler.
            ValueError: The name has a handler already.
        """
        handler = self.plan(
            Registration(function, HandlerKind.SERVER_EVENT, name, scope=self.scope)
        )
        _put(self._server_events, name, handler)

    def add_middleware(self, function: Callable[..., Any]) -> None:
        """Register a function that decides whether a client may join.

        Raises:
            TypeError: It cannot be called with one argument.
        """
        name = getattr(function, "__name__", type(function).__name__)
        handler = self.plan(Registration(function, HandlerKind.MIDDLEWARE, name, scope=self.scope))
        if handler.required:
            raise TypeError(f"a middleware takes the socket and nothing else: {function!r}")
        self._middlewares.append(handler)

    def set_catch_all(self, function: Callable[..., Any]) -> None:
        """Register the handler of all events of clients that have none of their own.

        Raises:
            TypeError: The function cannot be called with the name of an event, or needs more.
            ValueError: There is one already.
        """
        if self._catch_all is not None:
            raise ValueError(f"there is a catch-all handler already, {self._catch_all.function!r}")
        kind = HandlerKind.CATCH_ALL
        handler = self.plan(Registration(function, kind, "*", self.ordered, self.scope))
        if handler.required > 1:
            raise TypeError(
                "a catch-all handler takes the name of the event, and then what the client sent:"
                f" (socket, event, *args); {function!r} does not fit"
            )
        self._catch_all = handler

    def catch_all(self) -> Handler | None:
        """The handler of all events of clients that have none of their own."""
        if self._catch_all is None and self._inherited is not None:
            return self._inherited.catch_all()
        return self._catch_all

    def add_event_middleware(self, middleware: EventMiddleware) -> None:
        """Add a function that is called around the handlers of events.

        Raises:
            TypeError: It is not asynchronous, or does not take two arguments.
        """
        check_function(middleware, 2, "an event middleware is given a context and call_next")
        if not is_async(middleware):
            raise TypeError(
                "an event middleware awaits call_next(context), so it must be an async def:"
                f" {middleware!r}"
            )
        self.scope.event_middlewares += (middleware,)
        self.changed()

    def add_exception_handler(self, cls: Any, handler: Callable[..., Any]) -> None:
        """Add a function that is called with the exceptions of handlers.

        Raises:
            TypeError: It does not take two arguments, or the class is none of exceptions.
            ValueError: There is one for that class already.
        """
        if not isinstance(cls, type) or not issubclass(cls, Exception):
            raise TypeError(f"an exception handler is for a subclass of Exception, not {cls!r}")
        check_function(handler, 2, "an exception handler is given a context and the exception")
        first = self.scope.exception_handlers.setdefault(cls, handler)
        if first is not handler:
            raise ValueError(f"there is a handler of {cls.__qualname__} already, {first!r}")

    def clear(self) -> None:
        """Forget all that is registered here."""
        for table in (self._events, self._lifecycle, self._server_events, self._middlewares):
            table.clear()
        self._catch_all = None
        self.emits.clear()
        self.scope.event_middlewares = ()
        self.scope.exception_handlers.clear()

    def check_absorbs(self, other: HandlerRegistry) -> None:
        """Check that nothing has a handler both here and elsewhere.

        Raises:
            ValueError: An event has.
        """
        for mine, theirs in self._beside(other):
            for name in theirs.keys() & mine.keys():
                _refuse_second(name, mine[name])
        if self._catch_all is not None and other._catch_all is not None:
            raise ValueError(f"there is a catch-all handler already, {self._catch_all.function!r}")
        self.emits.check_absorbs(other.emits)

    def absorb(self, other: HandlerRegistry, scope: HandlerScope | None = None) -> None:
        """Take over all that was registered elsewhere, or nothing of it.

        Args:
            other: Where it was registered.
            scope: What holds for it; None is what holds here, and what holds there is added.

        Raises:
            ValueError: An event has a handler in both.
        """
        self.check_absorbs(other)
        self.emits.absorb(other.emits)
        if scope is None:
            self.scope.take_over(other.scope)
            scope = self.scope
        for mine, theirs in self._beside(other):
            mine.update({name: self._take(item, scope) for name, item in theirs.items()})
        self._middlewares.extend(self._take(item, scope) for item in other._middlewares)
        if other._catch_all is not None:
            self._catch_all = self._take(other._catch_all, scope)
        if other.scope.event_middlewares and scope is self.scope:
            self.plan_anew()  # they are for what was here before as well

    def _beside(
        self, other: HandlerRegistry
    ) -> tuple[tuple[dict[str, Handler], dict[str, Handler]], ...]:
        return (
            (self._events, other._events),
            (self._lifecycle, other._lifecycle),
            (self._server_events, other._server_events),
        )

    def _take(self, handler: Handler, scope: HandlerScope) -> Handler:
        """The plan of a handler that was registered elsewhere."""
        registration = handler.registration._replace(scope=scope)
        if registration.ordered is None:
            registration = registration._replace(ordered=self.ordered)
        return self.plan(registration)

    # -- plans -------------------------------------------------------------------------------

    def plan(self, registration: Registration) -> Handler:
        """Make the plan of a call.

        Raises:
            TypeError: The function cannot be called as a handler.
        """
        if registration.scope is None:  # of a listener, or of a middleware of one socket
            registration = registration._replace(scope=self.scope)
        handler = self._planner(registration)
        middlewares: tuple[EventMiddleware, ...] = ()
        if registration.kind in _AMONG_MIDDLEWARES and registration.scope is not None:
            middlewares = registration.scope.all_event_middlewares()
        if not self._observed and not middlewares:
            return handler
        # The short ways have no place for an observer, or for middlewares.
        return replace(handler, simple=False, direct=False, middlewares=middlewares)

    def use_planner(self, planner: Planner, *, observed: bool) -> None:
        """Make the plans with another planner, also those that there are already.

        Args:
            planner: Makes the plans.
            observed: Whether the calls are watched.

        Raises:
            TypeError: A function that was registered cannot be called as a handler.
        """
        self._planner, self._observed = planner, observed
        self.plan_anew()

    def plan_anew(self) -> None:
        """Make all plans again, because something has changed that they depend on."""
        for handlers in (self._events, self._lifecycle, self._server_events):
            for name, handler in handlers.items():
                handlers[name] = self.plan(handler.registration)
        self._middlewares[:] = self._plan_all(self._middlewares)
        if self._catch_all is not None:
            self._catch_all = self.plan(self._catch_all.registration)

    def _plan_all(self, handlers: Iterable[Handler]) -> list[Handler]:
        return [self.plan(handler.registration) for handler in handlers]


def _put(registry: dict[str, Handler], name: str, handler: Handler) -> None:
    if name in registry:
        _refuse_second(name, registry[name])
    registry[name] = handler


def _refuse_second(name: str, first: Handler) -> NoReturn:
    raise ValueError(
        f"the event {name!r} has a handler already, {first.function!r};"
        " one handler per event and namespace gives one acknowledgement"
    )
