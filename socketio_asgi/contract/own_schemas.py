"""The schemas of types that need no library: builtins, dataclasses, typed dictionaries."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections import deque
from collections.abc import (
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    LiteralString,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    get_args,
    get_origin,
    is_typeddict,
)
from uuid import UUID

from ..validation.annotations import class_hints, substitute
from ..validation.compiling import DICT_TYPES, LIST_TYPES, SET_TYPES, is_required_key
from ..validation.libraries import is_named_tuple, is_union
from ..validation.records import dataclass_fields
from .description import TypeUse
from .json_schema import BINARY, Mode, Schema, Written, reference
from .naming import as_type_name

_TEXT: Schema = {"type": "string"}
_NULL: Schema = {"type": "null"}

_SCALARS: dict[Any, Schema] = {
    Any: {},
    object: {},
    None: _NULL,
    types.NoneType: _NULL,
    str: _TEXT,
    LiteralString: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: BINARY,
    bytearray: BINARY,
    memoryview: BINARY,
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    UUID: {"type": "string", "format": "uuid"},
}

_ARRAYS = (*LIST_TYPES, deque)


def write(uses: Sequence[TypeUse], mode: Mode) -> Written:
    """The schemas of types."""
    writer = _Writer(mode)
    schemas = [writer.schema(use.annotation, use.names) for use in uses]
    return Written(schemas, writer.definitions)


class _Writer:
    def __init__(self, mode: Mode) -> None:
        self.definitions: dict[str, Schema] = {}
        self._mode: Mode = mode
        self._names: dict[Any, str] = {}  # of the types that are defined, or about to be

    def schema(self, annotation: Any, names: Mapping[str, Any]) -> Schema:
        """The schema of a type."""
        if isinstance(annotation, NewType):
            return self.schema(annotation.__supertype__, names)
        if type(annotation).__name__ == "TypeAliasType":
            return self.schema(annotation.__value__, names)
        if annotation is Decimal:
            return self._decimal()
        scalar = _scalar(annotation)
        if scalar is not None:
            return dict(scalar)
        origin = get_origin(annotation)
        if origin is None:
            return self._class(annotation, annotation, {}, names)
        return self._generic(annotation, origin, get_args(annotation), names)

    def _decimal(self) -> Schema:
        return {"type": "string" if self._mode == "output" else ["string", "number"]}

    def _generic(
        self, annotation: Any, origin: Any, args: tuple[Any, ...], names: Mapping[str, Any]
    ) -> Schema:
        if origin in (Annotated, Required, NotRequired) or _is_read_only(origin):
            return self.schema(args[0], names)
        if origin is Literal:
            return _values(args)
        if is_union(origin):
            return _any_of([self.schema(each, names) for each in args])
        if type(origin).__name__ == "TypeAliasType":
            return self.schema(origin.__value__[args], names)
        if origin is tuple:
            return self._tuple(args, names)
        if origin in DICT_TYPES:
            return {"type": "object", "additionalProperties": self.schema(args[1], names)}
        if origin in _ARRAYS or origin in SET_TYPES:
            return _array(self.schema(args[0], names), unique=origin in SET_TYPES)
        variables = dict(zip(getattr(origin, "__parameters__", ()), args, strict=False))
        return self._class(annotation, origin, variables, names)

    def _tuple(self, args: tuple[Any, ...], names: Mapping[str, Any]) -> Schema:
        if len(args) == 2 and args[1] is Ellipsis:
            return _array(self.schema(args[0], names), unique=False)
        return _positions([self.schema(each, names) for each in args])

    def _class(
        self, annotation: Any, cls: Any, variables: Mapping[Any, Any], names: Mapping[str, Any]
    ) -> Schema:
        if cls in DICT_TYPES:
            return {"type": "object"}
        if cls in _ARRAYS or cls in SET_TYPES or cls is tuple:
            return _array({}, unique=cls in SET_TYPES)
        if isinstance(annotation, TypeVar) or not isinstance(cls, type):
            return {}  # there are no rules for it, so that nothing was registered with it
        name = self._names.get(annotation)
        if name is None:
            name = self._names[annotation] = self._name(annotation, cls)
            described = _described(cls)
            self.definitions[name] = {**self._defined(cls, variables, names), **described}
        return reference(name)

    def _name(self, annotation: Any, cls: type) -> str:
        arguments = "".join(_spelt(each) for each in get_args(annotation))
        name = as_type_name(cls.__name__) + arguments
        if name in self._names.values():
            name = as_type_name(f"{cls.__module__}.{cls.__qualname__}") + arguments
        found, number = name, 2
        while found in self._names.values():
            found, number = f"{name}{number}", number + 1
        return found

    def _defined(self, cls: Any, variables: Mapping[Any, Any], names: Mapping[str, Any]) -> Schema:
        if issubclass(cls, Enum):
            return _values(cls)
        hints = class_hints(cls, names) if hasattr(cls, "__annotations__") else {}
        fields = {
            name: self.schema(substitute(hint, variables), names) for name, hint in hints.items()
        }
        if is_named_tuple(cls):
            titled = [{**fields.get(name, {}), "title": name} for name in cls._fields]
            needed = len(titled) - (0 if self._mode == "output" else len(cls._field_defaults))
            return _positions(titled, needed)
        if is_typeddict(cls):
            required = [name for name, hint in hints.items() if is_required_key(cls, name, hint)]
            return _object(fields, required)
        if is_dataclass(cls):
            return self._dataclass(cls, fields)
        return {}

    def _dataclass(self, cls: Any, fields: Mapping[str, Schema]) -> Schema:
        taken = dataclass_fields(cls)
        if self._mode == "output":
            known = [name for name, _ in taken if not name.startswith("_")]
            return _object({name: fields[name] for name in known}, known)
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        schemas = {name: _with_default(fields[name], defaults[name]) for name, _ in taken}
        return _object(schemas, [name for name, needed in taken if needed])


def _scalar(annotation: Any) -> Schema | None:
    try:
        return _SCALARS.get(annotation)
    except TypeError:  # not hashable
        return None


def _is_read_only(origin: Any) -> bool:
    return getattr(origin, "_name", None) == "ReadOnly"


def _spelt(annotation: Any) -> str:
    """A type argument as a part of a name."""
    inner = "".join(_spelt(each) for each in get_args(annotation))
    return as_type_name(getattr(annotation, "__name__", str(annotation))) + inner


def _described(cls: type) -> Schema:
    """The docstring of a class, unless ``dataclass`` or ``NamedTuple`` has written it."""
    text = cls.__dict__.get("__doc__") or ""
    written = text.startswith(f"{cls.__name__}(") or (issubclass(cls, Enum) and not text)
    return {"description": inspect.cleandoc(text)} if text and not written else {}


def _with_default(schema: Schema, default: Any) -> Schema:
    plain = default is None or isinstance(default, (str, int, float, bool))
    return {**schema, "default": default} if plain and "$ref" not in schema else schema


def _values(values: Iterable[Any]) -> Schema:
    return {"enum": [each.value if isinstance(each, Enum) else each for each in values]}


def _any_of(schemas: list[Schema]) -> Schema:
    return {} if {} in schemas else {"anyOf": schemas}


def _array(items: Schema, *, unique: bool) -> Schema:
    schema: Schema = {"type": "array", "items": items}
    return {**schema, "uniqueItems": True} if unique else schema


def _positions(items: list[Schema], needed: int | None = None) -> Schema:
    needed = len(items) if needed is None else needed
    return {"type": "array", "prefixItems": items, "minItems": needed, "maxItems": len(items)}


def _object(properties: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties)}
    return {**schema, "required": list(required)} if required else schema
