"""Events with types of every kind, and errors, with both parsers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field

from socketio_asgi import Ack, EventContext, EventError, Handshake, Server, Socket
from socketio_asgi.protocol.msgpack_parser import MsgpackParser


class Color(Enum):
    RED = "red"


@dataclass
class Order:
    item: str
    count: int = 1
    data: bytes | None = None


class Filter(TypedDict):
    text: str


class Pair(NamedTuple):
    left: int
    right: str


class Model(BaseModel):
    id: int = Field(gt=0)
    name: str = Field(alias="modelName")


class InDatabase(Model):
    password: str = "secret"


class Struct(msgspec.Struct):
    id: int
    data: bytes = b""


class Full(EventError):
    code = "full"
    details: Pair


def serve(io: Server) -> Server:  # noqa: C901
    """Register the handlers."""

    @io.on("builtins")
    async def builtins(a: int, b: float, c: bool, d: str, e: bytes) -> list[Any]:
        return [a, b, c, d, e]

    @io.on("rich")
    def rich(at: datetime, id: UUID, color: Color, mode: Literal["a", "b"]) -> tuple[str, int]:
        return f"{at.year} {id.hex[:4]} {color.name} {mode}", at.year

    @io.on("order")
    async def order(socket: Socket, order: Order, *tags: str) -> Order:
        return Order(order.item + "".join(tags), order.count, order.data)

    @io.on("filter")
    async def search(socket: Socket, by: Filter, limit: int = 5) -> Pair:
        return Pair(limit, by["text"])

    @io.on("model")
    async def model(socket: Socket, model: Model | None) -> Model | None:
        return model and InDatabase(id=model.id, modelName=model.name)

    @io.on("struct")
    async def struct(structs: list[Struct]) -> Struct:
        return structs[-1]

    @io.on("context")
    async def context(context: EventContext, io: Server, handshake: Handshake) -> list[Any]:
        return [context.event, context.wants_ack, io is context.server, handshake.auth]

    @io.on("ack")
    async def ack(ack: Ack[int, Model], id: int) -> str:
        await ack(id, InDatabase(id=id, modelName="m"))
        return "not the answer"

    @io.on("nothing")
    async def nothing(socket: Socket) -> None:
        return "something"  # type: ignore[return-value]

    @io.on("untyped model")
    async def untyped_model(socket):  # type: ignore[no-untyped-def]
        return Model(id=1, modelName="m")

    @io.on("full")
    async def full(socket: Socket) -> int | Full:
        return Full(message="no place", details=Pair(1, "x"))

    return io


SERVERS = {
    "/typed": serve(Server(error_event="error")),
    "/typed-msgpack": serve(Server(parser=MsgpackParser(), error_event="error")),
}
