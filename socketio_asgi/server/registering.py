"""The decorators that namespaces and routers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from ..events.registry import HandlerRegistry, HandlerT
from ..events.signatures import check_name

MiddlewareT = TypeVar("MiddlewareT", bound=Callable[..., Any])


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

    def on(self, name: str, *, ordered: bool | None = None) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function as the handler of an event.

        Its first parameter is the socket, and the others are the values that the client sent.
        Surplus values are dropped, and an event with too few is refused. The return value
        acknowledges the event: None without a value, a tuple with several. A handler with a
        keyword-only parameter ``ack`` acknowledges by calling that instead.

        Args:
            name: The name of the event, or ``connection``, ``disconnecting`` or ``disconnect``.
            ordered: Whether the next event of a socket waits until this one is handled; None is
                the setting of the namespace.

        Raises:
            ValueError: The event has a handler already, or the name is reserved.
            TypeError: The name is not text, or the function cannot be called as a handler.

        Source: https://socket.io/docs/v4/listening-to-events/
        """
        check_name(name, "@io.on")

        def register(function: HandlerT) -> HandlerT:
            self.__registry__().add(name, function, ordered=ordered)
            return function

        return register

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
