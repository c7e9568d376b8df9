"""The mask on the frames of a client; the same operation puts it on and takes it off.

Source: RFC 6455, section 5.3
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_bytes

MASK_SIZE = 4
"""Bytes of a mask."""

MASKS_AT_A_TIME = 64
"""Masks that are fetched from the operating system together: a call for each would cost a client
more than all else of a short frame."""


class Masks:
    """The masks of one connection, none of which can be foreseen."""

    __slots__ = ("_position", "_random")

    def __init__(self) -> None:
        self._random = b""
        self._position = 0

    def next(self) -> bytes:
        """A mask for one frame."""
        position = self._position
        if position >= len(self._random):
            self._random = token_bytes(MASK_SIZE * MASKS_AT_A_TIME)
            position = 0
        self._position = position + MASK_SIZE
        return self._random[position : self._position]


def xor_mask(data: bytes | memoryview, mask: bytes) -> bytes:
    """Apply a mask of four bytes; as one operation on long integers, there being no loop in C."""
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    return number.to_bytes(size, "big")


def _find() -> Callable[[bytes | memoryview, bytes], bytes]:
    try:
        from websockets.speedups import apply_mask
    except ImportError:  # websockets is not installed, or without its part in C
        return xor_mask
    return apply_mask


apply_mask: Callable[[bytes | memoryview, bytes], bytes] = _find()
"""Apply a mask of four bytes: ``apply_mask(data, mask)``."""
