"""Events and acknowledgements of Socket.IO in frames, for the short cuts of both; in Python.

What a function here does not know it leaves to the general way, by returning None: everything that
is wrong, rare or long.

Source: RFC 6455, section 5, and https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from ..protocol.binary import place_in_order
from ..protocol.json import PLAIN
from ..protocol.parser import MAX_ID_DIGITS, take_bytes
from .frames import MEDIUM, SHORT_TEXT, Opcode, encode_frame, text_frame

EVENT = b"42"
"""The beginning of an event: the types of its packets of Engine.IO and of Socket.IO."""
BINARY_EVENT = b"451-"
"""The beginning of an event with one attachment, likewise."""
TEXT_EVENT = "42"
"""The same in a message of a WebSocket that another library has read."""
_HEAD = len(EVENT)

ShortEvent = tuple[int | None, list[Any]]
"""The number under which an event is to be acknowledged, and its name with its arguments."""


def read_event(text: bytes, head: int = _HEAD) -> ShortEvent | None:
    """Decode an event of the main namespace that has no attachments.

    Args:
        text: A whole message that begins with :data:`EVENT`, too short to be nested too deeply. It
            need not be UTF-8.
        head: The length of its beginning.

    Returns:
        What it holds: the list is not empty, and begins with text; None leaves it to the general
        way.
    """
    start = text.find(b"[", head, head + MAX_ID_DIGITS + 1)
    digits = text[head:start]
    if start < 0 or (digits and not digits.isdigit()):
        return None
    try:
        items: Any = orjson.loads(text[start:])
    except orjson.JSONDecodeError:
        return None
    if not items or type(items[0]) is not str:
        return None
    return (int(digits) if digits else None), items


def read_binary_event(text: bytes, attachment: bytes) -> ShortEvent | None:
    """Decode an event of the main namespace that has one attachment, among its arguments.

    Args:
        text: A whole message that begins with :data:`BINARY_EVENT`, as that of :func:`read_event`.
        attachment: The message behind it.

    Returns:
        What it holds; None leaves it to the general way.
    """
    event = read_event(text, len(BINARY_EVENT))
    return event if event is not None and place_in_order(event[1], [attachment]) else None


def ack_frame(number: int, values: Sequence[Any]) -> bytes | None:
    """The frame of an acknowledgement in the main namespace.

    Args:
        number: The number of the event.
        values: What it is answered with.

    Returns:
        The frame; None when a value has no JSON form of its own.
    """
    try:
        json = orjson.dumps(values, None, PLAIN)
    except orjson.JSONEncodeError:
        return None
    text = b"43%d%b" % (number, json)
    # As text_frame() would, without a call.
    return SHORT_TEXT[len(text)] + text if len(text) < MEDIUM else text_frame(text)


def binary_ack_frames(number: int, values: Sequence[Any]) -> bytes | None:
    """The frames of an acknowledgement with one attachment, among its values.

    Args:
        number: The number of the event.
        values: What it is answered with.

    Returns:
        Both frames; None for anything else.
    """
    attachments: list[bytes] = []
    placed = take_bytes(values, attachments)
    if len(attachments) != 1:
        return None
    try:
        json = orjson.dumps(placed, None, PLAIN)
    except orjson.JSONEncodeError:
        return None
    text = text_frame(b"461-%d%b" % (number, json))
    return text + encode_frame(Opcode.BINARY, attachments[0])
