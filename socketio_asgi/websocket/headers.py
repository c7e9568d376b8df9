"""HTTP headers, and their form on the wire.

Source: RFC 9110, section 5, for what a header may hold; RFC 9112, section 5, for its line
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Header = tuple[bytes, bytes]
"""A header in the form of ASGI: its name, in lower case, and its value."""

MAX_HEAD_SIZE = 64 * 1024
"""Bytes of the head of a message that are accepted of a peer."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUE = re.compile(rb"[\x00\r\n]")


def header_lines(headers: Iterable[Header]) -> bytes:
    """The lines in which headers are sent.

    Raises:
        ValueError: One of them would break out of its line.
    """
    lines: list[bytes] = []
    for name, value in headers:
        if not is_header(name, value):
            raise ValueError(f"this is no valid header: {bytes(name)!r}: {bytes(value)!r}")
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join(lines)


def parse_headers(lines: Iterable[bytes]) -> list[Header]:
    """The headers in some lines, which are not checked."""
    headers: list[Header] = []
    for line in lines:
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip(b" \t")))
    return headers


def is_header(name: bytes, value: bytes) -> bool:
    """True for a header that keeps to its line (RFC 9110, sections 5.1 and 5.5)."""
    return bool(_NAME.fullmatch(name)) and not _NOT_IN_VALUE.search(value)


def is_token(text: str) -> bool:
    """True for a text that may be a name in a header (RFC 9110, section 5.6.2)."""
    return text.isascii() and bool(_NAME.fullmatch(text.encode()))


def split_head(data: bytes) -> tuple[bytes, bytes] | None:
    """Divide the head of an HTTP message from what follows it.

    Args:
        data: All that came so far.

    Returns:
        The head, without the empty line at its end, and the rest; None while it is not complete.

    Raises:
        ValueError: It is larger than :data:`MAX_HEAD_SIZE`.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD_SIZE:
        raise ValueError(f"the head of a message is larger than {MAX_HEAD_SIZE} bytes")
    return (head, rest) if end else None
