"""JSON for packets: orjson, and what JavaScript sends or understands although orjson refuses it.

Strategy. orjson does all ordinary work in one pass, and asks :meth:`JSONEncoder._convert` for
values that it does not know: rich types become JSON types, and bytes are taken out of the document
(a placeholder stays behind). Only when orjson refuses a document as a whole (a lone surrogate, an
integer beyond 64 bits, a number beyond a double, a key that is not text) is the slow way taken:
:mod:`json`, both ways, with the same result for what both know.

Nesting. orjson reads far more levels than it writes. What comes in must be able to go out, so that
:data:`MAX_DEPTH` holds both ways: what was read and is long enough to be nested so deeply is
written once, which costs a fraction of reading it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from itertools import accumulate
from typing import Any, NoReturn, cast
from uuid import UUID

import orjson

from .errors import DecodeError, EncodeError

MAX_DEPTH = 254
"""Levels of arrays and objects in the payload of a packet, in either direction: as many as orjson
and ormsgpack write. The list of an event's arguments is the first of them."""

TOO_DEEP = f"the data is nested more than {MAX_DEPTH} levels deep, or circular"

DEEP_SIZE = 2 * (MAX_DEPTH + 1)
"""Characters that a document needs for more levels than :data:`MAX_DEPTH`."""

_CONTAINERS: frozenset[type] = frozenset((list, dict))
_FEW = 10
"""Values of a list that are looked at in less time than a long document is written."""

Default = Callable[[Any], Any]
"""Turns a value that JSON does not know into one that it knows; raises TypeError otherwise."""

PLAIN = orjson.OPT_PASSTHROUGH_DATETIME
"""The options of orjson. Dates come to us: version 3.13 writes the fraction of a time without its
leading zero."""

PLACEHOLDER = "_placeholder"
"""The key that marks an object as the place of a binary attachment."""


def loads(text: str) -> Any:
    """Decode one JSON document.

    Raises:
        DecodeError: The text is not JSON, or is nested too deeply.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return loads_slowly(text)
    if len(text) >= DEEP_SIZE:
        check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Check that a document is nested no more than :data:`MAX_DEPTH` levels.

    Args:
        value: What :func:`orjson.loads` made of it, and nothing else: it can be written again.

    Raises:
        DecodeError: It is.
    """
    values = cast("list[object]", value)
    if type(value) is list and len(values) <= _FEW and _CONTAINERS.isdisjoint(map(type, values)):
        return  # a long text, in most cases
    try:
        orjson.dumps(value, None, PLAIN)
    except orjson.JSONEncodeError as error:
        raise DecodeError("Socket.IO", "the payload is nested too deeply") from error


class JSONEncoder:
    """Encodes one document, and collects the binary values that it holds.

    Args:
        default: Asked first about a value of a type that is not built in here.

    Attributes:
        attachments: The binary values of the document, in the order of their placeholders.
    """

    __slots__ = ("_default", "attachments")

    def __init__(self, default: Default | None = None) -> None:
        self._default = default
        self.attachments: list[bytes] = []

    def encode(self, value: Any) -> str:
        """Encode a value as compact JSON text.

        Args:
            value: Anything made of the JSON types, bytes, dataclasses, dates, UUIDs, enums,
                decimals, pydantic models, msgspec structs and what ``default`` knows.

        Raises:
            EncodeError: A value cannot be represented, or the nesting is too deep or circular.
            Exception: Whatever ``default`` raises, except TypeError.
        """
        try:
            return orjson.dumps(value, self._convert, PLAIN).decode()
        except orjson.JSONEncodeError:
            pass  # outside of this block, lest an error below tells of this one as well
        self.attachments.clear()
        plain = self._plain(value)
        try:
            # ASCII output has a lone surrogate as an escape, which is how JavaScript sends it.
            return json.dumps(plain, separators=(",", ":"))
        except RecursionError as error:  # the caller has used the stack up
            raise EncodeError(TOO_DEEP) from error
        except ValueError as error:
            raise EncodeError("an integer has too many digits") from error

    def _convert(self, value: Any) -> Any:
        """One step towards the JSON types, for a value that orjson does not know."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            # A copy of what can change: the packet is sent later.
            self.attachments.append(bytes(cast("bytes", value)))
            return {PLACEHOLDER: True, "num": len(self.attachments) - 1}
        if self._default is not None and not isinstance(value, BaseException):
            try:
                return self._default(value)
            except TypeError:
                pass  # not one of the user's types: perhaps one of ours
        return convert(value)

    def _plain(self, value: Any) -> Any:
        """The same value in the types that :mod:`json` encodes as orjson would.

        Not recursive, so that what is raised in here has a short traceback, however deep it was.
        """
        root = [value]
        levels: list[tuple[Any, Iterator[Any]]] = [(root, iter((0,)))]
        while levels:
            container, keys = levels[-1]
            for key in keys:
                item: Any = self._outermost(container[key])
                container[key] = item
                if type(item) in (list, dict):
                    if len(levels) > MAX_DEPTH:
                        raise EncodeError(TOO_DEEP)
                    levels.append((item, iter(keys_of(item))))
                    break
            else:
                levels.pop()
        return root[0]

    def _outermost(self, value: Any) -> Any:
        """A value of the JSON types, or a new list or dict with items which are still to do."""
        for _ in range(MAX_DEPTH):  # as often as orjson asks for one value
            if value is None or isinstance(value, (str, bool)):
                return value
            if type(value) is float:
                return value if math.isfinite(value) else None
            if isinstance(value, int) and not isinstance(value, Enum):
                return int(value)
            if isinstance(value, list) or type(value) is tuple:
                return list(cast("Any", value))
            if isinstance(value, dict):
                return {_key(key): item for key, item in cast("Any", value).items()}
            value = self._step(value)
        raise EncodeError(TOO_DEEP)

    def _step(self, value: Any) -> Any:
        """The form of a rich type: orjson's where it knows the type, otherwise our own step."""
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, UUID):
            return str(value)
        if is_dataclass(value) and not isinstance(value, type):
            return _public_attributes(value)
        try:
            return self._convert(value)
        except TypeError as error:
            raise EncodeError(str(error)) from error


