"""The rules for frames and their contents that both sides have to keep.

Source: RFC 6455, sections 5 and 8.1
"""

from __future__ import annotations

from .fragments import NOT_UTF8
from .frames import (
    FINAL,
    MASKED,
    MAX_CONTROL_PAYLOAD,
    CloseCode,
    FrameError,
    Opcode,
    check_close_code,
)

_RESERVED_BITS = 0x70
OPCODE_BITS = 0x0F
LENGTH_BITS = 0x7F
CONTROL_BIT = 0x08
# Plain numbers, because members of an enum are slow.
_CONTINUATION, _BINARY, _PONG = int(Opcode.CONTINUATION), int(Opcode.BINARY), int(Opcode.PONG)


def check_header(first: int, second: int, *, masked: bool, continues: bool) -> None:
    """Check the first two bytes of a frame.

    Args:
        first: The first one.
        second: The second one.
        masked: Whether the peer has to mask its frames.
        continues: Whether a message has begun that is not complete.

    Raises:
        FrameError: They break a rule.
    """
    opcode = first & OPCODE_BITS
    if first & _RESERVED_BITS:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
    if (second >= MASKED) != masked:
        raise FrameError(
            CloseCode.PROTOCOL_ERROR,
            "a frame of a server has a mask"
            if second & MASKED
            else "a frame of a client has no mask",
        )
    if first & CONTROL_BIT:
        if opcode > _PONG:
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"unknown opcode {opcode}")
        if not first & FINAL or second & LENGTH_BITS > MAX_CONTROL_PAYLOAD:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a control frame is too long or in parts")
    elif opcode > _BINARY:
        raise FrameError(CloseCode.PROTOCOL_ERROR, f"unknown opcode {opcode}")
    elif (opcode == _CONTINUATION) != continues:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a frame is not the continuation expected")


def check_size(first: int, length: int, before: int, limit: int) -> None:
    """Check the length that a frame announces.

    Args:
        first: The first byte of the frame.
        length: The length of its content.
        before: The size of its message up to it.
        limit: The largest message that is accepted, in bytes.

    Raises:
        FrameError: It breaks a rule, or the message is too large.
    """
    if length >> 63:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "the highest bit of a length is set")
    if before + length > limit and not first & CONTROL_BIT:
        raise FrameError(CloseCode.MESSAGE_TOO_BIG, f"a message is larger than {limit} bytes")


def read_close(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame (section 5.5.1).

    Raises:
        FrameError: They break a rule.
    """
    if not payload:
        return CloseCode.NONE_RECEIVED, ""
    if len(payload) == 1:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "half a close code")
    code = int.from_bytes(payload[:2], "big")
    try:
        check_close_code(code)
    except ValueError as error:
        raise FrameError(CloseCode.PROTOCOL_ERROR, str(error)) from error
    return code, decode_text(payload[2:])


def decode_text(payload: bytes) -> str:
    """The text of a message.

    Raises:
        FrameError: It is not UTF-8.
    """
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise FrameError(CloseCode.INVALID_PAYLOAD, NOT_UTF8) from error
