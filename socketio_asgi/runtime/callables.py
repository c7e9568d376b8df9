"""Functions of applications: asynchronous ones, and plain ones."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any


def is_async(function: Callable[..., Any]) -> bool:
    """True when calling the function gives something to be awaited."""
    call = getattr(function, "__call__", None)  # noqa: B004  # an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def check_plain(function: Callable[..., Any]) -> None:
    """Check a listener that is called at once, where nothing can be awaited.

    Raises:
        TypeError: It is asynchronous, so that it would never run.
    """
    if is_async(function):
        raise TypeError(f"this listener is called at once, so it must be a plain def: {function!r}")


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function.

    Raises:
        ValueError: It does not say which arguments it takes, as it is not written in Python.
    """
    if sys.version_info >= (3, 14):  # where annotations are evaluated when they are asked for
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


def locate(function: Callable[..., Any]) -> str:
    """The name of a function, with its file and line if it has one."""
    target: Any = inspect.unwrap(function)
    while isinstance(target, partial):
        target = inspect.unwrap(target.func)
    target = getattr(target, "__func__", target)
    if not hasattr(target, "__code__") and not inspect.isroutine(target):
        target = type(target).__call__  # an object that can be called
    code = getattr(target, "__code__", None)
    name = getattr(target, "__qualname__", repr(function))
    return name if code is None else f"{name}, {code.co_filename}:{code.co_firstlineno}"


def check_takes(function: object, count: int, what: str) -> None:
    """Check that something can be called with so many positional arguments.

    Args:
        function: What is to be called.
        count: The number of arguments.
        what: What it is, and what it is given, for the message.

    Raises:
        TypeError: It cannot.
    """
    if not callable(function):
        raise TypeError(f"{what}; {function!r} cannot be called")
    try:
        signature_of(function).bind(*range(count))
    except TypeError as error:
        raise TypeError(f"{what}; {function!r} does not fit: {error}") from None
    except ValueError:  # a function that was not written in Python
        return


def check_function(function: object, count: int, what: str) -> None:
    """Check a function, perhaps an asynchronous one; a class would make an object of each call.

    Raises:
        TypeError: It is none, or takes another number of arguments; see :func:`check_takes`.
    """
    if isinstance(function, type):
        raise TypeError(f"{what}; {function!r} is a class")
    check_takes(function, count, what)
