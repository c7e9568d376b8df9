"""A description of what a server handles and sends, for its contract."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ..contract.description import (
    Argument,
    DeclaredError,
    EventDescription,
    NamespaceDescription,
    TypeUse,
)
from ..contract.naming import as_type_name, distinct
from ..events.declared import AnyEvent
from ..events.errors import ErrorAck, ErrorBody, details_type, error_form
from ..events.plans import Handler, Source
from ..exceptions import ErrorDetail, EventError, EventValidationError
from ..validation.annotations import EMPTY, Names, Unresolved, names_around, typed_signature
from ..validation.types import Preference, ValueType, value_type
from .event_errors import ErrorOptions
from .namespace_core import NamespaceCore
from .parent_namespace import ChildCore, ParentCore

_INTERNAL = DeclaredError("internal", "The server has failed.")
_VALIDATION = DeclaredError(
    EventValidationError.code, "Arguments do not fit.", TypeUse(list[ErrorDetail])
)
_PATTERN = re.compile(r"\\.|\[[^\]]*\]|\{[^}]*\}|\(\?\w*[:=!<]?|[^\w/-]")
"""The parts of a regular expression that are no text."""


def describe(
    namespaces: Iterable[NamespaceCore],
    parents: Iterable[ParentCore],
    *,
    errors: ErrorOptions,
) -> tuple[NamespaceDescription, ...]:
    """Describe namespaces, the main one first and the others by name.

    Args:
        namespaces: The namespaces that clients may join; children of parents are left out, and
            those that watch the server.
        parents: The parents of dynamic namespaces.
        errors: What clients are told of errors.
    """
    describer = _Describer(errors)
    own = sorted(
        (each for each in namespaces if not (each.apart or isinstance(each, ChildCore))),
        key=_by_name,
    )
    dynamic = sorted(parents, key=lambda each: each.pattern)
    wanted = [as_type_name(each.name) if each.name != "/" else "" for each in own]
    titles = distinct([*wanted, *(_dynamic_title(each) for each in dynamic)])
    return tuple(
        describer.namespace(each, title)
        for each, title in zip([*own, *dynamic], titles, strict=True)
    )


def error_type(form: ErrorAck, prefer: Preference) -> TypeUse | None:
    """The type of errors in acknowledgements; None for that of the default.

    Args:
        form: Makes the acknowledgement of an error.
        prefer: Whose rules hold for types that belong to no library.
    """
    if form is error_form:
        return None
    signature = typed_signature(form)
    returns = signature.returns
    if returns is EMPTY or isinstance(returns, Unresolved):
        return TypeUse(Any)
    return _use(value_type(returns, signature.names, prefer), signature.names)


def _by_name(namespace: NamespaceCore) -> str:
    return namespace.name


def _dynamic_title(parent: ParentCore) -> str:
    if parent.by_function:
        title = as_type_name(parent.pattern.replace("<lambda>", ""))
    else:
        title = as_type_name(_PATTERN.sub(" ", parent.pattern))
    return "Dynamic" if title == "T" else title


class ErrorEvent(ErrorBody):
    """An error of an event that asked for no acknowledgement."""

    event: str
    """The name of the event."""


_ERROR_TEXT = "An event that asked for no acknowledgement has failed."


class _Describer:
    def __init__(self, errors: ErrorOptions) -> None:
        self._with_errors = errors.form is not None
        told = TypeUse(ErrorEvent)
        self._error_event = (
            None
            if errors.event is None
            else EventDescription(errors.event, (Argument("error", told),), text=_ERROR_TEXT)
        )

    def namespace(self, core: NamespaceCore, title: str) -> NamespaceDescription:
        """Describe one namespace."""
        handlers = core.handlers
        dynamic = isinstance(core, ParentCore)
        return NamespaceDescription(
            core.pattern if isinstance(core, ParentCore) else core.name,
            title,
            tuple(
                self._received(name, handler)
                for name, handler in sorted(handlers.own_events.items())
            ),
            tuple(self._sent(handlers.emits.by_name)),
            dynamic,
            _class_text(core.public),
        )

    def _sent(self, listed: Mapping[str, AnyEvent]) -> Iterator[EventDescription]:
        own = self._error_event
        for event in sorted({*listed, *(() if own is None else (own.name,))}):
            if own is not None and event not in listed:
                yield own
            else:
                yield _sent(listed[event])

    def _received(self, name: str, handler: Handler) -> EventDescription:
        signature = handler.registration.signature
        names: Names = {} if signature is None else signature.names
        arguments = tuple(_arguments(handler, names))
        ack = handler.answer_types
        errors: tuple[DeclaredError, ...] = ()
        if ack is not None and self._with_errors:
            errors = tuple(self._errors(handler, arguments))
        return EventDescription(
            name,
            arguments,
            None if ack is None else tuple(_use(each, names) for each in ack),
            errors,
            inspect.getdoc(_documented(handler.function)) or "",
        )

    def _errors(self, handler: Handler, arguments: tuple[Argument, ...]) -> Iterator[DeclaredError]:
        scope = handler.registration.scope
        around = () if scope is None else (e for each in scope.chain() for e in each.errors)
        classes = dict.fromkeys([*handler.registration.errors, *around])
        for cls in classes:
            if issubclass(cls, EventError) and cls.code:
                yield _error(cls)
        validated = any(each.type is not None and each.type.validate for each in handler.parameters)
        if validated or any(each.required for each in arguments):
            yield _VALIDATION
        yield _INTERNAL


def _error(cls: type[EventError]) -> DeclaredError:
    text = cls.message or inspect.cleandoc(cls.__doc__ or "")
    known = details_type(cls)
    details = None if known is None else _use(known, names_around(cls))
    return DeclaredError(cls.code, text, details)


def _arguments(handler: Handler, names: Names) -> Iterator[Argument]:
    for each in handler.parameters:
        if each.source not in (Source.ARGUMENT, Source.REST):
            continue
        rest = each.source is Source.REST
        use = TypeUse(Any) if each.type is None else _use(each.type, names)
        required = each.parameter.required and not rest
        yield Argument(each.parameter.name, use, required, rest)


def _sent(event: AnyEvent) -> EventDescription:
    inside = event.__socketio__
    arguments = tuple(
        Argument(
            each.name,
            _use(each.type, inside.names),
            not each.rest and (each.default is EMPTY or inside.reply is not None),
            each.rest,
        )
        for each in inside.arguments
    )
    reply = inside.reply
    ack = None if reply is None else tuple(_use(each, inside.names) for each in reply.types)
    return EventDescription(event.name, arguments, ack, (), event.description)


def _use(known: ValueType, names: Names) -> TypeUse:
    annotation = Any if known.annotation is EMPTY else known.annotation
    return TypeUse(annotation, known.library, names)


def _documented(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function whose docstring tells of a handler."""
    while isinstance(function, partial):
        function = function.func
    return function


def _class_text(namespace: object) -> str:
    """The docstring of a class of the application."""
    cls = type(namespace)
    own = cls.__module__.startswith(__name__.rpartition(".")[0] + ".")
    return "" if own else inspect.cleandoc(cls.__doc__ or "")
