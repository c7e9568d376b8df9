"""Names of namespaces, rooms and servers, for brokers that allow few characters in theirs.

They are hexadecimal, for then they have neither spaces nor dots of their own; long ones are hashed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

MAX_NAME_BYTES = 64
"""The longest name that is written out: a subject of NATS should have less than 256 characters."""

SID_LENGTH = 20
"""Characters of every socket's id. A room with as many in its name is not subscribed to."""

MAX_PREFIX_LENGTH = 64

_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

_SERVER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_prefix(value: object) -> str:
    """Check the option ``prefix``.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot begin a name of the broker.
    """
    if not isinstance(value, str):
        raise TypeError(f"prefix must be a text such as 'socket.io', not {value!r}")
    if len(value) > MAX_PREFIX_LENGTH or not _PREFIX.fullmatch(value):
        raise ValueError(
            "prefix must have letters, digits, '-' and '_', with single dots between, and"
            f" {MAX_PREFIX_LENGTH} characters at the most; not {value!r}"
        )
    return value


def check_server(server: str) -> str:
    """Check the id of a server before it becomes a part of a name.

    Raises:
        ValueError: The id is none of ours.
    """
    if not _SERVER.fullmatch(server):
        raise ValueError(f"not the id of a server: {server!r}")
    return server


@lru_cache(maxsize=1024)
def token(name: str, longest: int = MAX_NAME_BYTES) -> str:
    """The name of a namespace, room or socket as one word.

    Args:
        name: The name.
        longest: The most bytes of a name that is written out.
    """
    data = name.encode("utf-8", "surrogatepass")
    if 0 < len(data) <= longest:
        return data.hex()
    return "h" + sha256(data).hexdigest()  # no hexadecimal name begins with this letter


def name_of(found: str) -> str | None:
    """The name that a word stands for; None when it is a hash, or nonsense."""
    try:
        return bytes.fromhex(found).decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def is_sid(room: str) -> bool:
    """True if a room is taken for that of a single socket."""
    return len(room) == SID_LENGTH
