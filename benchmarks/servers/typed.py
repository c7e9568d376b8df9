"""One event of five fields, validated by each library in turn, or with dependencies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel

from socketio_asgi import Depends, Server, Socket

app = Server()


@dataclass
class Item:
    id: int
    name: str
    price: float
    tags: list[str]
    active: bool


class PydanticItem(BaseModel):
    id: int
    name: str
    price: float
    tags: list[str]
    active: bool


class MsgspecItem(msgspec.Struct):
    id: int
    name: str
    price: float
    tags: list[str]
    active: bool


async def get_settings() -> int:
    return 1


async def get_session() -> AsyncIterator[int]:
    yield 1


def get_plain_session() -> Iterator[int]:
    yield 1


@app.on("untyped")
async def untyped(socket: Socket, item: Any) -> Any:
    return 1


@app.on("dataclass")
async def of_dataclass(socket: Socket, item: Item) -> Any:
    return 1


@app.on("pydantic")
async def of_pydantic(socket: Socket, item: PydanticItem) -> Any:
    return 1


@app.on("msgspec")
async def of_msgspec(socket: Socket, item: MsgspecItem) -> Any:
    return 1


@app.on("dependency")
async def with_dependency(
    socket: Socket, item: Any, settings: Annotated[int, Depends(get_settings)]
) -> Any:
    return settings


@app.on("session")
async def with_session(
    socket: Socket, item: Any, session: Annotated[int, Depends(get_session)]
) -> Any:
    return session


@app.on("plain_session")
def with_plain_session(
    socket: Socket, item: Any, session: Annotated[int, Depends(get_plain_session)]
) -> Any:
    return session
