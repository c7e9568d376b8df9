"""Checks of the data that came from a broker.

The size was checked before the decoding. The core relies on nothing that is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from ....protocol import DecodeError
from ....protocol.packet import check_event
from ..message import MalformedMessage, MessageType

MAX_ID_LENGTH = 64
"""The longest id of a server or a request, in characters; official ones have 16 at the most."""

MAX_HOST_LENGTH = 255
"""The longest name of a machine that is accepted, in characters: that of DNS."""

MAX_NAME_LENGTH = 4096
"""The longest name of a namespace, in characters."""

MAX_TIMEOUT_SECONDS = 3600.0
"""The longest time that a server may let the clients of another one take for their answers."""

_TYPES = {type_.value: type_ for type_ in MessageType}


def refuse(what: str) -> NoReturn:
    """Raise MalformedMessage."""
    raise MalformedMessage(what)


def message_type(value: Any) -> MessageType:
    """The type of a message."""
    # A bool is an int in Python: it must not pass as a number.
    type_ = _TYPES.get(value) if type(value) is int else None
    return type_ or refuse("unknown type")


def identifier(value: Any) -> str:
    """The id of a server or of a request."""
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH:
        return value
    refuse("an id is not a short text")


def optional_identifier(value: Any) -> str | None:
    """The same, where it may be missing."""
    return None if value is None else identifier(value)


def optional_host(value: Any) -> str | None:
    """The name of a machine, where it may be missing."""
    if value is None or (isinstance(value, str) and len(value) <= MAX_HOST_LENGTH):
        return value
    refuse("the host is no name")


def namespace_name(value: Any) -> str:
    """The name of a namespace."""
    if isinstance(value, str) and value.startswith("/") and len(value) <= MAX_NAME_LENGTH:
        return value
    refuse("the namespace is no name")


def mapping(value: Any) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        refuse("not an object")
    found: Mapping[str, Any] = cast("Any", value)
    return found


def items(value: Any) -> list[Any]:
    """An array."""
    if not isinstance(value, list):
        refuse("not an array")
    found: list[Any] = cast("Any", value)
    return found


def rooms(value: Any) -> tuple[str, ...]:
    """Names of rooms; official servers have numbers as well, which are text here."""
    return tuple(_room(item) for item in items(value))


def _room(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else refuse("a room is not text")


def event(value: Any) -> list[Any]:
    """An event: a list that begins with a name that is not reserved."""
    try:
        check_event(value)
    except DecodeError as error:
        raise MalformedMessage(str(error)) from error
    return items(value)


def count(value: Any) -> int:
    """A number of clients."""
    return value if type(value) is int and value >= 0 else refuse("not a number of clients")


def optional_number(value: Any) -> int | None:
    """Any integer, where it may be missing."""
    return value if value is None or type(value) is int else refuse("not a number")


def timeout(value: Any, per_second: int = 1) -> float | None:
    """A time in seconds, given in units of which a second has that many; None for nonsense."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return min(value / per_second, MAX_TIMEOUT_SECONDS)
    return None


def sockets(value: Any) -> list[Mapping[str, Any]]:
    """The sockets of another server, each an object."""
    return [mapping(item) for item in items(value)]
