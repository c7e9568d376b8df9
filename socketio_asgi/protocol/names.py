"""Events and namespaces as applications name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .engine_packet import EnginePacketType
from .packet import RESERVED_EVENTS, Packet, PacketType

_EVENT = PacketType.EVENT  # a global name: members of an enum are slow on the way of every packet


def event_packet(namespace: str, event: str, args: Sequence[Any], id: int | None = None) -> Packet:
    """The packet of an event.

    Raises:
        TypeError: The name is not text.
        ValueError: The name is reserved.
    """
    if type(event) is not str or event in RESERVED_EVENTS:
        check_event_name(event)
    return Packet(_EVENT, namespace, [event, *args], id)


def event_head(namespace: str) -> bytes:
    """The text in front of the JSON of an event, as an Engine.IO packet in UTF-8."""
    address = "" if namespace == "/" else namespace + ","
    return f"{EnginePacketType.MESSAGE:d}{_EVENT:d}{address}".encode("utf-8", "replace")


def check_event_name(event: object) -> None:
    """Check the name of an event that is to be sent.

    Raises:
        TypeError: The name is not text.
        ValueError: The name is reserved.
    """
    if not isinstance(event, str):
        raise TypeError(f"an event name must be a str, not {event!r}")
    if event in RESERVED_EVENTS:
        raise ValueError(f"the event name {event!r} is reserved; choose another one")


def normalize_name(name: str) -> str:
    """The name of a namespace with its slash.

    Raises:
        TypeError: It is not text.
        ValueError: It holds a comma, which ends a name on the wire.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the name of a namespace is a str, not {name!r}")
    if "," in name:
        raise ValueError(f"the name of a namespace cannot hold a comma: {name!r}")
    return name if name.startswith("/") else "/" + name
