"""Scopes: rules for all handlers that are registered in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.exceptions import HTTPException

from ..exceptions import EventError

EventMiddleware = Callable[[Any, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""Called around the handler of an event, with the context of the event and with what goes on."""


@dataclass(slots=True, eq=False)
class HandlerScope:
    """The rules for the handlers of a router, of a namespace, or of the whole server.

    Args:
        dependencies: What is resolved before each of them is called.
        errors: The errors that each of them declares.
        exception_handlers: What is called with an exception of one of them, by its class.
        event_middlewares: What is called around each of them, the outermost first.
        outer: The scope around this one: of a router, that of the router or namespace it was
            included in; of a namespace, that of the server.

    Attributes:
        dependencies: The same.
        errors: The same.
        exception_handlers: The same.
        event_middlewares: The same.
        outer: The same; None as long as it is not known.
    """

    dependencies: tuple[Any, ...] = ()
    errors: tuple[type[Exception], ...] = ()
    exception_handlers: dict[type[Exception], Callable[..., Any]] = field(
        default_factory=dict[type[Exception], Callable[..., Any]]
    )
    event_middlewares: tuple[EventMiddleware, ...] = ()
    outer: HandlerScope | None = None

    def chain(self) -> Iterator[HandlerScope]:
        """This scope and those around it, the innermost first."""
        scope: HandlerScope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def within(self, outer: HandlerScope) -> HandlerScope:
        """The same inside of another scope."""
        return replace(self, outer=outer)

    def take_over(self, other: HandlerScope) -> None:
        """Add what another scope has, which this one takes the place of."""
        self.dependencies += other.dependencies
        self.errors += other.errors
        self.exception_handlers |= other.exception_handlers
        self.event_middlewares += other.event_middlewares

    def find_exception_handler(self, error: Exception) -> Callable[..., Any] | None:
        """The function for an exception: the innermost scope that has one, the nearest class.

        An error that was made for clients is not one of "everything else": a function for
        Exception does not get it.
        """
        for scope in self.chain():
            for cls in type(error).__mro__:
                handler = scope.exception_handlers.get(cls)
                if handler is not None:
                    return handler
                if cls in _FOR_CLIENTS:
                    break
        return None

    def all_event_middlewares(self) -> tuple[EventMiddleware, ...]:
        """The middlewares for events of this scope and of those around it, the outermost first."""
        found: tuple[EventMiddleware, ...] = ()
        for scope in self.chain():
            found = scope.event_middlewares + found
        return found

    def all_errors(self) -> tuple[type[Exception], ...]:
        """The errors that are declared in this scope and in those around it."""
        return tuple(error for scope in self.chain() for error in scope.errors)


_FOR_CLIENTS = (EventError, HTTPException)


def nest(scopes: Sequence[HandlerScope], outer: HandlerScope) -> HandlerScope:
    """Scopes inside of one another, the innermost first, all of them within an outer one."""
    for scope in reversed(scopes):
        outer = scope.within(outer)
    return outer
