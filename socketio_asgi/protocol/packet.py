"""Socket.IO packets, and the interface of the parsers that put them on the wire.

Source: https://socket.io/docs/v4/socket-io-protocol/#packet-encoding and
https://socket.io/docs/v4/custom-parser/
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from types import NoneType
from typing import Any, Protocol, runtime_checkable

from .errors import DecodeError


class PacketType(IntEnum):
    """The packet types of Socket.IO; the value is the digit on the wire."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


@dataclass(slots=True, repr=False)
class Packet:
    """One Socket.IO packet.

    A decoded packet is never of a binary type: its attachments are already in place, and an event
    is an event whether it had some or not.

    Attributes:
        type: What kind of packet it is.
        namespace: The namespace it belongs to, ``/`` by default.
        data: The arguments of an EVENT (its name first) or ACK as a list, the payload of a CONNECT
            or CONNECT_ERROR, None otherwise.
        id: The number that an acknowledgement refers to, or None.
        size: The bytes of a large packet in memory; 0 for one that is not counted.
    """

    type: PacketType
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    size: int = field(default=0, compare=False)

    def __repr__(self) -> str:
        # Without the data, which may be private or long.
        return f"<Packet {self.type.name} {self.namespace} id={self.id}>"


RESERVED_EVENTS = frozenset(
    {
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        # Node.js alone gives them a meaning, but the official clients drop a connection for them.
        "newListener",
        "removeListener",
    }
)
"""Events which no packet may carry and no user may emit.

Source: the reserved events in https://socket.io/docs/v4/emit-cheatsheet/
"""


# By type; a tuple, because members and hashes of an enum are slow on the way of every packet.
_PAYLOADS: tuple[type | tuple[type, ...], ...] = (
    (dict, NoneType),  # CONNECT
    NoneType,  # DISCONNECT
    list,  # EVENT
    list,  # ACK
    (str, dict),  # CONNECT_ERROR
    list,  # BINARY_EVENT
    list,  # BINARY_ACK
)
_EVENTS = (PacketType.EVENT.value, PacketType.BINARY_EVENT.value)


def check_payload(type_: PacketType, data: Any) -> None:
    """Check that the payload of a decoded packet has the shape that its type demands.

    The name of an event is made text in place if it was a number; see :func:`check_event`.

    Raises:
        DecodeError: It has not.
    """
    if type_ in _EVENTS:
        check_event(data)
    elif not isinstance(data, _PAYLOADS[type_]):
        raise DecodeError("Socket.IO", f"the payload does not fit the type {type_.name}")


def check_event(data: Any) -> None:
    """Check that the payload of an EVENT is a list that begins with a permitted name.

    JavaScript allows a number for a name (members of a TypeScript enum are numbers): its text takes
    its place in the list.

    Raises:
        DecodeError: It is not.
    """
    items = data
    name: Any = items[0] if isinstance(data, list) and data else None
    if not isinstance(name, str):
        # A bool is an int in Python: it must not pass as a number.
        if type(name) not in (int, float):
            raise DecodeError("Socket.IO", "an event must be a list that begins with its name")
        name = items[0] = javascript_text(name)
    if name in RESERVED_EVENTS:
        raise DecodeError("Socket.IO", f"the event name {name!r} is reserved")


def javascript_text(number: float) -> str:
    """The text that JavaScript makes of a number.

    Source: https://tc39.es/ecma262/#sec-numeric-types-number-tostring
    """
    number = float(number)  # which is what JavaScript has, also for a long integer
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"  # also below zero
    digits = repr(number)  # as few as tell the number from others, in both languages
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(digits), "f").removesuffix(".0")
    return digits.replace("e-0", "e-")


class Decoder(Protocol):
    """Puts the messages of one connection together to packets.

    One decoder serves one connection; it may hold a packet whose attachments are still coming.
    """

    def add(self, data: str | bytes) -> Packet | None:
        """Take one Engine.IO message.

        Args:
            data: Text or bytes, as the other side's encoder made them.

        Returns:
            The packet that is now complete, or None while attachments are missing.

        Raises:
            DecodeError: The message is not a valid packet or not what was expected.
        """
        ...

    def reset(self) -> None:
        """Forget a packet that is not complete; called when the connection ends."""
        ...


class Parser(Protocol):
    """Turns packets into Engine.IO messages and back."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        """Encode a packet as one message, followed by one for each attachment.

        Raises:
            EncodeError: The packet's data cannot be represented.
        """
        ...

    def decoder(self) -> Decoder:
        """A new decoder for one connection."""
        ...


@runtime_checkable
class PlainConverter(Protocol):
    """A parser that can tell what its clients make of a value; optional for parsers of one's own.

    Adapters that carry values to servers in other processes ask for it.
    """

    def to_plain(self, value: Any) -> Any:
        """A value as a client gets it, made of plain types alone.

        Args:
            value: Anything that a packet may carry.

        Returns:
            The same in str, int, float, bool, None, bytes, list and dict with text keys.

        Raises:
            EncodeError: The value cannot be represented.
        """
        ...
