"""The routing keys that messages between servers have.

    NAMESPACE.all         what every server reads
    NAMESPACE.room.ROOM   events for one room: read by servers with members
    NAMESPACE.sid.SID     events for one socket: dropped by the key where it is not
    uid.SERVER            answers
    lost.QUEUE            what the queue of a server has dropped

Names are hexadecimal; long ones are hashed. See :mod:`..cluster.names`.
"""

from __future__ import annotations

from ..cluster.message import Message
from ..cluster.names import check_server, is_sid, name_of, token

MAX_NAME_BYTES = 60
"""The longest name that is written out: a routing key has less than 256 bytes."""

CHECK = "check"
"""The key that is published with in order to see whether that is allowed."""


def to_all(namespace: str) -> str:
    """Events for everybody, and whatever else every server reads."""
    return f"{_token(namespace)}.all"


def to_room(namespace: str, room: str) -> str:
    """Events for one room."""
    return f"{_token(namespace)}.room.{_token(room)}"


def to_rooms(namespace: str) -> str:
    """Events for any one room, as a pattern."""
    return f"{_token(namespace)}.room.*"


def to_sockets(namespace: str) -> str:
    """Events for any one socket, as a pattern."""
    return f"{_token(namespace)}.sid.*"


def to_server(server: str) -> str:
    """Answers for one server.

    Raises:
        ValueError: The id is none of ours.
    """
    return f"uid.{check_server(server)}"


def lost_from(queue: str) -> str:
    """Messages that a queue has dropped."""
    return f"lost.{queue}"


def for_message(message: Message) -> str:
    """The key of a message to all."""
    room = message.room
    if room is None:
        return to_all(message.namespace)
    return f"{_token(message.namespace)}.{'sid' if is_sid(room) else 'room'}.{_token(room)}"


def meant(key: str) -> tuple[str, str] | None:
    """The namespace and the room of a message; None when it is for more, or a name was hashed."""
    namespace, _, rest = key.partition(".")
    kind, _, room = rest.partition(".")
    if kind not in {"room", "sid"}:
        return None
    names = name_of(namespace), name_of(room)
    return None if names[0] is None or names[1] is None else (names[0], names[1])


def _token(name: str) -> str:
    return token(name, MAX_NAME_BYTES)
