"""The solver of markers: what planners know of dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...validation.annotations import TypedSignature
from ..context import classes_of
from ..markers import MarkedParameter
from ..plans import Dependencies, HandlerKind, Registration
from .injection import NO_OVERRIDES, Injection
from .markers import Marker, is_marker, uniform_marker
from .plan import Overrides, PlanSettings
from .supplies import is_refused, is_request, is_scopes, is_tasks

_ON_THEIR_OWN = (
    HandlerKind.LIFECYCLE,
    HandlerKind.MIDDLEWARE,
    HandlerKind.SERVER_EVENT,
    HandlerKind.EVENT_MIDDLEWARE,
)
"""The kinds for which the dependencies of a router, or of the server, are not called: nothing of
them is an event of a client that is handled."""

_WITHOUT_CLIENT = (HandlerKind.SERVER_EVENT, HandlerKind.EVENT_MIDDLEWARE)
"""The kinds of functions that are not called about a socket."""


class DependencySolver:
    """Knows markers, and compiles what they stand for; see :class:`..markers.MarkerSolver`.

    Args:
        overrides: The functions that are called in place of others, looked up at each event.
        bearer_from_auth: The key of a token in the ``auth`` of clients; None for none.
    """

    def __init__(
        self, overrides: Overrides = NO_OVERRIDES, bearer_from_auth: str | None = None
    ) -> None:
        self._overrides = overrides
        self._bearer_from_auth = bearer_from_auth

    def is_marker(self, value: object) -> bool:
        """True for a marker, of this package or of FastAPI."""
        return is_marker(value)

    def provides(self, annotation: Any) -> bool:
        """True for a type that needs no marker, and for those that make no sense for events."""
        tests = (is_request, is_tasks, is_scopes, is_refused)
        return any(test(each) for each in classes_of(annotation) for test in tests)

    def compile(
        self,
        registration: Registration,
        signature: TypedSignature,
        marked: Sequence[MarkedParameter],
    ) -> Dependencies | None:
        """Compile the marked parameters of a function, and what is called before it.

        Raises:
            TypeError: A dependency cannot be called.
        """
        shared = tuple(_shared(registration))
        if not marked and not shared:
            return None
        has_client = registration.kind not in _WITHOUT_CLIENT
        return Injection(
            registration.function,
            [each.parameter for each in marked],
            shared=shared,
            settings=PlanSettings(has_client, self._bearer_from_auth),
            overrides=self._overrides,
        )


def _shared(registration: Registration) -> Iterator[Marker]:
    """The dependencies of the server and of routers, the outermost first."""
    if registration.scope is None or registration.kind in _ON_THEIR_OWN:
        return
    for scope in reversed(list(registration.scope.chain())):
        yield from map(uniform_marker, scope.dependencies)
