"""Mistakes that signatures and annotations show, when a function is registered."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from ..runtime.callables import signature_of

Parameter = inspect.Parameter

_SOCKET_IN_TEXT = re.compile(r"(?:\w+\.)*Socket(?:\[.*\])?(?:\s*\|\s*None)?")
_VALUE_IN_TEXT = re.compile(r"(?:str|int|float|bool|bytes|list|dict|tuple|set)(?:\[.*\])?")


class Subject:
    """The base of what handlers are called about: the socket of a client."""

    __slots__ = ()


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a function that is to be registered.

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
        parameters = list(signature_of(function).parameters.values())
    except ValueError as error:
        raise TypeError(f"{function!r} does not say which arguments it takes") from error
    if parameters and parameters[0].name in ("self", "cls") and inspect.isfunction(function):
        raise TypeError(
            f"{function.__qualname__}() is a method, and there is no instance to call it on:"
            " register the method of an instance; in a subclass of Namespace, mark it with"
            " @event('name') and register an instance of the class"
        )
    return parameters


def check_socket_comes_first(function: Callable[..., Any], positional: Sequence[Parameter]) -> None:
    """Check a function that is given the socket, and then other values.

    Raises:
        TypeError: Its annotations say that it expects something else.
    """
    if not positional:
        return
    first, *others = positional
    is_first = _is_socket(first, function)
    for parameter in others:
        if _is_socket(parameter, function) and not is_first:
            raise TypeError(
                f"the socket is the first parameter of a handler, but here it is"
                f" {parameter.name!r}: {function!r}"
            )
    if _is_value(first, function):
        raise TypeError(
            f"the first parameter of a handler is the socket, but {first.name!r} is annotated with"
            f" {first.annotation!r}: {function!r}"
        )


def check_no_socket(function: Callable[..., Any], positional: Sequence[Parameter]) -> None:
    """Check a function that is given values alone.

    Raises:
        TypeError: Its annotations say that it expects the socket.
    """
    for parameter in positional:
        if _is_socket(parameter, function):
            raise TypeError(
                f"this function is not given the socket, but its parameter {parameter.name!r} is"
                f" annotated as one: {function!r}"
            )


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


def _is_socket(parameter: Parameter, function: Callable[..., Any]) -> bool:
    annotation = _resolved(parameter, function)
    if isinstance(annotation, str):  # something in it is not known at run time
        return _SOCKET_IN_TEXT.fullmatch(annotation) is not None
    return any(issubclass(cls, Subject) for cls in _classes(annotation))


def _is_value(parameter: Parameter, function: Callable[..., Any]) -> bool:
    annotation = _resolved(parameter, function)
    if isinstance(annotation, str):
        return _VALUE_IN_TEXT.fullmatch(annotation) is not None
    classes = _classes(annotation)
    plain = (cls.__module__ == "builtins" and cls not in (object, type) for cls in classes)
    return bool(classes) and all(plain)


def _resolved(parameter: Parameter, function: Callable[..., Any]) -> Any:
    """The annotation of a parameter; a text when it cannot be evaluated."""
    annotation = parameter.annotation
    if annotation is Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return getattr(annotation, "__forward_arg__", annotation)
    target = inspect.unwrap(function)
    target = getattr(target, "__func__", target)
    known: dict[str, Any] = getattr(target, "__globals__", {})
    try:
        return eval(annotation, known)  # noqa: S307  # the source of the application, no input
    except Exception:  # noqa: BLE001  # a name for type checkers alone, or of a function around
        return annotation


def _classes(annotation: Any) -> list[type]:
    """The classes that an annotation allows; none when that cannot be said."""
    origin = get_origin(annotation)
    if isinstance(annotation, TypeVar):
        return _classes(annotation.__bound__)
    if origin is Annotated:
        return _classes(get_args(annotation)[0])
    if origin in (Union, UnionType):
        parts = [_classes(part) for part in get_args(annotation)]
        return [cls for part in parts for cls in part] if all(parts) else []
    cls = annotation if origin is None else origin
    if cls is None:
        return [type(None)]
    return [cls] if isinstance(cls, type) else []
