"""HTTP headers, and how they stand on the wire.

Source: RFC 9110, section 5, for what a header may hold
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Header = tuple[bytes, bytes]
"""A header as ASGI has it: its name, in lower case, and its value."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUE = re.compile(rb"[\x00\r\n]")


def header_lines(headers: Iterable[Header]) -> bytes:
    """Headers as they are sent.

    Raises:
        ValueError: One of them would break out of its line.
    """
    lines: list[bytes] = []
    for name, value in headers:
        if not _NAME.fullmatch(name) or _NOT_IN_VALUE.search(value):
            raise ValueError(f"this is no valid header: {bytes(name)!r}: {bytes(value)!r}")
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join(lines)
