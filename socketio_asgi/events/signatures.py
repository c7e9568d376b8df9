"""Mistakes that signatures and annotations show, when a function is registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..validation.annotations import TypedSignature, typed_signature


def check_signature(function: Callable[..., Any]) -> TypedSignature:
    """The types of a function that is to be registered.

    Raises:
        TypeError: It is no function, or none that could be called.
    """
    if isinstance(function, type):
        raise TypeError(
            f"{function!r} is a class; register a function, a method of an instance, or an instance"
            " that can be called"
        )
    if not callable(function):
        raise TypeError(f"a function is needed, not {function!r}")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"a handler must not be a generator: {function!r}")
    try:
        signature = typed_signature(function)
    except ValueError as error:
        raise TypeError(f"{function!r} does not say which arguments it takes") from error
    parameters = signature.parameters
    if parameters and parameters[0].name in ("self", "cls") and inspect.isfunction(function):
        raise TypeError(
            f"{function.__qualname__}() is a method, and there is no instance to call it on:"
            " register the method of an instance; in a subclass of Namespace, mark it with"
            " @event('name') and register an instance of the class"
        )
    return signature


def check_name(name: object, decorator: str) -> None:
    """Check the name of an event that is given to a decorator.

    Args:
        name: The name.
        decorator: How the decorator is written.

    Raises:
        TypeError: It is not text.
    """
    if isinstance(name, str):
        return
    if callable(name):
        suggested = getattr(name, "__name__", "name")
        raise TypeError(f"the name of the event is missing: write {decorator}({suggested!r})")
    suggested = str(name) if isinstance(name, int) else "name"
    raise TypeError(f"an event name must be a str, not {name!r}; write {decorator}({suggested!r})")
