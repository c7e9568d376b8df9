"""Parameters with a marker, such as ``Depends(...)``: the interface of what solves them.

A parameter whose default, or whose ``Annotated[...]``, has a marker is no argument of the event. A
:class:`MarkerSolver` says what is a marker, and compiles the marked parameters of a handler when it
is registered; the result supplies their values with each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple, Protocol, get_args, get_origin

from ..validation.annotations import TypedParameter, TypedSignature
from .plans import Dependencies, Registration


class MarkedParameter(NamedTuple):
    """A parameter with a marker.

    Attributes:
        parameter: The parameter, its annotation evaluated.
        marker: The marker.
    """

    parameter: TypedParameter
    marker: object


class MarkerSolver(Protocol):
    """Knows markers, and compiles what they stand for."""

    def is_marker(self, value: object) -> bool:
        """True for a marker: a default, or a piece of the metadata of ``Annotated``."""
        ...

    def compile(
        self,
        registration: Registration,
        signature: TypedSignature,
        marked: Sequence[MarkedParameter],
    ) -> Dependencies:
        """Compile the marked parameters of a function; there is one at least.

        Args:
            registration: The function, and what it is registered for.
            signature: Its types, and the names that annotations may use.
            marked: Its marked parameters.

        Raises:
            TypeError: A dependency cannot be solved.
        """
        ...


class NoMarkers:
    """Knows no markers."""

    def is_marker(self, value: object) -> bool:
        """False: nothing is a marker."""
        return False

    def compile(
        self,
        registration: Registration,
        signature: TypedSignature,
        marked: Sequence[MarkedParameter],
    ) -> Dependencies:
        """Never called, as nothing is a marker."""
        raise TypeError("there are no markers")


NO_MARKERS = NoMarkers()


def find_marker(parameter: TypedParameter, solver: MarkerSolver) -> object | None:
    """The marker of a parameter; the one of its default counts more than that of its type."""
    default: object = parameter.default
    if solver.is_marker(default):
        return default
    annotation = parameter.annotation
    if get_origin(annotation) is not Annotated:
        return None
    found: list[object] = [piece for piece in get_args(annotation)[1:] if solver.is_marker(piece)]
    return found[-1] if found else None
