"""Dataclasses, typed dictionaries and named tuples, read and written field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from .errors import Invalid, Problem, wrong
from .forms import Convert, Form


class Field(NamedTuple):
    """A field of a record.

    Attributes:
        name: Its name, on the wire as well.
        form: The form of its value.
        required: Whether it must be there.
    """

    name: str
    form: Form
    required: bool


def record_form(cls: type, fields: Sequence[Field], make: Callable[..., Any] | None) -> Form:
    """The form of an object with known fields; others are left out.

    Args:
        cls: The class, for its name.
        fields: Its fields.
        make: Makes an instance of the fields by keyword; None leaves it a dict.
    """
    name = f"an object ({cls.__name__})"
    reads = [(field.name, field.form.read, field.required) for field in fields]

    def read(value: Any) -> Any:
        if type(value) is not dict and not isinstance(value, dict):
            raise wrong("object_type", f"must be {name}")
        given: dict[Any, Any] = cast("Any", value)
        try:
            made = {
                field: given[field] if inner is None else inner(given[field])
                for field, inner, required in reads
                if required or field in given
            }
        except (Invalid, KeyError):
            raise _problems(given, reads) from None
        return made if make is None else _make(make, made)

    write = _write_dict(fields) if make is None else _write_instance(cls, fields)
    return Form(name, read, write, deep=True)


def _make(make: Callable[..., Any], fields: dict[str, Any]) -> Any:
    try:
        return make(**fields)
    except ValueError as error:  # raised by __post_init__
        raise wrong("value_error", str(error)) from error


def _problems(given: Mapping[Any, Any], reads: list[tuple[str, Convert | None, bool]]) -> Invalid:
    """All that is wrong with the fields of a record."""
    problems: list[Problem] = []
    for name, inner, required in reads:
        if name not in given:
            if required:
                problems.append(Problem((name,), "missing", "is required"))
            continue
        try:
            if inner is not None:
                inner(given[name])
        except Invalid as error:
            problems.extend(problem.below(name) for problem in error.problems)
    return Invalid(*problems)


def _write_instance(cls: type, fields: Sequence[Field]) -> Convert:
    """Writes the fields of the class, and not those that a subclass has added."""
    public = [(field.name, field.form.write) for field in fields if not field.name.startswith("_")]
    plain = not any(field.form.deep for field in fields)

    def write(value: Any) -> Any:
        if plain and type(value) is cls:
            return value  # the encoder knows dataclasses
        if not isinstance(value, cls):
            raise wrong("object_type", f"must be an instance of {cls.__name__}")
        return {name: _write(name, inner, getattr(value, name)) for name, inner in public}

    return write


def _write_dict(fields: Sequence[Field]) -> Convert:
    def write(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise wrong("object_type", "must be an object")
        items: Mapping[str, Any] = cast("Any", value)
        for field in fields:
            if field.required and field.name not in items:
                raise Invalid(Problem((field.name,), "missing", "is required"))
        return {
            field.name: _write(field.name, field.form.write, items[field.name])
            for field in fields
            if field.name in items
        }

    return write


def _write(name: str, inner: Convert | None, value: Any) -> Any:
    try:
        return value if inner is None else inner(value)
    except Invalid as error:
        raise Invalid(*(problem.below(name) for problem in error.problems)) from None


def dataclass_fields(cls: Any) -> list[tuple[str, bool]]:
    """The fields of a dataclass that its constructor takes, and whether it needs them."""
    return [
        (
            field.name,
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.init
    ]
