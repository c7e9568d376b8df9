"""Session ids that say which server has made them.

    3 bytes    the id of the server
    10 bytes   random: 80 bits
    2 bytes    a check, with a key that the servers tell each other

In URL-safe base64 these are the 20 characters that all session ids have. A server that is asked for
an id knows at once whom to ask about it. One that a client has made up costs no message, and one
that is made with the beginning of a true one has a chance of 1 in 65536 to cost one.
"""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

NODE_BYTES = 3
RANDOM_BYTES = 10
CHECK_BYTES = 2

LENGTH = 20
"""The characters of an id."""

KEY_BYTES = 16
"""The bytes of a key."""


def new_session_id(node: str, key: bytes) -> str:
    """Make an id.

    Args:
        node: The id of the server, in hexadecimal digits.
        key: Its key.
    """
    beginning = bytes.fromhex(node) + os.urandom(RANDOM_BYTES)
    return urlsafe_b64encode(beginning + _check(key, beginning)).decode()


def node_of(sid: str) -> str:
    """The server that an id names; empty when it names none. The id may be made up."""
    raw = _raw(sid)
    return "" if raw is None else raw[:NODE_BYTES].hex()


def is_genuine(sid: str, key: bytes) -> bool:
    """True for an id that was made with a key."""
    raw = _raw(sid)
    if raw is None:
        return False
    beginning = raw[:-CHECK_BYTES]
    return _check(key, beginning) == raw[-CHECK_BYTES:]


def _raw(sid: str) -> bytes | None:
    if len(sid) != LENGTH or not sid.isascii():
        return None
    try:
        raw = urlsafe_b64decode(sid)
    except ValueError:
        return None
    return raw if len(raw) == NODE_BYTES + RANDOM_BYTES + CHECK_BYTES else None


def _check(key: bytes, beginning: bytes) -> bytes:
    return hashlib.blake2b(beginning, key=key, digest_size=CHECK_BYTES).digest()
