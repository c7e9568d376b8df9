"""Types as other layers use them: how a value is validated, and how it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from .annotations import EMPTY, Names
from .compiling import Compiler
from .errors import Invalid, Problem, wrong
from .libraries import Library, library_of

Preference = Literal["auto", "pydantic", "msgspec"]
"""Whose rules hold for types that belong to no library: ours, with ``auto``."""

TOO_DEEP = wrong("recursion", "is nested too deeply").problems


@dataclass(frozen=True, slots=True)
class ValueType:
    """A type of an application.

    Attributes:
        annotation: The type, with its metadata.
        library: Whose rules hold for it.
        validate: Makes a value of what came; None takes anything as it is. It raises what
            :meth:`problems` knows.
        serialize: Makes what is sent of a value; None sends it as it is. It raises the same.
        admits_none: Whether None is a value of the type.
    """

    annotation: Any
    library: Library
    validate: Callable[[Any], Any] | None
    serialize: Callable[[Any], Any] | None
    admits_none: bool
    _problems: Callable[[Exception], Sequence[Problem] | None]

    def problems(self, error: Exception) -> Sequence[Problem] | None:
        """The problems of a value; None when the exception says nothing about that.

        Args:
            error: What :attr:`validate` or :attr:`serialize` has raised.
        """
        return TOO_DEEP if isinstance(error, RecursionError) else self._problems(error)


def value_type(annotation: Any, names: Names, prefer: Preference = "auto") -> ValueType:
    """Find out how values of a type are validated and sent.

    Args:
        annotation: The type, evaluated; :data:`~.annotations.EMPTY` is any.
        names: Names for the annotations of classes in it.
        prefer: Whose rules hold for a type that belongs to no library.

    Raises:
        TypeError: There are no rules for it, or those of two libraries.
    """
    if any(annotation is free for free in (EMPTY, Any, object)):
        return ValueType(annotation, "own", None, None, True, _own_problems)
    # Unions of another order are equal, and yet not the same.
    key = (repr(annotation), annotation, prefer)
    try:
        return _known[key]
    except (KeyError, TypeError):  # TypeError: metadata that has no hash
        made = _make(annotation, names, prefer)
    if len(_known) < MAX_KNOWN_TYPES:
        with suppress(TypeError):
            _known[key] = made
    return made


MAX_KNOWN_TYPES = 1000
"""Types that are remembered, for listeners that each socket registers anew."""

_known: dict[Any, ValueType] = {}


def _make(annotation: Any, names: Names, prefer: Preference) -> ValueType:
    neutral: Library = "own" if prefer == "auto" else prefer
    library = library_of(annotation, names, neutral)
    make = {"own": _own, "pydantic": _pydantic, "msgspec": _msgspec}[library]
    return make(annotation, names)


def _own(annotation: Any, names: Names) -> ValueType:
    form = Compiler(names).compile(annotation)
    admits = _admits_none(form.read)
    return ValueType(annotation, "own", form.read, form.write, admits, _own_problems)


def _own_problems(error: Exception) -> Sequence[Problem] | None:
    return error.problems if isinstance(error, Invalid) else None


def _pydantic(annotation: Any, _names: Names) -> ValueType:
    from .pydantic_types import PydanticType, problems_of

    made = PydanticType(annotation)
    admits = _admits_none(made.validate)
    return ValueType(annotation, "pydantic", made.validate, made.serialize, admits, problems_of)


def _msgspec(annotation: Any, _names: Names) -> ValueType:
    from .msgspec_types import MsgspecType, problems_of

    made = MsgspecType(annotation)
    admits = _admits_none(made.validate)
    return ValueType(annotation, "msgspec", made.validate, made.serialize, admits, problems_of)


def _admits_none(validate: Callable[[Any], Any] | None) -> bool:
    if validate is None:
        return True
    try:
        validate(None)
    except Exception:  # noqa: BLE001  # whatever it says, None is no value
        return False
    return True
