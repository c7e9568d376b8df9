"""Frames of WebSocket connections (RFC 6455, section 5) as a client writes them, right or wrong."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

MASK: Final = b"\x37\xfa\x21\x3d"
"""The mask of the examples in section 5.7."""


class Frame(NamedTuple):
    """A frame without the bits of its header."""

    opcode: int
    payload: bytes


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
) -> bytes:
    """Encode a frame; ``mask=None`` leaves the mask out."""
    return header(opcode, len(payload), final=final, reserved=reserved, mask=mask) + (
        payload if mask is None else xor(payload, mask)
    )


def header(
    opcode: int,
    length: int,
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
) -> bytes:
    """Encode the header of a frame, with its mask."""
    masked = 0 if mask is None else 0x80
    first = bytes([final << 7 | reserved << 4 | opcode])
    if length < 126:
        head = first + bytes([masked | length])
    elif length < 1 << 16:
        head = first + bytes([masked | 126]) + length.to_bytes(2, "big")
    else:
        head = first + bytes([masked | 127]) + length.to_bytes(8, "big")
    return head + (mask or b"")


def xor(payload: bytes, mask: bytes) -> bytes:
    """Apply a mask (section 5.3): one large number with another."""
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def text(value: str, **options: Any) -> bytes:
    """Encode a text message in one frame."""
    return frame(TEXT, value.encode(), **options)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """Encode a close frame; without a code it is empty."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


def close_payload(payload: bytes) -> tuple[int, str]:
    """Decode the code and the reason of a close frame; an empty one has the code 1005."""
    assert len(payload) != 1, "half a close code"
    return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (1005, "")
