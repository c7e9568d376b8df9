"""Scopes: rules for all handlers that are registered in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class HandlerScope:
    """The rules for the handlers of a router, of a namespace, or of the whole server.

    Args:
        dependencies: What is resolved before each of them is called.
        errors: The errors that each of them declares.
        outer: The scope around this one: of a router, that of the router or namespace it was
            included in; of a namespace, that of the server.

    Attributes:
        dependencies: The same.
        errors: The same.
        outer: The same; None as long as it is not known.
    """

    dependencies: tuple[Any, ...] = ()
    errors: tuple[type[Exception], ...] = ()
    outer: HandlerScope | None = None

    def chain(self) -> Iterator[HandlerScope]:
        """This scope and those around it, the innermost first."""
        scope: HandlerScope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def within(self, outer: HandlerScope) -> HandlerScope:
        """The same inside of another scope."""
        return HandlerScope(self.dependencies, self.errors, outer)

    def take_over(self, other: HandlerScope) -> None:
        """Add what another scope has, which this one takes the place of."""
        self.dependencies += other.dependencies
        self.errors += other.errors


def nest(scopes: Sequence[HandlerScope], outer: HandlerScope) -> HandlerScope:
    """Scopes inside of one another, the innermost first, all of them within an outer one."""
    for scope in reversed(scopes):
        outer = scope.within(outer)
    return outer
