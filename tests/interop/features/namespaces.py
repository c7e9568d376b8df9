"""Dynamic namespaces, on a server that keeps the empty ones and on one that does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio.lowlevel

from socketio_asgi import ConnectionRefused, Namespace, Server, Socket
from socketio_asgi.server.parent_namespace import ParentNamespace
from tests.support.waiting import until


def is_tenant(name: str, auth: Mapping[str, Any]) -> bool:
    return name.startswith("/tenant-") and name == f"/tenant-{auth['tenant']}"


async def is_account(name: str, auth: Mapping[str, Any]) -> bool:
    await anyio.lowlevel.checkpoint()
    return name.startswith("/account-") and auth.get("allowed") is True


def record(level: str) -> Any:
    """A middleware that leaves its name behind."""

    async def middleware(socket: Socket) -> None:
        socket.data.setdefault("passed", []).append(level)

    return middleware


def refuse_banned(socket: Socket) -> None:
    if "banned" in socket.handshake.auth:
        raise ConnectionRefused("banned", data={"from": socket.namespace.name})


async def welcome(socket: Socket) -> None:
    await socket.emit("welcome", socket.namespace.name)


async def join(socket: Socket, room: str) -> None:
    await socket.join(room)


async def where(socket: Socket) -> list[Any]:
    return [socket.namespace.name, socket.data.get("passed")]


async def tell(socket: Socket, text: str) -> None:
    await socket.namespace.emit("told", text)


def add_common(parent: Namespace) -> None:
    """What all namespaces here have."""
    parent.on("connection")(welcome)
    parent.on("join")(join)
    parent.on("where")(where)
    parent.on("tell")(tell)


def make_server(*, cleanup: bool) -> Server:
    """A server with parents of each kind, and a main namespace that tells about them."""
    server = Server(cleanup_empty_child_namespaces=cleanup)
    made: Counter[str] = Counter()
    server.on_new_namespace(lambda namespace: made.update([namespace.name]))
    add_common(server.of("/room-fixed"))  # named: before any parent
    rooms = server.of(re.compile(r"/room-[\w-]+"))
    parents = [rooms, server.of(is_tenant), server.of(is_account), server.of(re.compile("/.*-2"))]
    for parent in parents:
        add_common(parent)
    for level in ("first", "second"):
        rooms.use(record(level))
    rooms.use(refuse_banned)
    add_questions(server, rooms, made)
    add_actions(server, rooms)
    return server


def add_questions(server: Server, rooms: ParentNamespace, made: Counter[str]) -> None:
    """What clients of the main namespace may ask."""

    @server.on("made")
    async def how_often_made(_socket: Socket, name: str) -> int:
        return made[name]

    @server.on("exists")
    async def exists(_socket: Socket, name: str) -> bool:
        return name in rooms.children

    @server.on("gone")
    async def gone(_socket: Socket, name: str) -> bool:
        await until(lambda: name not in rooms.children)
        return server._namespaces.find(name) is None

    @server.on("empty")
    async def empty(_socket: Socket, name: str) -> None:
        await until(lambda: rooms.children[name].__socketio__.empty)


def add_actions(server: Server, rooms: ParentNamespace) -> None:
    """What clients of the main namespace may do."""

    @server.on("register")
    async def register(_socket: Socket, event: str) -> None:
        @rooms.on(event)
        async def registered_later(socket: Socket) -> str:
            return socket.namespace.name

    @server.on("customize")
    async def customize(_socket: Socket, name: str) -> None:
        child = server.of(name)
        child.use(record("own"))

        @child.on("tell")
        async def own_tell(socket: Socket, text: str) -> str:
            return f"only here: {text}"

    @server.on("announce")
    async def announce(_socket: Socket, to: list[str], but: list[str], *args: Any) -> None:
        chosen = rooms.to(*to) if to else rooms.local
        await (chosen.except_(*but) if but else chosen).emit("announced", *args)

    @server.on("close")
    async def close(_socket: Socket, room: str) -> None:
        await rooms.in_(room).disconnect_sockets()


io = make_server(cleanup=False)
with_cleanup = make_server(cleanup=True)
