"""The memory that the values of a message take, estimated at little cost.

Strategy. A message of 1 MB may become 60 MB of lists and dicts. To look at every value would take
longer than decoding them, so the marks of the encoding are counted, which gives an upper bound.
A message of very few values, such as a picture or a long text, is measured instead, which is much
faster; and one of few values where the upper bound is high.
"""

from __future__ import annotations

import sys
from typing import Any, cast

MAX_MEASURED = 1000
"""Values of a message that are measured one by one."""

FEW_VALUES = 10
"""Values of a message that are measured in less time than the marks of a large one are counted."""

MEASURED_ABOVE = 256 * 1024
"""Bytes of an estimate for which it is worth while to measure."""

_LIST, _DICT, _VALUE = 64, 200, 64
"""Bytes of an empty list, of a short dict, and of a short value with its place in a container."""

_SHORT_TEXT = 80
"""Bytes of a short text that is not ASCII, with its place, before Python 3.12: the most that stands
behind a comma of JSON, apart from containers."""

# MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md#formats
_PLACE = 8
_MAPS = bytes((*range(0x80, 0x90), 0xDE, 0xDF))
_OTHERS = bytes((*range(0x90, 0xC0), *range(0xC4, 0xCA), *range(0xD4, 0xDE)))


def estimated_size(message: str | bytes, value: Any) -> int:
    """The bytes in memory of a decoded message, or somewhat more.

    Args:
        message: The message: JSON as text, or MessagePack as bytes.
        value: What was made of it.
    """
    measured = None if value is None else measured_size(value, FEW_VALUES)
    if measured is not None:
        return measured
    bound = _text_bound(message) if isinstance(message, str) else _bytes_bound(message)
    if bound <= MEASURED_ABOVE:
        return bound
    return measured_size(value) or bound


def _text_bound(text: str) -> int:
    containers = _LIST * text.count("[") + _DICT * text.count("{")
    return sys.getsizeof(text) + containers + _SHORT_TEXT * text.count(",")


def _bytes_bound(data: bytes) -> int:
    size = len(data)
    maps, others = (size - len(data.translate(None, marks)) for marks in (_MAPS, _OTHERS))
    return _PLACE * size + _DICT * maps + _VALUE * others


def measured_size(value: Any, most: int = MAX_MEASURED) -> int | None:
    """The bytes in memory of a value; None if it has more than so many parts."""
    total = 0
    values = [value]
    for item in values:  # it grows meanwhile
        total += sys.getsizeof(item)
        if not isinstance(item, (dict, list)):
            continue
        if len(values) + len(cast("Any", item)) > most:
            return None
        values.extend(cast("Any", item))
        if isinstance(item, dict):
            values.extend(cast("Any", item).values())
    return total
