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

_LENGTH_BYTES = {
    **{0xC4: 1, 0xC5: 2, 0xC6: 4},  # binary data
    **{0xC7: 1, 0xC8: 2, 0xC9: 4},  # extensions
    **{0xD9: 1, 0xDA: 2, 0xDB: 4},  # text
}
"""Values whose length is in so many bytes behind the first one."""

_FIXED_BYTES = {
    **{0xCA: 4, 0xCB: 8},  # floats
    **{0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8},  # integers
    **{0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17},  # extensions, with their type
    **{0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4},  # the lengths of arrays and maps
}
"""Values that have so many bytes behind the first one; others have none."""

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
