"""Rich values, on servers with each parser, and with types of one's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pydantic

from socketio_asgi import ConnectionRefused, Server, Socket
from socketio_asgi.protocol import DefaultParser, EncodeError, Parser
from socketio_asgi.protocol.msgpack_parser import MsgpackParser

BYTES = bytes([0, 255, 30])
ID = UUID("12345678-1234-5678-1234-567812345678")


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Pair(NamedTuple):
    one: int
    two: Any


@dataclass
class Point:
    x: float
    content: Any = None
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Slotted:
    name: str


class Model(pydantic.BaseModel):
    id: UUID
    price: Decimal
    at: datetime
    color: Color
    content: Any = None


class Struct(msgspec.Struct):
    id: UUID
    at: datetime
    color: Color
    content: Any = None


class Renamed(msgspec.Struct, tag="renamed", rename="camel"):
    first_name: str


AT = datetime(2030, 1, 2, 3, 4, 5, 45, tzinfo=UTC)

PLAIN: dict[str, Any] = {
    "datetime": AT,
    "datetime without a zone": datetime(2030, 1, 2, 3, 4, 5),  # noqa: DTZ001
    "datetime of another zone": datetime(2030, 1, 2, tzinfo=timezone(timedelta(hours=-3.5))),
    "date": date(2030, 1, 2),
    "time": time(1, 2, 3, 40_000),
    "uuid": ID,
    "decimal": Decimal("1.50"),
    "enum": Color.RED,
    "int enum": Level.HIGH,
    "named tuple": Pair(1, Color.RED),
    "dataclass": Point(1.5, AT, ["é"]),
    "slotted dataclass": Slotted("é"),
    "pydantic": Model(id=ID, price=Decimal("2.5"), at=AT, color=Color.RED),
    "msgspec": Struct(ID, AT, Color.RED),
    "renamed msgspec": Renamed("Ann"),
    "keys": {Color.RED: 1, ID: 2, 3: 4, date(2030, 1, 2): 5},
    "one in another": Point(
        1, Model(id=ID, price=Decimal(3), at=AT, color=Color.RED, content=Struct(ID, AT, Color.RED))
    ),
}

WITH_BINARY: dict[str, Any] = {
    "dataclass": Point(1.5, BYTES),
    "pydantic": Model(id=ID, price=Decimal("2.5"), at=AT, color=Color.RED, content=[BYTES]),
    "msgspec": Struct(ID, AT, Color.RED, {"deep": [BYTES]}),
    "kinds": [bytearray(BYTES), memoryview(BYTES), b""],
    "one in another": Point(1, Struct(ID, AT, Color.RED, Point(2, BYTES))),
}

VALUES: dict[str, Any] = {
    "plain": PLAIN,
    "plain beside binary": [PLAIN, BYTES],
    "with binary": WITH_BINARY,
}


async def emit(socket: Socket, name: str) -> None:
    """Send as an event to the client itself, to a room, and to somebody else's choice."""
    await socket.emit("value", VALUES[name], name)
    await socket.namespace.to(socket.id).emit("value", VALUES[name], name)


async def answer(_socket: Socket, name: str) -> Any:
    return VALUES[name], ID, BYTES


def answer_of_a_thread(_socket: Socket, name: str) -> Any:
    return VALUES[name]


async def ask(socket: Socket, name: str) -> Any:
    """Ask with a value; the client sends it back."""
    return await socket.emit_with_ack("question", VALUES[name])


async def ask_all(socket: Socket, name: str) -> Any:
    """The same in the way of a broadcast."""
    return await socket.namespace.to(socket.id).emit_with_ack("question", VALUES[name])


def refuse(_socket: Socket) -> None:
    raise ConnectionRefused("not now", data=Point(1, {"until": AT, "id": ID, "color": Color.RED}))


async def own_types(socket: Socket) -> str:
    """Send values of types that only some of the servers know."""
    try:
        await socket.emit("own", Fraction(2, 6), {"deep": [Fraction(1, 2), BYTES]}, Decimal(1))
    except EncodeError:
        return "no form"
    return "sent"


async def many(socket: Socket, count: int) -> None:
    await socket.emit("many", [bytes([number]) for number in range(count)])


NUMBERS = ("0", "1", "-1", "1.5", "9007199254740991", "1e+21")
"""Names of events which JavaScript can also give as numbers."""


async def numbered(name: str, _socket: Socket, *values: Any) -> tuple[Any, ...]:
    return name, *values


async def what_came(_socket: Socket, value: Any) -> str:
    return f"{type(value).__name__} {value}"


def describe(value: Any) -> Any:
    """What came, in a form that is read the same with each parser."""
    if isinstance(value, list):
        return [describe(item) for item in value]
    return f"bytes {value.hex()}" if isinstance(value, bytes) else f"{type(value).__name__} {value}"


async def describe_all(_socket: Socket, *values: Any) -> Any:
    return describe(list(values))


async def echo(_socket: Socket, *values: Any) -> tuple[Any, ...]:
    return values


def watch(socket: Socket) -> None:
    """Keep the names of all events of a client."""
    names: list[str] = []
    socket.data["names"] = names

    @socket.on_any
    def note(event: str, *_values: Any) -> None:
        names.append(event)


async def names(socket: Socket) -> Any:
    """Answer with the names so far."""
    return socket.data["names"]


def make_server(parser: Parser) -> Server:
    """A server with all handlers."""
    server = Server(parser=parser)
    server.on("connection")(watch)
    server.on("names")(names)
    server.on("describe")(describe_all)
    server.on("echo")(echo)
    for number in NUMBERS:
        server.on(number)(partial(numbered, number))
    server.on("emit")(emit)
    server.on("answer")(answer)
    server.on("answer of a thread")(answer_of_a_thread)
    server.on("ask")(ask)
    server.on("ask all")(ask_all)
    server.on("own types")(own_types)
    server.on("many")(many)
    server.on("what came")(what_came)
    server.of("/refuses").use(refuse)
    return server


def as_list(value: Any) -> Any:
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    raise TypeError


def as_text(value: Any) -> Any:
    if isinstance(value, Fraction | Decimal):
        return f"about {float(value):.2f}"
    raise TypeError


SERVERS: dict[str, Server] = {
    "/values": make_server(DefaultParser()),
    "/values-msgpack": make_server(MsgpackParser()),
    "/values-own": make_server(DefaultParser(default=as_list)),
    "/values-own-msgpack": make_server(MsgpackParser(default=as_list)),
    "/values-other": make_server(DefaultParser(default=as_text)),
}
