"""The rules of pydantic, for types that are made with it; imported when such a type is met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import ValidationError

from .errors import Problem

MANY = 1000
"""Problems of one value beyond which they are only counted: to list them takes longer than to find
them."""


class PydanticType:
    """A type with the rules of pydantic.

    Args:
        annotation: The type.

    Raises:
        TypeError: pydantic does not know it, or it refers to what is not there yet.

    Attributes:
        adapter: What pydantic has made of it.
        validate: Makes a value of what came.
    """

    def __init__(self, annotation: Any) -> None:
        self.adapter: TypeAdapter[Any] = _complete(annotation)
        self.validate: Callable[[Any], Any] = self.adapter.validator.validate_python
        self._serialize = self.adapter.serializer.to_python

    def serialize(self, value: Any) -> Any:
        """Make what is sent of a value; the fields of its type, by their aliases, and no others.

        Raises:
            ValidationError: The value is not of the type.
        """
        checked = self.adapter.validator.validate_python(value, from_attributes=True)
        return self._serialize(checked, by_alias=True)


def _complete(annotation: Any) -> TypeAdapter[Any]:
    """An adapter that knows everything: a validator of another one would never become better."""
    try:
        adapter = TypeAdapter[Any](annotation)
        if not adapter.pydantic_complete:
            adapter.rebuild(raise_errors=True)
    except PydanticUndefinedAnnotation as error:
        raise TypeError(
            f"{annotation!r} refers to {error.name!r}, which is not defined yet: define it before"
            " the handler, or call model_rebuild() before that"
        ) from error
    except PydanticUserError as error:
        raise TypeError(f"pydantic cannot use {annotation!r}: {error}") from error
    return adapter


def problems_of(error: Exception) -> list[Problem] | None:
    """The problems, if an exception is pydantic's verdict about a value."""
    if not isinstance(error, ValidationError):
        return None
    if error.error_count() > MANY:
        return [Problem((), "too_many_errors", f"has {error.error_count()} errors")]
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return [Problem(each["loc"], each["type"], each["msg"]) for each in errors]
