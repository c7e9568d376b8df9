"""One event of five fields, validated by each library in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import BaseModel

from socketio_asgi import Server, Socket

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
