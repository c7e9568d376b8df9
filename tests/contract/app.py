"""An application whose contract has everything that contracts have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field

from socketio_asgi import (
    Ack,
    Event,
    EventError,
    EventRouter,
    Namespace,
    Server,
    Socket,
    event,
    event_stub,
)

ItemT = TypeVar("ItemT")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Item:
    """A thing on a list."""

    id: int
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    color: Color = Color.RED


@dataclass
class Tree:
    value: Item
    children: list[Tree]


@dataclass
class Page(Generic[ItemT]):
    items: list[ItemT]
    next: int | None


class Point(NamedTuple):
    x: float
    y: float


class Options(TypedDict):
    limit: int
    files: NotRequired[dict[str, bytes]]


class Address(BaseModel):
    street: str
    title: str


class User(BaseModel):
    """Somebody."""

    name: str = Field(alias="fullName", description="The whole name.")
    age: int = 3
    address: Address | None = None


class Circle(msgspec.Struct, tag="circle"):
    radius: float
    center: tuple[float, float] = (0, 0)


class Square(msgspec.Struct, tag="square"):
    side: float
    texture: bytes = b""


@dataclass
class Full:
    members: int


class RoomFull(EventError):
    """The room has no place left."""

    code = "room_full"
    details: Full


class Closed(EventError):
    code = "closed"
    message = "The room is closed."


news = Event("news", Item, description="Something new.")
position = Event("position", Point, Literal["low", "high"])
ready = Event("ready")
confirm = Event("confirm", User, ack=bool)


@event_stub("ask")
def ask(question: str, choices: list[str] | None = None) -> tuple[Color, int]:
    """Ask for a choice."""
    raise NotImplementedError


@event_stub("log")
def log(*lines: str) -> None: ...


io = Server()
io.emits(news, position, ready, confirm, ask, log)


@io.on("join", errors=[RoomFull, Closed])
async def join(socket: Socket, room: str, options: Options | None = None) -> Item:
    """Join a room.

    The answer is the first thing in it.
    """
    return Item(1)


@io.on("typing")
async def typing(socket: Socket, on: bool = True) -> None: ...


@io.on("two words")
async def two_words(socket: Socket, tree: Tree, delete: Page[int]) -> tuple[int, str]:
    return 1, ""


@io.on("register")
async def register(socket: Socket, user: User) -> User | Closed:
    return user


@io.on("draw")
async def draw(socket: Socket, shape: Circle | Square) -> list[Circle | Square]:
    return [shape]


@io.on("tags")
async def tags(socket: Socket, *tags: str) -> None: ...


@io.on("later")
async def later(socket: Socket, at: datetime, id: UUID, price: Decimal, ack: Ack[str]) -> None: ...


@io.on("untyped")
async def untyped(socket, value, other=None): ...  # type: ignore[no-untyped-def]


admin = EventRouter("/admin", errors=[Closed], emits=[news])


@admin.on("restart")
async def restart() -> bytes:
    return b""


class Rooms(Namespace):
    """Rooms of people."""

    @event("leave")
    async def leave(self, room: str) -> None:
        """Leave a room."""


io.include_router(admin)
io.register(Rooms("/rooms/people"))
by_number = io.of(re.compile(r"/room-\d+"))


@by_number.on("enter")
async def enter(socket: Socket) -> int:
    return 1


async def is_tenant(name: str, auth: Mapping[str, Any]) -> bool:
    return name.startswith("/tenant-")


io.of(is_tenant).emits(ready)
