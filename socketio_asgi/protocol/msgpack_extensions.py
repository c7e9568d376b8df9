"""MessagePack extensions as the JavaScript library writes them.

It writes ``undefined``, a ``Date`` and an ``ArrayBuffer`` (also for any view into one: the whole
buffer) with one type, and only the formats tell them apart: fixext 1, fixext 8, and ext 8, 16 or
32. ormsgpack does not tell the format of an extension, so the message is gone through beside it,
from one extension to the next.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md#formats and
https://github.com/darrachequesne/notepack/blob/master/lib/encode.js
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_TYPE = 0
"""The type of all extensions of the JavaScript library."""

_FIXEXT_1, _FIXEXT_8 = 0xD4, 0xD7
_FIXEXT_SIZES = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_BIN_OR_STR = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""By format, the bytes that tell the length of the data."""
_EXT = {0xC7: 1, 0xC8: 2, 0xC9: 4}
"""The same for extensions; their type stands between length and data."""


def _sized(first: int) -> bytes:
    """A pattern for up to 31 bytes behind one that tells their number, counted from ``first``."""
    return b"|".join(re.escape(bytes([first + size])) + b".{%d}" % size for size in range(32))


# All values that have their size in their first byte, and short ones with a length, on which an
# expression is much faster than a loop; then the first byte of the next value. Containers are no
# more than their heads here: only the order of the extensions matters. Possessive, so that nothing
# is tried twice.
_NEXT = re.compile(
    rb"(?:[\x00-\x9f\xc0\xc2\xc3\xe0-\xff]"
    rb"|[\xcc\xd0].|[\xcd\xd1\xdc\xde].{2}|[\xca\xce\xd2\xdd\xdf].{4}|[\xcb\xcf\xd3].{8}"
    rb"|" + _sized(0xA0) + rb"|(?:[\xc4\xd9]|[\xc5\xda]\x00|[\xc6\xdb]\x00{3})(?:" + _sized(0) +
    rb"))*+.",
    re.DOTALL,
)  # fmt: skip


class ExtensionReader:
    """The extensions of one message, to be read in order while it is decoded.

    Args:
        message: The message. It is looked at no further than the decoder has come.
    """

    __slots__ = ("_formats",)

    def __init__(self, message: bytes) -> None:
        self._formats = _extension_formats(message)

    def read(self, type_: int, data: bytes) -> datetime | str | bytes | None:
        """The value of the next extension.

        Raises:
            ValueError: It is none of the JavaScript library's, or a date that is none.
        """
        format_ = next(self._formats)
        if type_ != _TYPE:
            raise ValueError("unknown extension type")
        if format_ == _FIXEXT_1:
            return None  # undefined
        return read_date(data) if format_ == _FIXEXT_8 else data


def _extension_formats(message: bytes) -> Iterator[int]:
    """The first byte of each extension of a message, in order."""
    position = 0
    while found := _NEXT.match(message, position):
        position = found.end()
        format_ = message[position - 1]
        if format_ in _FIXEXT_SIZES:
            yield format_
            position += 1 + _FIXEXT_SIZES[format_]
            continue
        is_extension = format_ in _EXT
        if is_extension:
            yield format_
        start = position + (_EXT[format_] if is_extension else _BIN_OR_STR[format_])
        position = start + is_extension + int.from_bytes(message[position:start], "big")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MILLISECONDS = 8_640_000_000_000_000
"""The greatest distance of a date of JavaScript from 1970."""

_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
"""The calendar repeats itself."""


def read_date(data: bytes) -> datetime | str:
    """The value of a ``Date``: text as in JSON when its year is below 1 or above 9999.

    Args:
        data: Milliseconds since 1970, a signed integer of 8 bytes.

    Raises:
        ValueError: JavaScript has no such date.
    """
    milliseconds = int.from_bytes(data, "big", signed=True)
    if abs(milliseconds) > _MAX_MILLISECONDS:
        raise ValueError("a date is out of range")
    distance = timedelta(milliseconds=milliseconds)
    try:
        return _EPOCH + distance
    except OverflowError:
        cycles, rest = divmod(distance, timedelta(days=_CYCLE_DAYS))
        return _iso_format(_EPOCH + rest, cycles * _CYCLE_YEARS)


def _iso_format(date: datetime, more_years: int) -> str:
    """The text that ``toISOString`` of JavaScript gives for a date that many years later."""
    year = date.year + more_years
    digits = f"{year:04}" if 0 <= year <= 9999 else f"{year:+07}"
    return f"{digits}-{date:%m-%dT%H:%M:%S}.{date.microsecond // 1000:03}Z"
