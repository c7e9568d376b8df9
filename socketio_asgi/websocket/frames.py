"""Frames of the WebSocket protocol, as a server sends them: whole and without a mask.

Because they have no mask, the frames of a broadcast are the same bytes for all recipients.

Source: RFC 6455, section 5.2
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

FINAL: Final = 0x80
"""The bit that marks the last frame of a message."""

MAX_CONTROL_PAYLOAD: Final = 125
"""The largest payload of a control frame, in bytes (section 5.5)."""

MEDIUM: Final = 126
"""The length that says that the real one follows, in two bytes; a smaller one is the real one
(section 5.2)."""
_LARGE: Final = 127
_pack_medium = Struct("!BBH").pack
_pack_large = Struct("!BBQ").pack


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """The reasons for closing that a server gives or reports (section 7.4.1)."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    NONE_RECEIVED = 1005
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012


_SHORT_TEXT = [bytes((FINAL | Opcode.TEXT, size)) for size in range(MEDIUM)]


def text_frame(payload: bytes) -> bytes:
    """The frame of a text message, given as UTF-8."""
    if len(payload) < MEDIUM:
        return _SHORT_TEXT[len(payload)] + payload
    return encode_frame(Opcode.TEXT, payload)


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """A whole message, or a control frame, in one frame."""
    size = len(payload)
    first = FINAL | opcode
    if size < MEDIUM:
        return bytes((first, size)) + payload
    if size <= 0xFFFF:
        return _pack_medium(first, MEDIUM, size) + payload
    return _pack_large(first, _LARGE, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """The frame that closes a connection.

    Args:
        code: The close code.
        reason: Why, for the other side's logs; cut to what fits.

    Raises:
        ValueError: The code may not be sent.
    """
    check_close_code(code)
    text = reason.encode("utf-8", "replace")[: MAX_CONTROL_PAYLOAD - 2]
    # A character that was cut in two is left out.
    text = text.decode("utf-8", "ignore").encode()
    return encode_frame(Opcode.CLOSE, code.to_bytes(2, "big") + text)


def check_close_code(code: int) -> None:
    """Check that a close code may be on the wire.

    Raises:
        ValueError: It may not.

    Source: RFC 6455, section 7.4, and the registry of close codes that it founded
    """
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise ValueError(f"{code} is no close code that may be sent")
