"""The rules of msgspec, for types that are made with it; imported when such a type is met."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from msgspec import inspect

from .errors import Location, Problem

_NATIVE = (bytes, bytearray, memoryview)
"""Types that the decoder has put into place, so that text does not stand for them."""

_MESSAGE = re.compile(r"(?P<text>.*?)(?: - at `(?P<kind>key in )?\$?(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")


class MsgspecType:
    """A type with the rules of msgspec.

    Args:
        annotation: The type.

    Raises:
        TypeError: msgspec does not know it.

    Attributes:
        validate: Makes a value of what came.
    """

    def __init__(self, annotation: Any) -> None:
        try:
            msgspec.json.Decoder(annotation)  # convert() would complain with the first event
            info = inspect.type_info(annotation)
        except (TypeError, NameError) as error:
            raise TypeError(f"msgspec cannot use {annotation!r}: {error}") from error
        options: dict[str, Any] = {}
        parts = list(_parts(info))
        if any(isinstance(part, _BINARY) for part in parts):
            options["builtin_types"] = _NATIVE
        if any(isinstance(part, inspect.DictType) and _has_other_keys(part) for part in parts):
            options["str_keys"] = True
        self.validate: Callable[[Any], Any] = partial(msgspec.convert, type=annotation, **options)

    def serialize(self, value: Any) -> Any:
        """Make what is sent of a value."""
        return msgspec.to_builtins(value, builtin_types=_NATIVE, str_keys=True)


_BINARY = (inspect.BytesType, inspect.ByteArrayType, inspect.MemoryViewType)


def _has_other_keys(info: inspect.DictType) -> bool:
    """True for a dict with keys that JSON has as text, although they are none."""
    return not isinstance(info.key_type, inspect.StrType | inspect.AnyType)


def _parts(info: Any) -> Iterator[Any]:
    """All types that a type is made of."""
    seen: list[Any] = []
    waiting = [info]
    while waiting:
        part = waiting.pop()
        if any(part is other for other in seen):
            continue
        seen.append(part)
        yield part
        for name in ("item_type", "key_type", "value_type", "type"):
            inner = getattr(part, name, None)
            if isinstance(inner, inspect.Type):
                waiting.append(inner)
        for name in ("types", "item_types"):
            waiting.extend(getattr(part, name, ()))
        waiting.extend(field.type for field in getattr(part, "fields", ()))


def problems_of(error: Exception) -> list[Problem] | None:
    """The first problem, if an exception is msgspec's verdict about a value."""
    if not isinstance(error, msgspec.ValidationError):
        return None
    match = _MESSAGE.fullmatch(str(error))
    if match is None:
        return [Problem((), "invalid", str(error))]
    return [Problem(_location(match["path"] or ""), "invalid", match["text"])]


def _location(path: str) -> Location:
    steps = _STEP.finditer(path)
    return tuple(
        step["name"] or (int(step["index"]) if step["index"].isdigit() else "[...]")
        for step in steps
    )
