"""The form of errors: what the client is told of what a handler raised."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException

from ..exceptions import EventError
from ..validation.annotations import class_hints, names_around
from ..validation.types import ValueType, value_type

INTERNAL = EventError("internal", "internal error")
"""The error for everything that was not declared; it tells nothing of that."""

ErrorAck = Callable[[EventError], Any]
"""Makes the acknowledgement of an error: its first and only value."""


class ErrorBody(TypedDict):
    """An error, as clients are told of it."""

    code: str
    """Its name, for programs."""
    message: str
    """What happened, for people."""
    details: Any
    """More about it; null when there is no more."""
    status: NotRequired[int]
    """The HTTP status, if it was made of an HTTPException."""


class ErrorForm(TypedDict):
    """The acknowledgement of an event that ended in an error."""

    error: ErrorBody
    """The error."""


def error_form(error: EventError) -> ErrorForm:
    """The acknowledgement of an error, unless ``Server(error_ack=...)`` says otherwise."""
    return {"error": error_body(error)}


def error_body(error: EventError) -> ErrorBody:
    """The body of an error, which clients are told."""
    body: ErrorBody = {
        "code": error.code,
        "message": error.message,
        "details": error.details,
    }
    if error.status is not None:
        body["status"] = error.status
    return body


def as_event_error(error: Exception) -> EventError | None:
    """The error that a client is told of; None for one that was not meant for it."""
    if isinstance(error, EventError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    return None


def _of_http(error: HTTPException) -> EventError:
    try:
        code = HTTPStatus(error.status_code).name.lower()
    except ValueError:
        code = f"http_{error.status_code}"
    detail: Any = error.detail
    is_text = isinstance(detail, str)
    made = EventError(code, detail if is_text else "", None if is_text else detail)
    made.status = error.status_code
    return made


def with_plain_details(error: EventError) -> EventError:
    """The same error, its details as the annotation of its class says that they are sent.

    Raises:
        Exception: They are of another type.
    """
    known = details_type(type(error))
    if known is None or known.serialize is None or error.details is None:
        return error
    cls = type(error)  # the one who writes the acknowledgement may tell errors by their classes
    made = cls.__new__(cls, *error.args)
    made.__dict__.update(error.__dict__)
    made.details = known.serialize(error.details)
    return made


def details_type(cls: type[EventError]) -> ValueType | None:
    """The type of the details of an error; None when its class does not say it.

    Raises:
        TypeError: There are no rules for the type.
    """
    if cls not in _types:
        names = names_around(cls)
        known = value_type(class_hints(cls, names).get("details", Any), names)
        _types[cls] = None if known.validate is None else known
    return _types[cls]


_types: WeakKeyDictionary[type[EventError], ValueType | None] = WeakKeyDictionary()


def check_errors(errors: Any) -> tuple[type[EventError], ...]:
    """Check errors that are declared.

    Raises:
        TypeError: One of them is no subclass of EventError with a code, or the annotation of its
            details has no form on the wire.
    """
    if isinstance(errors, type):
        raise TypeError(f"errors is a list: write errors=[{errors.__name__}]")
    for error in errors:
        if not isinstance(error, type) or not issubclass(error, EventError) or not error.code:
            raise TypeError(
                f"errors=[...] takes subclasses of EventError with a code, not {error!r}"
            )
        details_type(error)
    return tuple(errors)
