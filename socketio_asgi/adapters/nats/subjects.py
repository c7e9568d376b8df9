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

from ..cluster.message import Message
from ..cluster.names import check_server, is_sid, token


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
        name = namespace if namespace == "*" else token(namespace)
        return f"{self.prefix}.{name}.uid.{check_server(server)}"

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
