"""JSON for packets: orjson, and what JavaScript sends or understands although orjson refuses it.

Strategy. orjson does all ordinary work in one pass, and asks :meth:`JSONEncoder._convert` for
values that it does not know: rich types become JSON types, and bytes are taken out of the document
(a placeholder stays behind). Only when orjson refuses a document as a whole (a lone surrogate, an
integer beyond 64 bits, a key that is not text) is the slow way taken: :mod:`json` with a bounded
depth, both ways.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn, cast
from uuid import UUID

import orjson

from .errors import DecodeError, EncodeError

MAX_FALLBACK_DEPTH = 256
"""Levels of nesting on the slow way, which is recursive; orjson has a limit of its own."""

Default = Callable[[Any], Any]
"""Turns a value that JSON does not know into one that it knows; raises TypeError otherwise."""

PLACEHOLDER = "_placeholder"
"""The key that marks an object as the place of a binary attachment."""


def loads(text: str) -> Any:
    """Decode one JSON document.

    Raises:
        DecodeError: The text is not JSON, or is nested too deeply.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _loads_slowly(text)


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
        """
        try:
            return orjson.dumps(value, default=self._convert).decode()
        except orjson.JSONEncodeError:
            self.attachments.clear()
            plain = self._plain(value, MAX_FALLBACK_DEPTH)
        # ASCII output carries a lone surrogate as an escape, which is how JavaScript sends it.
        return json.dumps(plain, separators=(",", ":"))

    def _convert(self, value: Any) -> Any:
        """One step towards the JSON types, for a value that orjson does not know."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            # A copy of what can change: the packet is sent later.
            self.attachments.append(bytes(cast("bytes", value)))
            return {PLACEHOLDER: True, "num": len(self.attachments) - 1}
        if self._default is not None:
            try:
                return self._default(value)
            except TypeError:
                pass  # not one of the user's types: perhaps one of ours
        return convert(value)

    def _plain(self, value: Any, depth: int) -> Any:
        """The same value in the types that :mod:`json` encodes as orjson would."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if depth <= 0:
            raise EncodeError(f"the data is nested more than {MAX_FALLBACK_DEPTH} levels deep")
        if isinstance(value, Enum):
            return self._plain(value.value, depth - 1)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, (list, tuple)):
            return [self._plain(item, depth - 1) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            items = cast("dict[Any, Any]", value).items()
            return {_key(key): self._plain(item, depth - 1) for key, item in items}
        return self._plain_object(value, depth)

    def _plain_object(self, value: Any, depth: int) -> Any:
        if isinstance(value, (date, time, UUID)):
            return orjson.loads(orjson.dumps(value))
        if is_dataclass(value) and not isinstance(value, type):
            items = {field.name: getattr(value, field.name) for field in fields(value)}
            return self._plain(items, depth - 1)
        try:
            converted = self._convert(value)
        except TypeError as error:
            raise EncodeError(str(error)) from error
        return self._plain(converted, depth - 1)


def convert(value: Any) -> Any:
    """Turn a value of a well-known rich type into one that JSON knows.

    Raises:
        TypeError: The type is not known here.
    """
    if isinstance(value, tuple):  # a named tuple: orjson leaves subclasses to us
        return list(cast("tuple[Any, ...]", value))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    model_dump = getattr(value, "model_dump", None)  # pydantic
    if callable(model_dump):
        return model_dump()
    names = getattr(type(value), "__struct_fields__", None)  # msgspec
    if names is not None:
        return {name: getattr(value, name) for name in names}
    raise TypeError(
        f"a value of type {type(value).__qualname__!r} has no JSON form;"
        " send JSON types or bytes, or give the parser a default= function for it"
    )


def _key(key: Any) -> str:
    """An object key as JavaScript would write it."""
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    if isinstance(key, (datetime, date, time, UUID)):
        return str(orjson.loads(orjson.dumps(key)))
    raise EncodeError(f"an object key of type {type(key).__qualname__!r} has no JSON form")


def _loads_slowly(text: str) -> Any:
    if _depth(text) > MAX_FALLBACK_DEPTH:
        raise DecodeError("Socket.IO", "the payload is not valid JSON, or nested too deeply")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise DecodeError("Socket.IO", "the payload is not valid JSON") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# An escape is one token, so that an escaped quote does not end a string; no backtracking.
_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    """How deeply the brackets outside strings are nested, in linear time."""
    deepest = depth = 0
    in_string = False
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token == '"':
            in_string = not in_string
        elif not in_string and token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif not in_string and token in "]}":
            depth -= 1
    return deepest
