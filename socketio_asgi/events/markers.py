"""Parameters with a marker, such as ``Depends(...)``: the interface of what solves them.

A parameter whose default, or whose ``Annotated[...]``, has a marker is no argument of the event. A
:class:`MarkerSolver` says what is a marker, and compiles the marked parameters of a handler when it
is registered; the result supplies their values with each call. The solver is
:class:`.dependencies.solver.DependencySolver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Protocol, cast, get_args, get_origin

from ..validation.annotations import TypedParameter, TypedSignature
from .plans import Dependencies, Registration


class MarkedParameter(NamedTuple):
    """A parameter with a marker.

    Attributes:
        parameter: The parameter, its annotation evaluated.
        marker: The marker; of a parameter without one, its annotation.
    """

    parameter: TypedParameter
    marker: object


class MarkerSolver(Protocol):
    """Knows markers, and compiles what they stand for."""

    def is_marker(self, value: object) -> bool:
        """True for a marker: a default, or a piece of the metadata of ``Annotated``."""
        ...

    def provides(self, annotation: Any) -> bool:
        """True for a type that needs no marker, such as ``Request``."""
        ...

    def compile(
        self,
        registration: Registration,
        signature: TypedSignature,
        marked: Sequence[MarkedParameter],
    ) -> Dependencies | None:
        """Compile the marked parameters of a function; None when there is nothing to do.

        Args:
            registration: The function, and what it is registered for.
            signature: Its types, and the names that annotations may use.
            marked: Its marked parameters.

        Raises:
            TypeError: A dependency cannot be solved.
        """
        ...


def find_marker(parameter: TypedParameter, solver: MarkerSolver) -> object | None:
    """The marker of a parameter; the one of its default counts more than that of its type.

    Of a type that needs none, it is the annotation.
    """
    default: object = parameter.default
    if solver.is_marker(default):
        return default
    annotation = unaliased(parameter.annotation)
    if get_origin(annotation) is Annotated:
        found = [piece for piece in get_args(annotation)[1:] if solver.is_marker(piece)]
        if found:
            return cast("object", found[-1])
    return cast("object", annotation) if solver.provides(annotation) else None


def unaliased(annotation: Any) -> Any:
    """The value of an alias of the form ``type CurrentUser = Annotated[…]``."""
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    return annotation
