"""Forms of types: reading their values from the wire, and writing them; the parts of our rules.

The rules are strict: no text stands for a number, and no number for a bool. What JSON lacks is
read from the form in which it is sent: dates, UUIDs and decimals from text, enums from values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

from .errors import Invalid, wrong

Convert = Callable[[Any], Any]
"""Checks a value and returns it, or what it stands for; raises :class:`Invalid` otherwise."""


class Form(NamedTuple):
    """The way in which values of a type are read and written.

    Attributes:
        name: The type in words, for messages.
        read: Makes a value of what came; None takes anything.
        write: Makes what is sent of a value; None sends it as it is.
        deep: Whether values have parts, so that to read or write them is more than one step.
        literal: Whether the values are those of a Literal.
        shape: What it is on the wire, if it has parts: an array, or an object.
        fits: Tells quickly, by its tags, that an object may be a value; None without tags.
    """

    name: str
    read: Convert | None
    write: Convert | None
    deep: bool = False
    literal: bool = False
    shape: Literal["", "array", "object"] = ""
    fits: Callable[[Any], bool] | None = None


ANYTHING = Form("any value", None, None)


def _exactly(cls: type, name: str) -> Form:
    """The form of a type that JSON has."""
    problem = f"must be {name}"

    def read(value: Any) -> Any:
        if type(value) is cls:
            return value
        raise wrong(f"{cls.__name__}_type", problem)

    return Form(name, read, instance_of(cls, name))


def instance_of(cls: type | tuple[type, ...], name: str) -> Convert:
    """Writes instances of a class as they are, which the encoder knows."""
    problem = f"must be {name}"

    def write(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        raise wrong("type", problem)

    return write


def _read_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise wrong("float_size", "must be a smaller number") from None
    raise wrong("float_type", "must be a number")


def _read_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(cast("bytes", value))
    raise wrong("bytes_type", "must be binary")


def _read_none(value: Any) -> None:
    if value is not None:
        raise wrong("none_type", "must be null")


def _of_bytes(cls: Callable[[bytes], Any]) -> Form:
    def read(value: Any) -> Any:
        return cls(_read_bytes(value))

    return Form("binary", read, _BYTES.write)


def _of_text(cls: type, parse: Callable[[str], Any], name: str) -> Form:
    """The form of a type that is sent as text; MessagePack has some as they are."""

    def read(value: Any) -> Any:
        if type(value) is str:
            try:
                return parse(value)
            except (ValueError, InvalidOperation):
                raise wrong(f"{cls.__name__.lower()}_parsing", f"must be {name}") from None
        if isinstance(value, cls):
            return value
        raise wrong(f"{cls.__name__.lower()}_type", f"must be {name}")

    return Form(name, read, instance_of(cls, name))


def _read_decimal(value: Any) -> Decimal:
    number = value
    if type(value) in (str, int, float):
        try:
            number = Decimal(value if type(value) is int else str(value))
        except InvalidOperation:
            raise wrong("decimal_parsing", "must be a decimal number") from None
    if not isinstance(number, Decimal):
        raise wrong("decimal_type", "must be a decimal number")
    if not number.is_finite():  # comparisons with some of them raise
        raise wrong("finite_number", "must be a finite number")
    return number


_BYTES = Form("binary", _read_bytes, instance_of((bytes, bytearray, memoryview), "binary"))

SCALARS: dict[Any, Form] = {
    object: ANYTHING,
    Any: ANYTHING,
    None: Form("null", _read_none, _read_none),
    type(None): Form("null", _read_none, _read_none),
    str: _exactly(str, "a text"),
    int: _exactly(int, "a whole number"),
    bool: _exactly(bool, "true or false"),
    float: Form("a number", _read_float, instance_of((int, float), "a number")),
    bytes: _BYTES,
    bytearray: _of_bytes(bytearray),
    memoryview: _of_bytes(memoryview),
    datetime: _of_text(datetime, datetime.fromisoformat, "a date and time in ISO 8601"),
    date: _of_text(date, date.fromisoformat, "a date in ISO 8601"),
    time: _of_text(time, time.fromisoformat, "a time in ISO 8601"),
    UUID: _of_text(UUID, UUID, "a UUID"),
    Decimal: Form("a decimal number", _read_decimal, instance_of(Decimal, "a decimal number")),
}
"""The forms of types that have no parts."""


def one_of(values: Iterable[Any]) -> Form:
    """The form of a Literal: the values themselves, or members of enums by their values."""
    members = {_key(_wire(value)): value for value in values}
    name = "one of " + ", ".join(repr(_wire(value)) for value in members.values())

    def read(value: Any) -> Any:
        try:
            return members[_key(value)]
        except (KeyError, TypeError):  # TypeError: a list or an object
            raise wrong("literal_error", f"must be {name}") from None

    def write(value: Any) -> Any:
        read(_wire(value))
        return value

    return Form(name, read, write, literal=True)


def enum_form(cls: type[Enum]) -> Form:
    """The form of an enum: the values of its members."""
    form = one_of(cls)

    def read(value: Any) -> Any:
        if type(value) is float and value.is_integer():  # JavaScript has one type of numbers
            value = int(value)
        return form.read(value) if form.read is not None else value

    return Form(form.name, read, instance_of(cls, f"a member of {cls.__name__}"))


def _wire(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _key(value: Any) -> tuple[Any, Any]:
    """A key by which 1 and True are two values."""
    return cast("Any", type(value)), value


def optional(form: Form) -> Form:
    """The form of a type that may be None as well."""
    inner_read, inner_write = form.read, form.write

    def read(value: Any) -> Any:
        return None if value is None or inner_read is None else inner_read(value)

    def write(value: Any) -> Any:
        return None if value is None or inner_write is None else inner_write(value)

    return Form(
        f"{form.name} or null",
        None if inner_read is None else read,
        None if inner_write is None else write,
        form.deep,
    )


def union(forms: list[Form]) -> Form:
    """The form of a type that is one of several.

    Those that take a value as it is come first, and then the first that takes it, in their order. A
    record is looked into only if its tags fit.
    """
    if any(form.read is None for form in forms):
        return ANYTHING
    name = " or ".join(dict.fromkeys(form.name for form in forms))
    writes = [form.write for form in forms]

    def write(value: Any) -> Any:
        for each in writes:
            try:
                return value if each is None else each(value)
            except Invalid:
                continue
        raise wrong("union_error", f"must be {name}")

    return Form(name, _read_union(name, forms), write, any(form.deep for form in forms))


def _read_union(name: str, forms: list[Form]) -> Convert:
    exact = [form for form in forms if form in _AS_THEY_ARE]
    others = [form for form in forms if form not in exact]

    def read(value: Any) -> Any:
        failures: list[Invalid] = []
        for form in (*exact, *others):
            if form.read is None or (form.fits is not None and not form.fits(value)):
                continue
            try:
                return form.read(value)
            except Invalid as error:
                failures.append(error)
        raise _nearest(failures) or wrong("union_error", f"must be {name}")

    return read


_AS_THEY_ARE = [SCALARS[cls] for cls in (str, int, bool, None, bytes)]


def _nearest(failures: list[Invalid]) -> Invalid | None:
    """The error of the one type that was meant; None when that cannot be said."""
    meant = [each for each in failures if all(problem.loc for problem in each.problems)]
    return meant[0] if len(meant) == 1 else None
