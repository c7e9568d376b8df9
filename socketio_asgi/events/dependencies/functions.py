"""Dependencies as functions: how they are called, and with which parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ...runtime.callables import is_async, locate
from ...validation.annotations import TypedParameter, Unresolved, typed_signature
from ..parameters import names_socket


class Kind(Enum):
    """The ways in which a dependency is called."""

    ASYNC = "async def"
    PLAIN = "def"
    ASYNC_GENERATOR = "async def with yield"
    GENERATOR = "def with yield"


THREADED = (Kind.PLAIN, Kind.GENERATOR)
"""Those that are called in a thread."""


def kind_of(function: Callable[..., Any]) -> Kind:
    """The way in which a dependency is called; decorators are looked through."""
    faces = _faces(function)
    if isinstance(faces[-1], type):  # an object is made, whatever calling that one would do
        return Kind.PLAIN
    for target in faces:
        if inspect.isasyncgenfunction(target):
            return Kind.ASYNC_GENERATOR
        if inspect.isgeneratorfunction(target):
            return Kind.GENERATOR
    return Kind.ASYNC if any(map(is_async, faces)) else Kind.PLAIN


def parameters_of(function: Callable[..., Any]) -> Sequence[TypedParameter]:
    """The parameters of a dependency that are given values, with their annotations.

    Raises:
        TypeError: It does not say which parameters it has, or an annotation cannot be evaluated.
    """
    try:
        known = _known.get(function)
    except TypeError:  # cannot be referred to weakly, or has no hash
        return _read(function)
    if known is None:
        known = _read(function)
        if inspect.isfunction(function):  # evaluated once, so that markers in texts stay the same
            _known[function] = known
    return known


_known: WeakKeyDictionary[Callable[..., Any], Sequence[TypedParameter]] = WeakKeyDictionary()


def _read(function: Callable[..., Any]) -> Sequence[TypedParameter]:
    try:
        parameters = typed_signature(function).parameters
    except ValueError as error:
        raise TypeError(f"{function!r} does not say which arguments it takes") from error
    for parameter in parameters:
        unresolved = parameter.annotation
        if isinstance(unresolved, Unresolved) and not names_socket(unresolved):
            raise TypeError(
                f"the annotation {unresolved.text!r} of the parameter {parameter.name!r} of"
                f" {locate(function)} cannot be evaluated ({unresolved.error}): import what it"
                " names at run time, not only for type checkers"
            )
    return [parameter for parameter in parameters if parameter.kind not in _VARIABLE]


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _faces(function: Callable[..., Any]) -> list[Any]:
    """A function, and what is inside its decorators, ``partial`` and methods."""
    faces: list[Any] = [function]
    while True:
        target = inspect.unwrap(faces[-1])
        if isinstance(target, partial):
            target = target.func
        target = getattr(target, "__func__", target)
        if target is faces[-1]:
            break
        faces.append(target)
    if not inspect.isroutine(target) and not isinstance(target, type):
        faces.append(type(target).__call__)  # an object that can be called
    return faces
