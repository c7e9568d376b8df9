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

    deep = any(field.form.deep for field in fields)
    convert = _read_once if deep else _read_fast

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong("object_type", f"must be {name}")
        made = convert(cast("Any", value), reads)
        return made if make is None else _make(make, made)

    write = _write_dict(fields) if make is None else _write_instance(cls, fields)
    return Form(name, read, write, deep=True, shape="object", fits=_by_tags(fields))


def _make(make: Callable[..., Any], fields: dict[str, Any]) -> Any:
    try:
        return make(**fields)
    except ValueError as error:  # raised by __post_init__
        raise wrong("value_error", str(error)) from error


_Reads = Sequence[tuple[str, Convert | None, bool]]
"""The names of fields, what reads them, and whether they must be there."""


def _read_fast(given: Mapping[Any, Any], reads: _Reads) -> dict[str, Any]:
    """Read fields that are not nested: a second time, if something is wrong."""
    try:
        return {
            name: given[name] if inner is None else inner(given[name])
            for name, inner, required in reads
            if required or name in given
        }
    except (Invalid, KeyError):
        pass
    return _read_once(given, reads)


def _read_once(given: Mapping[Any, Any], reads: _Reads) -> dict[str, Any]:
    """Read fields, each of them once, and tell all that is wrong with them."""
    made: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, inner, required in reads:
        if name not in given:
            if required:
                problems.append(Problem((name,), "missing", "is required"))
            continue
        try:
            made[name] = given[name] if inner is None else inner(given[name])
        except Invalid as error:
            problems.extend(problem.below(name) for problem in error.problems)
    if problems:
        raise Invalid(*problems)
    return made


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


def _by_tags(fields: Sequence[Field]) -> Callable[[Any], bool] | None:
    """A function that tells a record from others, by fields that must be one of some values."""
    tags = [
        (field.name, field.form.read)
        for field in fields
        if field.required and field.form.literal and field.form.read is not None
    ]
    if not tags:
        return None

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        given: dict[Any, Any] = cast("Any", value)
        try:
            for name, read in tags:
                read(given.get(name))
        except Invalid:
            return False
        return True

    return fits
