"""The annotations of functions, evaluated: the types that parameters and results have.

Names are looked for in the globals of the function, in its closure, in the class of a bound method,
and in the functions around it that still run: models of a test or of a factory function are found
there.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from types import ModuleType
from typing import (
    Any,
    Generic,
    NamedTuple,
    NewType,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from ..runtime.callables import signature_of

EMPTY: Any = inspect.Parameter.empty
"""Stands for an annotation or a default that is not there."""

Names = Mapping[str, Any]
"""Names that annotations may use, beside the globals of their module."""


class Unresolved(NamedTuple):
    """An annotation that cannot be evaluated at run time.

    Attributes:
        text: The annotation as it is written.
        error: What was raised.
    """

    text: str
    error: Exception


class TypedParameter(NamedTuple):
    """A parameter of a function.

    Attributes:
        name: Its name.
        kind: Its kind, such as keyword-only.
        annotation: Its type, with the metadata of ``Annotated``; :data:`EMPTY` if it has none, or
            :class:`Unresolved`.
        default: Its default; :data:`EMPTY` if it has none.
    """

    name: str
    kind: Any
    annotation: Any
    default: Any

    @property
    def keyword_only(self) -> bool:
        """True when it is passed by its name alone."""
        return self.kind is inspect.Parameter.KEYWORD_ONLY

    @property
    def required(self) -> bool:
        """True when it has no default."""
        return self.default is EMPTY


class TypedSignature(NamedTuple):
    """The types of a function.

    Attributes:
        parameters: Its parameters, in their order.
        returns: The type of its result; :data:`EMPTY`, or :class:`Unresolved`, likewise.
        names: Names for annotations of classes that are used, such as those of a dataclass.
    """

    parameters: tuple[TypedParameter, ...]
    returns: Any
    names: Names


def typed_signature(function: Callable[..., Any]) -> TypedSignature:
    """Evaluate the annotations of a function; one that cannot be is :class:`Unresolved`.

    Raises:
        ValueError: The function does not say which arguments it takes.
    """
    signature = signature_of(function)
    scope = _Scope(function)
    parameters = tuple(
        TypedParameter(each.name, each.kind, scope.evaluate(each.annotation), each.default)
        for each in signature.parameters.values()
    )
    returns = scope.evaluate(signature.return_annotation)
    annotated = [each.annotation for each in parameters if each.annotation is not EMPTY]
    names: Names = scope.names if annotated or returns is not EMPTY else {}
    return TypedSignature(parameters, returns, names)


def class_hints(cls: type, names: Names) -> dict[str, Any]:
    """The annotations of the attributes of a class, evaluated.

    Args:
        cls: The class.
        names: Names that its module does not have, such as those of a function around it.

    Raises:
        TypeError: One of them cannot be evaluated.
    """
    try:
        return get_type_hints(cls, localns=dict(names), include_extras=True)
    except NameError as error:
        raise TypeError(
            f"an annotation of {cls.__qualname__} cannot be evaluated: {error};"
            " import what it names at run time, not only for type checkers"
        ) from error


def names_around(cls: type) -> Names:
    """The types that are known where a class was defined, beside those of its module."""
    known = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    around = _running_around(cls.__qualname__, known)
    return {name: value for each in around for name, value in _types_in(each)}


def substitute(annotation: Any, values: Mapping[Any, Any]) -> Any:
    """An annotation with types in the place of type variables."""
    if isinstance(annotation, TypeVar):
        return values.get(annotation, annotation)
    variables = getattr(annotation, "__parameters__", ())
    if isinstance(annotation, type) or not variables or not values:
        return annotation
    return annotation[tuple(values.get(each, each) for each in variables)]


def type_arguments(cls: type) -> dict[Any, Any]:
    """The types that a class and its bases give to the type variables of generic bases."""
    found: dict[Any, Any] = {}
    for base in cls.__mro__:
        for generic in vars(base).get("__orig_bases__", ()):
            origin = get_origin(generic)
            if origin is None or origin is Generic:
                continue
            variables = getattr(origin, "__parameters__", ())
            for variable, value in zip(variables, get_args(generic), strict=False):
                found.setdefault(variable, substitute(value, found))
    return found


class _Scope:
    """Where the names in the annotations of a function are looked for."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._target, self._owner = innermost(function)
        module = sys.modules.get(getattr(self._owner, "__module__", ""))
        known: dict[str, Any] = {} if module is None else vars(module)
        self._globals: dict[str, Any] = getattr(self._target, "__globals__", known)

    @cached_property
    def names(self) -> Names:
        """The names that the globals of the function do not have."""
        # Types alone: the plan of a call lives longer than what else is in there.
        return dict(_types_in(self._everything))

    @cached_property
    def _everything(self) -> dict[str, Any]:
        """The same with what is no type, such as the function in ``Depends(function)``."""
        owner = self._owner
        members = () if owner is None else (vars(cls) for cls in owner.__mro__[:-1])
        places = (_closure(self._target), *self._around(), *members)
        return {name: value for each in reversed(places) for name, value in each.items()}

    def _around(self) -> Iterator[Mapping[str, Any]]:
        return _running_around(getattr(self._target, "__qualname__", ""), self._globals)

    @cached_property
    def _variables(self) -> Mapping[Any, Any]:
        return {} if self._owner is None else type_arguments(self._owner)

    def evaluate(self, annotation: Any) -> Any:
        if annotation is EMPTY or type(annotation) is type:
            return annotation
        holder = _Holder(annotation)
        try:
            hints = get_type_hints(holder, self._globals, self._everything, include_extras=True)
        except Exception as error:  # noqa: BLE001  # a name for type checkers alone, or worse
            return Unresolved(_text(annotation), error)
        return substitute(hints["value"], self._variables)


