"""Checks of the values that an application gives.

A value of another kind than an option takes is a TypeError, and one of the right kind that makes no
sense a ValueError. Both name the option and the right form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from difflib import get_close_matches
from inspect import iscoroutinefunction
from typing import Any, TypeGuard, TypeVar

MAX_SHOWN = 100
"""Characters of a wrong value that an error shows."""

T = TypeVar("T")


def shown(value: object) -> str:
    """A value as errors show it."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def check_flag(name: str, value: object) -> bool:
    """Check an option that is True or False; a text such as ``"false"`` would be true."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {shown(value)}")
    return value


def check_seconds(name: str, value: object, at_most: float) -> float:
    """Check an option in seconds; those of the JavaScript server are in milliseconds.

    Args:
        name: The name of the option.
        value: Its value.
        at_most: The largest number of seconds that makes sense.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a positive number of seconds, not {shown(value)}")
    if not value > 0:
        raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
    if value > at_most:
        raise ValueError(
            f"{name} is in seconds, {at_most:g} at the most; {value!r} milliseconds are"
            f" {name}={value / 1000:g}"
        )
    return value


def check_count(name: str, value: object, unit: str, at_least: int = 1) -> int:
    """Check an option that counts something.

    Returns:
        The number as an int, also when it was given as ``1e6``.
    """
    kind = "positive" if at_least else "non-negative"
    problem = f"{name} must be a {kind} whole number of {unit}, not {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(problem)
    if not (isinstance(value, int) or value.is_integer()) or value < at_least:
        raise ValueError(problem)
    return int(value)


def check_text(name: str, value: object) -> None:
    """Check something that has to be text."""
    if not isinstance(value, str):
        raise TypeError(f"the {name} must be text, not {shown(value)}")


def check_error_status(value: object) -> None:
    """Check the HTTP status of a refusal, which a success must not be."""
    problem = f"the status of a refusal is a number from 400 to 599, not {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(problem)
    if not 400 <= value <= 599:
        raise ValueError(problem)


def check_default(value: object) -> None:
    """Check the function that turns values of an application's own types into plain ones."""
    if value is None:
        return
    check_function("default", value, "def default(value): ..., or None")
    if iscoroutinefunction(value):
        raise TypeError(f"default is called at once, so it must be a plain def: {shown(value)}")


def check_function(name: str, value: object, example: str) -> None:
    """Check an option that is called when its time has come.

    Args:
        name: The name of the option.
        value: Its value.
        example: The right form.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function such as {example}, not {shown(value)}")


def check_texts(name: str, value: object, example: str) -> tuple[str, ...]:
    """Check an option that is a list of texts; a single text would be one of its characters."""
    if not is_list(value) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of texts such as {example}, not {shown(value)}")
    return tuple(value)


def is_list(value: object) -> TypeGuard[Collection[Any]]:
    """True for a list, a tuple or a set: what holds several values, and is none itself."""
    return isinstance(value, list | tuple | AbstractSet)


def made_of(cls: type[T], name: str, values: Mapping[Any, Any]) -> T:
    """The options that a dict holds.

    Args:
        cls: The dataclass of the options.
        name: The name of the option that was given the dict.
        values: The dict.
    """
    known: list[str] = [field.name for field in fields(cls) if field.init]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            near = get_close_matches(str(key), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ";"
            raise TypeError(
                f"{name} has no {shown(key)}{hint} {cls.__name__} takes {', '.join(known)}"
            )
    return cls(**values)
