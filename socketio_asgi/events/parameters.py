"""The rules on the parameters of handlers: where the value of each comes from.

| parameter | its value |
| --- | --- |
| with a marker, such as ``Depends`` | a dependency |
| of a type such as Handshake, Namespace, Server, EventContext, Ack | that of the call |
| the first one, without annotation, of the type Socket, or named ``socket`` | the socket |
| any other | the next argument of the event |

A keyword-only parameter is one of the first two, or ``ack``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..validation.annotations import EMPTY, TypedParameter, TypedSignature, Unresolved
from .context import Provided, classes_of, provided_by
from .markers import MarkerSolver, find_marker
from .plans import HandlerKind, HandlerParameter, Registration, Source

Kinds = inspect.Parameter

WITH_SOCKET = (
    HandlerKind.EVENT,
    HandlerKind.CATCH_ALL,
    HandlerKind.LIFECYCLE,
    HandlerKind.MIDDLEWARE,
)
"""The kinds of functions whose first parameter may be the socket."""

ANSWERING = (
    HandlerKind.EVENT,
    HandlerKind.CATCH_ALL,
    HandlerKind.SERVER_EVENT,
    HandlerKind.CLIENT_EVENT,
)
"""The kinds whose return value is an answer."""

TAKING_ACK = (*ANSWERING, HandlerKind.LISTENER)
"""The kinds that may answer by themselves."""

_SOCKET_IN_TEXT = re.compile(r"(?:\w+\.)*Socket(?:\[.*\])?(?:\s*\|\s*None)?")


def names_socket(annotation: Unresolved) -> bool:
    """True for the type of a socket, which may be imported for type checkers alone."""
    return _SOCKET_IN_TEXT.fullmatch(annotation.text) is not None


def classify(
    registration: Registration, signature: TypedSignature, solver: MarkerSolver
) -> tuple[HandlerParameter, ...]:
    """Find out what each parameter of a function is given.

    Raises:
        TypeError: One of them can be given nothing.
    """
    rules = _Rules(registration, solver)
    bound = frozenset(_bound_keywords(registration.function))
    return tuple(
        rules.classify(parameter, first=index == 0)
        for index, parameter in enumerate(signature.parameters)
        if parameter.kind is not Kinds.VAR_KEYWORD and parameter.name not in bound
    )


def _bound_keywords(function: Callable[..., Any]) -> Iterator[str]:
    """The parameters that partial objects have given a value by name."""
    while isinstance(function, partial):
        yield from function.keywords
        function = function.func


class _Rules:
    def __init__(self, registration: Registration, solver: MarkerSolver) -> None:
        self._function = registration.function
        self._kind = registration.kind
        self._solver = solver

    def classify(self, parameter: TypedParameter, *, first: bool) -> HandlerParameter:
        marker = find_marker(parameter, self._solver)
        if marker is not None:
            return HandlerParameter(parameter, Source.MARKER, marker=marker)
        provided = self._provided(parameter, first=first)
        if provided is not None:
            self._check_provided(parameter, provided)
            return HandlerParameter(parameter, Source.PROVIDED, provided)
        if parameter.keyword_only:
            raise TypeError(self._unfilled(parameter))
        if isinstance(parameter.annotation, Unresolved):
            raise TypeError(unresolved(self._function, parameter.name, parameter.annotation))
        if _is_field(parameter.default):
            raise TypeError(
                f"the default of {parameter.name!r} describes a field, and is no value: write"
                f" {parameter.name}: Annotated[..., Field(...)] = default: {self._function!r}"
            )
        rest = parameter.kind is Kinds.VAR_POSITIONAL
        return HandlerParameter(parameter, Source.REST if rest else Source.ARGUMENT)

    def _provided(self, parameter: TypedParameter, *, first: bool) -> Provided | None:
        annotation = parameter.annotation
        if parameter.kind is Kinds.VAR_POSITIONAL:
            return None
        if parameter.keyword_only and parameter.name == "ack" and self._kind in TAKING_ACK:
            return Provided.ACK
        if isinstance(annotation, Unresolved):
            if names_socket(annotation):
                return Provided.SOCKET
        elif annotation is not EMPTY:
            found = provided_by(annotation)
            if found is not None:
                return found
        if first and not parameter.keyword_only and self._kind in WITH_SOCKET:
            return self._first(parameter)
        return None

    def _first(self, parameter: TypedParameter) -> Provided | None:
        if parameter.annotation is EMPTY:
            return Provided.SOCKET
        if parameter.name != "socket":
            return None
        classes = (
            () if isinstance(parameter.annotation, Unresolved) else classes_of(parameter.annotation)
        )
        if classes and all(_is_value(cls) for cls in classes):
            raise TypeError(
                f"the parameter 'socket' of a handler is the socket, but it is annotated with"
                f" {_shown(parameter.annotation)}: {self._function!r}"
            )
        return Provided.SOCKET

    def _check_provided(self, parameter: TypedParameter, provided: Provided) -> None:
        if provided is Provided.SOCKET and self._kind not in WITH_SOCKET:
            raise TypeError(
                f"this function is not given the socket, but its parameter {parameter.name!r} is"
                f" annotated as one: {self._function!r}"
            )
        if provided is Provided.ACK and self._kind not in TAKING_ACK:
            raise TypeError(
                f"only events are acknowledged, but {parameter.name!r} is an acknowledgement:"
                f" {self._function!r}"
            )
        if provided is Provided.HANDSHAKE and self._kind is HandlerKind.SERVER_EVENT:
            raise TypeError(
                f"an event of another server has no client, but {parameter.name!r} is its"
                f" handshake: {self._function!r}"
            )

    def _unfilled(self, parameter: TypedParameter) -> str:
        named = "'ack', and " if self._kind in TAKING_ACK else ""
        return (
            f"the keyword-only parameter {parameter.name!r} is never given anything: only {named}"
            "parameters with a marker or of a type such as Handshake are; make it positional:"
            f" {self._function!r}"
        )


def _is_value(cls: type) -> bool:
    return cls.__module__ == "builtins" and cls not in (object, type)


def _is_field(default: Any) -> bool:
    """True for what describes the field of a class, such as pydantic's ``Field(...)``."""
    kinds = {base.__name__ for base in type(default).__mro__}
    library = type(default).__module__.partition(".")[0]
    return bool(kinds & {"FieldInfo", "_Field", "Field"}) and library in _FIELD_LIBRARIES


_FIELD_LIBRARIES = {"dataclasses", "fastapi", "msgspec", "pydantic"}


def _shown(annotation: Any) -> str:
    return getattr(annotation, "__qualname__", None) or str(annotation)


def unresolved(function: Callable[..., Any], name: str, annotation: Unresolved) -> str:
    """The sentence about an annotation that cannot be evaluated."""
    what = (
        f"the annotation {annotation.text!r} of {name!r}"
        if name
        else (f"the return annotation {annotation.text!r}")
    )
    return (
        f"{what} cannot be evaluated ({annotation.error}): import what it names at run time, not"
        f" only for type checkers: {function!r}"
    )
