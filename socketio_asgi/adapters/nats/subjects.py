"""The subjects of NATS that messages between servers have.

    PREFIX.NAMESPACE.all            what every server reads
    PREFIX.NAMESPACE.room.ROOM      events for one room: read by servers with members
    PREFIX.NAMESPACE.sid.SID        events for one socket: dropped by its subject where it is not
    PREFIX.NAMESPACE.uid.SERVER     answers
    PREFIX.NAMESPACE.log.all        the same as the first three, in the stream of JetStream
    PREFIX.NAMESPACE.log.room.ROOM
    PREFIX.NAMESPACE.log.sid.SID

Names are hexadecimal, for a subject has neither spaces nor dots of its own; long ones are hashed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

from ..cluster.message import Message

MAX_NAME_BYTES = 64
"""The longest name that is written out: a subject should have less than 256 characters."""

SID_LENGTH = 20
"""Characters of every socket's id. A room with as many in its name is not subscribed to."""

MAX_PREFIX_LENGTH = 64

_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

_SERVER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_prefix(value: object) -> str:
    """Check the option ``prefix``.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot begin a subject.
    """
    if not isinstance(value, str):
        raise TypeError(f"prefix must be a text such as 'socket.io', not {value!r}")
    if len(value) > MAX_PREFIX_LENGTH or not _PREFIX.fullmatch(value):
        raise ValueError(
            "prefix must have letters, digits, '-' and '_', with single dots between, and"
            f" {MAX_PREFIX_LENGTH} characters at the most; not {value!r}"
        )
    return value


@lru_cache(maxsize=1024)
def token(name: str) -> str:
    """The name of a namespace, room or socket in a subject."""
    data = name.encode("utf-8", "surrogatepass")
    if 0 < len(data) <= MAX_NAME_BYTES:
        return data.hex()
    return "h" + sha256(data).hexdigest()  # no hexadecimal name begins with this letter


def name_of(found: str) -> str | None:
    """The name that a part of a subject stands for; None when it is a hash, or nonsense."""
    try:
        return bytes.fromhex(found).decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def is_sid(room: str) -> bool:
    """True if a room is taken for that of a single socket."""
    return len(room) == SID_LENGTH


class Subjects:
    """The subjects of one cluster.

    Args:
        prefix: What all of them begin with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    @property
    def logged(self) -> str:
        """The subjects that the stream of JetStream keeps."""
        return f"{self.prefix}.*.log.>"

    @property
    def check(self) -> str:
        """The subject that is published to in order to see whether that is allowed."""
        return f"{self.prefix}.check"

    def to_all(self, namespace: str) -> str:
        """The subject that every server reads."""
        return f"{self.prefix}.{token(namespace)}.all"

    def to_room(self, namespace: str, room: str) -> str:
        """Events for one room."""
        return f"{self.prefix}.{token(namespace)}.room.{token(room)}"

    def to_sockets(self, namespace: str) -> str:
        """Events for any one socket."""
        return f"{self.prefix}.{token(namespace)}.sid.*"

    def to_server(self, namespace: str, server: str) -> str:
        """Answers for one server; with ``*`` for the namespace, those in all.

        Raises:
            ValueError: The id is none of ours.
        """
        if not _SERVER.fullmatch(server):
            raise ValueError(f"not the id of a server: {server!r}")
        name = namespace if namespace == "*" else token(namespace)
        return f"{self.prefix}.{name}.uid.{server}"

    def log_of(self, namespace: str) -> str:
        """All that the stream has of a namespace."""
        return f"{self.prefix}.{token(namespace)}.log.>"

    def for_message(self, message: Message, *, logged: bool = False) -> str:
        """The subject of a message to all."""
        start = f"{self.prefix}.{token(message.namespace)}.{'log.' if logged else ''}"
        room = message.room
        if room is None:
            return start + "all"
        return f"{start}{'sid' if is_sid(room) else 'room'}.{token(room)}"