def _types_in(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that an annotation may use."""
    for name, value in names.items():
        kinds = (type, ModuleType, TypeVar, NewType)
        if isinstance(value, kinds) or get_origin(value) is not None or _is_alias(value):
            yield name, value


def _is_alias(value: Any) -> bool:
    return type(value).__name__ == "TypeAliasType" or value is Any


class _Holder:
    """Something that has one annotation, for :func:`typing.get_type_hints`."""

    def __init__(self, annotation: Any) -> None:
        self.__annotations__ = {"value": annotation}


def innermost(function: Callable[..., Any]) -> tuple[Any, type | None]:
    """The function behind decorators, partials and bound methods, and the class of the instance.

    Of a class, the function that initializes its instances.
    """
    target: Any = inspect.unwrap(function)
    owner: type | None = None
    while True:
        if isinstance(target, partial):
            target = inspect.unwrap(target.func)
        elif inspect.ismethod(target):
            instance: Any = target.__self__
            owner = _class_of(instance)
            target = inspect.unwrap(target.__func__)
        elif isinstance(target, type):
            initializer = getattr(target, "__init__")  # noqa: B009  # of a class
            return inspect.unwrap(initializer), target
        elif not hasattr(target, "__code__") and not inspect.isroutine(target):
            owner, target = _class_of(target), inspect.unwrap(type(target).__call__)
        else:
            return target, owner


def _class_of(instance: Any) -> type:
    """The class of an instance; of a class, itself."""
    return instance if isinstance(instance, type) else instance.__class__


def _closure(target: Any) -> dict[str, Any]:
    """The variables of functions around that a function uses."""
    cells = zip(
        getattr(getattr(target, "__code__", None), "co_freevars", ()),
        getattr(target, "__closure__", None) or (),
        strict=False,
    )
    found: dict[str, Any] = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def _running_around(inside: str, known: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The variables of the functions in which something was defined, while those run.

    Args:
        inside: The qualified name of what was defined.
        known: The globals of its module.
    """
    if "<locals>" not in inside:
        return
    frame = inspect.currentframe()
    while frame is not None:
        around = f"{frame.f_code.co_qualname}.<locals>."
        if frame.f_globals is known and inside.startswith(around):
            yield frame.f_locals
        frame = frame.f_back


def _text(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return str(getattr(annotation, "__forward_arg__", annotation))
