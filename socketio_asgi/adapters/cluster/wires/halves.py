"""Halves of characters in MessagePack: official servers write them, and no reader takes them.

JavaScript has text in which the half of a surrogate pair is missing. ``@msgpack/msgpack`` writes
the other half like a character of three bytes, which is no UTF-8; here it becomes the character
for what cannot be represented, which has three bytes as well.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md#formats
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HALF = re.compile(b"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT = "\ufffd".encode()

_LENGTH_BYTES = dict(
    zip([*range(0xC4, 0xCA), *range(0xD9, 0xDC)], [1, 2, 4, 1, 2, 4, 1, 2, 4], strict=True)
)
"""Binary data, extensions and text, whose length is in so many bytes behind the first one."""

_FIXED_BYTES = dict(
    zip(
        [*range(0xCA, 0xD9), *range(0xDC, 0xE0)],
        [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 2, 4, 2, 4],
        strict=True,
    )
)
"""Floats, integers, short extensions with their type, and the lengths of arrays and maps: so many
bytes behind the first one. Others have none."""

_EXTENSIONS = range(0xC7, 0xCA)
_LONG_TEXTS = range(0xD9, 0xDC)
_SHORT_TEXTS = range(0xA0, 0xC0)


def without_halves(data: bytes) -> bytes:
    """The same MessagePack, its texts without halves of characters."""
    mended = bytearray(data)
    for begin, end in _texts(data):
        text = bytes(mended[begin:end])
        mended[begin:end] = _HALF.sub(_REPLACEMENT, text)
    return bytes(mended)


def _texts(data: bytes) -> Iterator[tuple[int, int]]:
    """Where texts begin and end; what is cut off ends with the data."""
    position = 0
    while position < len(data):
        kind = data[position]
        position += 1
        if kind in _SHORT_TEXTS:
            size = kind - _SHORT_TEXTS.start
        elif (width := _LENGTH_BYTES.get(kind)) is not None:
            size = int.from_bytes(data[position : position + width], "big") + (kind in _EXTENSIONS)
            position += width
        else:
            size = _FIXED_BYTES.get(kind, 0)
        if kind in _SHORT_TEXTS or kind in _LONG_TEXTS:
            yield position, min(position + size, len(data))
        position += size