def keys_of(container: Any) -> Iterable[Any]:
    """The keys of a dict, or the indexes of a list."""
    if isinstance(container, dict):
        return cast("dict[str, Any]", container)
    return range(len(container))


def convert(value: Any) -> Any:
    """Turn a value of a well-known rich type into one that JSON knows.

    Raises:
        TypeError: The type is not known here.
    """
    if isinstance(value, tuple):  # a named tuple: orjson leaves some subclasses to us
        return list(cast("Any", value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(cast("Any", value))
    model_dump = getattr(value, "model_dump", None)  # pydantic
    if callable(model_dump):
        return model_dump(by_alias=True)
    if hasattr(value, "__struct_fields__"):  # msgspec
        return _struct(value)
    raise TypeError(
        f"a value of type {_type_name(value)} has no JSON form;"
        " send JSON types or bytes, or give the parser a default= function for it"
    )


def _struct(value: Any) -> Any:
    """The members that msgspec writes for a struct: its tag, and its fields by their wire names."""
    names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
    items = {on_wire: getattr(value, name) for on_wire, name in names}
    config = value.__struct_config__
    if config.tag is not None:
        items = {config.tag_field: config.tag, **items}
    return list(items.values()) if config.array_like else items


def _type_name(value: object) -> str:
    return repr(type(value).__qualname__)


def _public_attributes(value: Any) -> dict[str, Any]:
    """The attributes of a dataclass instance that orjson writes."""
    items: dict[str, Any] | None = getattr(value, "__dict__", None)
    if items is None:
        items = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: item for name, item in items.items() if not name.startswith("_")}


def _key(key: Any) -> str:
    """An object key as text: what JSON would write for the value."""
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    if isinstance(key, (date, time)):
        return key.isoformat()
    if isinstance(key, UUID):
        return str(key)
    raise EncodeError(f"an object key of type {_type_name(key)} has no JSON form")


def with_text_keys(value: Any) -> Any:
    """A value of plain types in which every object key is text.

    Raises:
        EncodeError: A key has no JSON form.
    """
    if isinstance(value, list):
        return [with_text_keys(item) for item in cast("Any", value)]
    if isinstance(value, dict):
        items = cast("Any", value).items()
        return {_key(key): with_text_keys(item) for key, item in items}
    return value


def loads_slowly(text: str) -> Any:
    """Decode what orjson refuses, if JavaScript may send it; see :func:`loads`."""
    if _depth(text) > MAX_DEPTH:
        raise DecodeError("Socket.IO", "the payload is not valid JSON, or nested too deeply")
    try:
        return json.loads(text, parse_int=_parse_int, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DecodeError("Socket.IO", "the payload is not valid JSON") from error


def _parse_int(digits: str) -> int | float:
    """An integer if 64 bits hold it, as orjson does; otherwise a double, as JavaScript does."""
    if len(digits) > 20:  # and never int() of thousands of digits
        return float(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Strings (the last one may lack its end) and all else but brackets. An escape is one token, so that
# an escaped quote does not end a string; possessive, so that no text makes it backtrack.
_NO_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def _depth(text: str) -> int:
    """The depth of the brackets outside strings, found in linear time."""
    brackets = _NO_BRACKETS.sub("", text)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
