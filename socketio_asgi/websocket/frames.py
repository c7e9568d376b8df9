"""Frames of the WebSocket protocol, as both sides send them: each message whole, in one frame.

The frames of a server have no mask, so those of a broadcast are the same bytes for all recipients.
Each frame of a client has a random mask of its own.

Source: RFC 6455, sections 5.2 and 5.3
"""

from __future__ import annotations

from enum import Enum, IntEnum
from secrets import token_bytes
from struct import Struct
from typing import Final

from .masking import MASK_SIZE, apply_mask

FINAL: Final = 0x80
"""The bit that marks the last frame of a message."""

MASKED: Final = 0x80
"""The bit in the second byte that marks a frame with a mask."""

MAX_CONTROL_PAYLOAD: Final = 125
"""The largest payload of a control frame, in bytes (section 5.5)."""

MEDIUM: Final = 126
"""The length that says that the real one follows, in two bytes; a smaller one is the real one
(section 5.2)."""
_LARGE: Final = 127
_pack_medium = Struct("!BBH").pack
_pack_large = Struct("!BBQ").pack


class Side(Enum):
    """The two sides of a connection; a client masks its frames, and a server must not."""

    CLIENT = "client"
    SERVER = "server"


class Opcode(IntEnum):
    """The kinds of frames (section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """The reasons for closing that this package gives or reports (section 7.4.1)."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    NONE_RECEIVED = 1005
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012


SHORT_TEXT: Final = [bytes((FINAL | Opcode.TEXT, size)) for size in range(MEDIUM)]
"""The headers of the short texts of a server, by their sizes."""


class FrameError(Exception):
    """The peer broke the rules for frames.

    Attributes:
        code: The close code to send for it.
    """

    def __init__(self, code: CloseCode, problem: str) -> None:
        super().__init__(problem)
        self.code: CloseCode = code


def text_frame(payload: bytes) -> bytes:
    """The frame of a text message of a server.

    Args:
        payload: The text, in UTF-8.
    """
    # Nearly all are short: as encode_frame(), with a header from a table.
    if len(payload) < MEDIUM:
        return SHORT_TEXT[len(payload)] + payload
    return encode_frame(Opcode.TEXT, payload)


def encode_frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A whole message, or a control frame, in one frame.

    Args:
        opcode: The kind of frame.
        payload: Its content; at most 125 bytes in a control frame.
        mask: Four random bytes in the frame of a client, nothing in that of a server.
    """
    size = len(payload)
    first, second = FINAL | opcode, 0
    if mask:
        second, payload = MASKED, mask + apply_mask(payload, mask)
    if size < MEDIUM:
        return bytes((first, second | size)) + payload
    if size <= 0xFFFF:
        return _pack_medium(first, second | MEDIUM, size) + payload
    return _pack_large(first, second | _LARGE, size) + payload


def encode_masked_frame(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it, with a new mask that cannot be foreseen (section 5.3)."""
    return encode_frame(opcode, payload, token_bytes(MASK_SIZE))


def close_frame(code: int, reason: str = "") -> bytes:
    """The frame with which a server closes a connection.

    Args:
        code: The close code.
        reason: An explanation for the peer's logs; cut to what fits.

    Raises:
        ValueError: The code may not be sent.
    """
    return encode_frame(Opcode.CLOSE, close_payload(code, reason))


def close_payload(code: int, reason: str = "") -> bytes:
    """The content of a close frame (section 5.5.1).

    Args:
        code: The close code.
        reason: An explanation for the peer's logs; cut to what fits.

    Raises:
        ValueError: The code may not be sent.
    """
    check_close_code(code)
    text = reason.encode("utf-8", "replace")[: MAX_CONTROL_PAYLOAD - 2]
    # A character that was cut in two is left out.
    text = text.decode("utf-8", "ignore").encode()
    return code.to_bytes(2, "big") + text


def check_close_code(code: int) -> None:
    """Check that a close code may be sent.

    Raises:
        ValueError: The code is reserved, or none at all.

    Source: RFC 6455, section 7.4, and the registry of close codes that it founded
    """
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise ValueError(f"{code} is no close code that may be sent")
