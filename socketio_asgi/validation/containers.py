"""Lists, tuples, sets and dictionaries, read and written by the forms of their items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from .errors import MAX_DETAILS, Invalid, Problem, wrong
from .forms import SCALARS, Convert, Form

_LISTS = (list, tuple)


def convert_each(inner: Convert, items: Iterable[tuple[str | int, Any]]) -> list[Any]:
    """Convert items, each of them once, and tell all that is wrong with them.

    Args:
        inner: Converts one.
        items: The items, each with its place.

    Raises:
        Invalid: One of them is wrong.
    """
    made: list[Any] = []
    problems: list[Problem] = []
    for place, item in items:
        try:
            made.append(inner(item))
        except Invalid as error:
            problems.extend(problem.below(place) for problem in error.problems)
            if len(problems) >= MAX_DETAILS:
                break
    if problems:
        raise Invalid(*problems)
    return made


def _list_converter(inner: Convert, *, deep: bool) -> Callable[[Sequence[Any]], list[Any]]:
    """Converts the items of a list."""

    def convert(items: Sequence[Any]) -> list[Any]:
        return convert_each(inner, enumerate(items))

    def convert_fast(items: Sequence[Any]) -> list[Any]:
        try:
            return [inner(item) for item in items]
        except Invalid:
            pass
        return convert(items)

    # What is nested must not be converted twice: on n levels that would be 2**n times.
    return convert if deep else convert_fast


def list_form(item: Form, make: Callable[[Any], Any] = list, name: str = "a list") -> Form:
    """The form of something that is an array on the wire.

    Args:
        item: The form of its items.
        make: Makes it of a list.
        name: The type in words.
    """
    convert = None if item.read is None else _list_converter(item.read, deep=item.deep)

    def read(value: Any) -> Any:
        if not isinstance(value, _LISTS):
            raise wrong("list_type", f"must be {name}")
        given: Sequence[Any] = cast("Any", value)
        return _made(make, given if convert is None else convert(given))

    return Form(name, read, _list_writer(item, name), deep=True, shape="array")


def _made(make: Callable[[Any], Any], items: Sequence[Any]) -> Any:
    try:
        return items if make is list and isinstance(items, list) else make(items)
    except TypeError:
        raise wrong("unhashable", "items of a set must not be lists or objects") from None


def _list_writer(item: Form, name: str) -> Convert:
    convert = None if item.write is None else _list_converter(item.write, deep=item.deep)

    def write(value: Any) -> Any:
        if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
            raise wrong("list_type", f"must be {name}")
        items: Iterable[Any] = cast("Any", value)
        given = items if isinstance(items, list | tuple) else list(items)
        return given if convert is None else convert(given)

    return write


def tuple_form(items: list[Form], make: Callable[[Any], Any] = tuple, required: int = -1) -> Form:
    """The form of an array whose items have a type each.

    Args:
        items: The forms of the items.
        make: Makes the value of their list.
        required: The number of items that must be there; -1 is all.
    """
    least, most = len(items) if required < 0 else required, len(items)
    count = f"{most}" if least == most else f"{least} to {most}"
    name = f"a list of {count} items"

    def convert(value: Any, parts: list[Convert | None]) -> list[Any]:
        if not isinstance(value, _LISTS) or not least <= len(cast("Any", value)) <= most:
            raise wrong("tuple_type", f"must be {name}")
        given: Sequence[Any] = cast("Any", value)
        problems: list[Problem] = []
        made: list[Any] = []
        for index, (part, each) in enumerate(zip(parts, given, strict=False)):
            try:
                made.append(each if part is None else part(each))
            except Invalid as error:
                problems.extend(problem.below(index) for problem in error.problems)
        if problems:
            raise Invalid(*problems)
        return made

    reads = [item.read for item in items]
    writes = [item.write for item in items]

    def read(value: Any) -> Any:
        return make(convert(value, reads))

    def write(value: Any) -> Any:
        return convert(value, writes)

    return Form(name, read, write, deep=True, shape="array")


def dict_form(key: Form, item: Form) -> Form:
    """The form of an object with keys that are not known beforehand."""
    read_key = None if key is SCALARS[str] else _key_reader(key)
    inner = item.read

    def read_item(pair: tuple[Any, Any]) -> tuple[Any, Any]:
        name, value = pair
        return (
            name if read_key is None else read_key(name),
            value if inner is None else inner(value),
        )

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong("dict_type", "must be an object")
        given: dict[Any, Any] = cast("Any", value)
        if read_key is None and inner is None:
            return given
        return dict(convert_each(read_item, ((str(pair[0]), pair) for pair in given.items())))

    return Form("an object", read, _dict_writer(item), deep=True, shape="object")


def _dict_writer(item: Form) -> Convert:
    inner = item.write

    def write(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise wrong("dict_type", "must be an object")
        given: Mapping[Any, Any] = cast("Any", value)
        if inner is None:
            return given
        written = convert_each(inner, ((str(key), each) for key, each in given.items()))
        return dict(zip(given, written, strict=True))

    return write


def _key_reader(key: Form) -> Convert | None:
    """Reads the keys of an object, which JSON has as text."""
    inner = key.read
    if inner is None:
        return None
    number = int if key is SCALARS[int] else float if key is SCALARS[float] else None

    def read(value: Any) -> Any:
        if number is None or type(value) is not str:
            return inner(value)
        try:
            return number(value)
        except ValueError:
            raise wrong(f"{number.__name__}_parsing", f"the key must be {key.name}") from None

    return read
