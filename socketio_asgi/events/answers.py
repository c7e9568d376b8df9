"""The answer to an event, by the return annotation of its handler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Annotated, Any, Union, get_args, get_origin

from ..exceptions import EventError
from ..validation.annotations import EMPTY, Names
from ..validation.errors import in_words
from ..validation.libraries import is_union
from ..validation.types import Preference, ValueType, value_type


class InvalidAnswer(TypeError):
    """A handler returned something else than its annotation says.

    Args:
        problems: What is wrong with it, in words.
    """

    def __init__(self, problems: str) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return f"it does not fit the annotation: {self.problems}"


class Answer:
    """The type of the answers of a handler.

    Args:
        annotation: Its return annotation, evaluated.
        names: Names for the annotations of classes in it.
        prefer: Whose rules hold for types that belong to no library.

    Raises:
        TypeError: There are no rules for the type.

    Attributes:
        errors: The errors that the annotation names as results.
        types: The types of the values of the acknowledgement; None when it is not known.
        reply: Makes the answer of what the handler returned; None sends it as it is.
    """

    def __init__(self, annotation: Any, names: Names, prefer: Preference) -> None:
        value, errors = split_errors(annotation)
        self.errors: tuple[type[EventError], ...] = errors
        self.types: tuple[ValueType, ...] | None = None
        self.reply: Callable[[Any], Any] | None = None
        if value is EMPTY:
            return
        if value is None or value is NoneType:
            self.types, self.reply = (), _nothing
            return
        parts = _parts(value)
        values = (value,) if parts is None else parts
        self.types = tuple(value_type(each, names, prefer) for each in values)
        if parts is not None:
            self.reply = _several(values_writer(self.types))
        elif (write := value_writer(self.types[0])) is not None:
            self.reply = _single(write, spread=_is_tuple(value))


def split_errors(annotation: Any) -> tuple[Any, tuple[type[EventError], ...]]:
    """A return annotation without the errors that it names, and these."""
    parts = get_args(annotation) if is_union(get_origin(annotation)) else (annotation,)
    errors = tuple(part for part in parts if _is_error(part))
    if not errors:
        return annotation, ()
    values = tuple(part for part in parts if not _is_error(part))
    return (Union[values] if values else None), errors  # noqa: UP007


def _is_error(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, EventError)


def _is_tuple(annotation: Any) -> bool:
    """True for a tuple, which is several values; a NamedTuple is one."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation is tuple or get_origin(annotation) is tuple


def _parts(annotation: Any) -> tuple[Any, ...] | None:
    """The types of a number of values that is known; None when there is one, or any number."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    args = get_args(annotation)
    if get_origin(annotation) is not tuple or Ellipsis in args:
        return None
    return args


def value_writer(known: ValueType) -> Callable[[Any], Any] | None:
    """A function that makes what is sent of a value, and raises :class:`InvalidAnswer`."""
    serialize = known.serialize
    if serialize is None:
        return None

    def write(value: Any) -> Any:
        try:
            return serialize(value)
        except Exception as error:
            problems = known.problems(error)
            if problems is None:
                raise
            raise InvalidAnswer("; ".join(map(in_words, problems))) from None

    return write


def values_writer(types: Sequence[ValueType]) -> Callable[[Sequence[Any]], list[Any]]:
    """A function that makes what is sent of several values."""
    writers = [value_writer(each) for each in types]

    def write(values: Sequence[Any]) -> list[Any]:
        if not isinstance(values, tuple | list) or len(values) != len(writers):
            raise InvalidAnswer(f"there must be {len(writers)} values")
        return [
            value if each is None else each(value)
            for each, value in zip(writers, values, strict=True)
        ]

    return write


def _nothing(result: Any) -> None:
    if isinstance(result, EventError):
        raise result


def _single(write: Callable[[Any], Any], *, spread: bool) -> Callable[[Any], Any]:
    def reply(result: Any) -> Any:
        if isinstance(result, EventError):
            raise result
        written = write(result)
        if spread:
            return tuple(written)
        return _as_one(written)

    return reply


def _as_one(written: Any) -> Any:
    """A NamedTuple is one value."""
    return list(written) if isinstance(written, tuple) else written  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _several(write: Callable[[Sequence[Any]], list[Any]]) -> Callable[[Any], Any]:
    def reply(result: Any) -> Any:
        if isinstance(result, EventError):
            raise result
        return tuple(write(result))

    return reply
