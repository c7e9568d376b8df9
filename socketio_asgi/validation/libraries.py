"""The library that a type belongs to: pydantic, msgspec, or none.

Neither is imported here. A type of theirs is there only when the application has imported them.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, is_typeddict

from .annotations import Names, class_hints

Library = Literal["own", "pydantic", "msgspec"]
"""Whose rules hold for a type."""

_PYDANTIC_MARKS = ("__get_pydantic_core_schema__", "__pydantic_validator__")
_PYDANTIC_MODULES = ("pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types")


def library_of(annotation: Any, names: Names, neutral: Library) -> Library:
    """The library whose rules hold for a type.

    Args:
        annotation: The type.
        names: Names for the annotations of classes in it.
        neutral: The library for types that belong to none.

    Raises:
        TypeError: The type has parts of both libraries: each would ignore what the other's say.
    """
    found: set[Library] = {
        library for part in _parts(annotation, names) if (library := _owner(part))
    }
    if len(found) > 1:
        raise TypeError(
            f"{annotation!r} has parts of pydantic and of msgspec, which ignore each other's"
            " rules; use one of them for a type"
        )
    return found.pop() if found else neutral


def _owner(part: Any) -> Library | None:
    """The library of a class, or of a piece of metadata."""
    if isinstance(part, type):
        if hasattr(part, "__struct_fields__"):
            return "msgspec"
        home = part.__module__
    else:
        home = type(part).__module__
    if any(hasattr(part, mark) for mark in _PYDANTIC_MARKS):
        return "pydantic"
    package = home.partition(".")[0]
    if package in _PYDANTIC_MODULES:
        return "pydantic"
    return "msgspec" if package == "msgspec" else None


def _parts(annotation: Any, names: Names) -> Iterator[Any]:
    """The classes and the metadata that a type is made of, down to classes of the libraries."""
    seen: list[Any] = []
    waiting = [annotation]
    while waiting:
        part = waiting.pop()
        if any(part is other for other in seen):
            continue
        seen.append(part)
        inner, found = _opened(part, names)
        waiting.extend(inner)
        yield from found


def _opened(part: Any, names: Names) -> tuple[Iterable[Any], Iterable[Any]]:
    """The types inside of a type, and what is to be looked at of it."""
    origin = get_origin(part)
    if origin is Literal:
        return (), ()
    if origin is Annotated:
        inner, *metadata = get_args(part)
        return (inner,), metadata
    if origin is not None:
        return (origin, *get_args(part)), ()
    if isinstance(part, NewType):
        return (part.__supertype__,), ()
    if type(part).__name__ == "TypeAliasType":
        return (part.__value__,), ()
    if isinstance(part, type):
        fields = has_fields(part) and _owner(part) is None
        return class_hints(part, names).values() if fields else (), (part,)
    return (), ()


def has_fields(cls: Any) -> bool:
    """True for a class whose annotations are its fields: a dataclass, TypedDict or NamedTuple."""
    return is_dataclass(cls) or is_typeddict(cls) or is_named_tuple(cls)


def is_named_tuple(cls: Any) -> bool:
    """True for a class made with NamedTuple."""
    return hasattr(cls, "_fields") and isinstance(cls, type) and issubclass(cls, tuple)


def is_union(origin: Any) -> bool:
    """True for the origin of a union, however it was written."""
    return origin is Union or origin is types.UnionType
