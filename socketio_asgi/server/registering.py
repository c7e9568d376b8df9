"""The decorators that namespaces and routers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..events.declared import AnyEvent
from ..events.foreign_words import ON, explaining
from ..events.registry import HandlerRegistry, HandlerT
from ..events.signatures import check_name
from ..exceptions import EventError

if TYPE_CHECKING:
    from .event_context import EventContext

MiddlewareT = TypeVar("MiddlewareT", bound=Callable[..., Any])
ErrorT = TypeVar("ErrorT", bound=Exception)
ResultT = TypeVar("ResultT")

ExceptionHandler: TypeAlias = Callable[["EventContext", ErrorT], ResultT]
"""Called with the context of an event and with what its handler raised, perhaps asynchronous."""

CallNext: TypeAlias = Callable[["EventContext"], Awaitable[Any]]
"""Goes on with an event, and returns its acknowledgement."""

EventMiddlewareT = TypeVar(
    "EventMiddlewareT", bound=Callable[["EventContext", CallNext], Awaitable[Any]]
)


class Registering(ABC):
    """Something that handlers and middlewares are registered at."""

    __slots__ = ()

    # With two underscores on both sides, as all that subclasses of applications must not hide.
    @abstractmethod
    def __registry__(self) -> HandlerRegistry:
        """The registry that a function goes to now.

        Raises:
            RuntimeError: It is too late for another one.
        """

    @explaining(ON)
    def on(
        self,
        name: str,
        *,
        ordered: bool | None = None,
        errors: Sequence[type[EventError]] = (),
    ) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event.

        Its first parameter is the socket, unless it is annotated with another type, and the others
        are the values that the client sent. Annotations validate and convert these. Surplus values
        are dropped; an event with too few, or with others, is refused, which its acknowledgement
        tells. Parameters of the types :class:`Socket`, :class:`Handshake`, :class:`Namespace`,
        :class:`Server`, :class:`EventContext` and :class:`Ack` are given those of the event.

        The return value acknowledges the event: None without a value, a tuple with several. A
        handler with an :class:`Ack`, or a keyword-only parameter ``ack``, acknowledges by calling
        that instead. One that raises or returns an :class:`EventError` acknowledges with that.

        Args:
            name: The name of the event, or ``connection``, ``disconnecting`` or ``disconnect``.
            ordered: Whether the next event of a socket waits until this one is handled; None is
                the setting of the namespace.
            errors: The errors that the handler declares, subclasses of :class:`EventError`.

        Raises:
            ValueError: The event has a handler already, or the name is reserved.
            TypeError: The name is not text, or the function cannot be called as a handler.

        Source: https://socket.io/docs/v4/listening-to-events/
        """
        check_name(name, "@io.on")

        def register(function: HandlerT) -> HandlerT:
            self.__registry__().add(name, function, ordered=ordered, errors=errors)
            return function

        return register

    def emits(self, *events: AnyEvent) -> None:
        """List declared events that clients of the namespace are sent, for the contract.

        Args:
            *events: The events; the same one may be listed again, and in several namespaces.

        Raises:
            TypeError: Something is no declared event.
            ValueError: Another event has the same name.
        """
        self.__registry__().emits.add(events)

    def on_server_event(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event of other servers.

        It is given the values that :meth:`Namespace.server_side_emit` was given there, and its
        return value is the reply. A handler with a keyword-only parameter ``ack`` replies by
        calling that instead.

        Raises:
            ValueError: The event has a handler already.
            TypeError: The name is not text, or the function cannot be called as a handler.

        Source: https://socket.io/docs/v4/server-api/#namespaceserversideemiteventname-args
        """
        check_name(name, "@io.on_server_event")

        def register(function: HandlerT) -> HandlerT:
            self.__registry__().add_server_event(name, function)
            return function

        return register

    def use(self, middleware: MiddlewareT) -> MiddlewareT:
        """Register a function that decides whether a client may join the namespace.

        It is given the socket, before that is connected. Raise :class:`ConnectionRefused`, or
        return False, to refuse the client. Middlewares run in the order of their registration.

        Raises:
            TypeError: The function cannot be called with one argument.

        Source: https://socket.io/docs/v4/middlewares/
        """
        self.__registry__().add_middleware(middleware)
        return middleware

    def exception_handler(
        self, cls: type[ErrorT]
    ) -> Callable[[ExceptionHandler[ErrorT, ResultT]], ExceptionHandler[ErrorT, ResultT]]:
        """Register the decorated function for an exception that handlers of events raise.

        It is given the context and the exception. What it returns acknowledges the event: an
        :class:`EventError`, or any value. The function for the nearest base class of the exception
        counts, here before the server; one for ``Exception`` is for all that has no other, but not
        for :class:`EventError` and Starlette's ``HTTPException``.

        Args:
            cls: The class of the exception.

        Raises:
            TypeError: The class is none of exceptions, or the function does not take both.
            ValueError: There is a function for that class.
        """
        return register_exception_handler(self.__registry__(), cls)

    def event_middleware(self, middleware: EventMiddlewareT) -> EventMiddlewareT:
        """Register an asynchronous function that is called around the handlers of events.

        It is given the context and a function that goes on, ``await call_next(context)``. What it
        returns acknowledges the event. The arguments are valid by then. Middlewares are called in
        the order of their registration, each one inside of the one before.

        Raises:
            TypeError: It is not asynchronous, or cannot be called with both.
        """
        self.__registry__().add_event_middleware(middleware)
        return middleware

    def catch_all(self, function: HandlerT) -> HandlerT:
        """Register the handler of all events of clients that have no handler of their own.

        Behind the socket it is given the name of the event, and then what the client sent. Its
        return value acknowledges the event.

        Raises:
            TypeError: It cannot be called with the name of an event.
            ValueError: There is one already.
        """
        self.__registry__().set_catch_all(function)
        return function


def register_exception_handler(
    registry: HandlerRegistry, cls: type[ErrorT]
) -> Callable[[ExceptionHandler[ErrorT, ResultT]], ExceptionHandler[ErrorT, ResultT]]:
    """A decorator that registers a function for an exception."""

    def register(
        function: ExceptionHandler[ErrorT, ResultT],
    ) -> ExceptionHandler[ErrorT, ResultT]:
        registry.add_exception_handler(cls, function)
        return function

    return register
