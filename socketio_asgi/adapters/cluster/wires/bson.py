"""BSON, as official servers write it and understand it.

It needs pymongo, which has it in its package ``bson``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast

from ....protocol import EncodeError
from . import checks

MAX_SAFE_INTEGER = 2**53
"""From here on numbers of JavaScript have gaps, and its library for MongoDB makes objects of them.
"""

_INT32 = 2**31


def encode(document: Mapping[str, Any]) -> bytes:
    """Turn plain values into a document.

    Raises:
        EncodeError: They cannot be represented.
    """
    bson = import_module("bson")
    try:
        try:
            encoded: bytes = bson.encode(document)
        except (OverflowError, UnicodeEncodeError):
            encoded = bson.encode(_fitting(document))
    except (bson.errors.BSONError, RecursionError) as error:
        raise EncodeError(f"MongoDB does not take it: {error}") from error
    return encoded


def _fitting(value: Any) -> Any:
    """A value without what BSON has no form for: large integers, and halves of characters."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        items: list[Any] = cast("Any", value)
        return [_fitting(item) for item in items]
    if isinstance(value, dict):
        members: dict[str, Any] = cast("Any", value)
        return {_fitting(key): _fitting(item) for key, item in members.items()}
    if type(value) is int and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def decode(data: bytes) -> dict[str, Any]:
    """Read a document; all values are plain.

    Raises:
        MalformedMessage: It is none.
    """
    bson = import_module("bson")
    try:
        document: dict[str, Any] = bson.decode(data, _options())
    except (bson.errors.BSONError, ValueError, RecursionError) as error:
        checks.refuse(f"no BSON: {error}")
    return document


@cache
def _options() -> Any:
    """The options by which all that comes in is plain."""
    bson = import_module("bson")
    codec = import_module("bson.codec_options")
    readers: dict[str, Callable[[Any], Any]] = {
        "binary.Binary": bytes,
        "code.Code": str,
        "dbref.DBRef": lambda value: dict(value.as_doc()),
        "decimal128.Decimal128": str,
        "datetime_ms.DatetimeMS": _date,
        "int64.Int64": int,
        "max_key.MaxKey": _nothing,
        "min_key.MinKey": _nothing,
        "objectid.ObjectId": str,
        "regex.Regex": lambda value: value.pattern,
        "timestamp.Timestamp": lambda value: value.time,
    }
    readers_of_types: dict[type, Callable[[Any], Any]] = {float: _number}
    for name, reader in readers.items():
        module, _, kind = name.partition(".")
        readers_of_types[getattr(import_module(f"{bson.__name__}.{module}"), kind)] = reader
    decoders = [_decoder(codec.TypeDecoder, *item) for item in readers_of_types.items()]
    return codec.CodecOptions(
        document_class=dict,
        type_registry=codec.TypeRegistry(decoders),
        datetime_conversion=codec.DatetimeConversion.DATETIME_MS,
        unicode_decode_error_handler="replace",
    )


def _decoder(base: Any, kind: type, reader: Callable[[Any], Any]) -> Any:
    """A decoder of the library for the values of one type."""
    members = {"bson_type": kind, "transform_bson": staticmethod(reader)}
    return type("Decoder", (base,), members)()


def _nothing(value: object) -> None:
    """The limits of the order of all values are none themselves."""


def _date(value: Any) -> str | None:
    """A date, as JavaScript prints it."""
    try:
        moment = value.as_datetime()
    except (import_module("bson").errors.BSONError, OverflowError, ValueError, OSError):
        return None  # as JSON.stringify does
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _number(value: float) -> int | float:
    """A number of JavaScript, which has one kind; its library writes large integers as floats."""
    if value.is_integer() and _INT32 <= abs(value) <= MAX_SAFE_INTEGER:
        return int(value)
    return value
