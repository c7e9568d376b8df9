"""Looking sockets up, moving and disconnecting them, at the wish of one of them."""

from __future__ import annotations

import re
from typing import Any

from socketio_asgi import AckError, Server, Socket
from socketio_asgi.server.broadcast import RemoteSocket
from tests.interop.choosing import choose

Plan = dict[str, Any]

io = Server()
parties = io.of(re.compile("/party-.+"))
"""Each case has a namespace of its own, so that everybody in it is known."""

found: dict[str, RemoteSocket] = {}
"""What was looked up, by id."""


@io.on("alive")
async def alive(_socket: Socket) -> None: ...


@parties.on("connection")
async def connected(socket: Socket) -> None:
    socket.data["name"] = socket.handshake.auth["name"]
    for room in socket.handshake.auth["rooms"]:
        await socket.join(room)


@parties.on("alive")
async def alive_in_a_party(_socket: Socket) -> None: ...


@parties.on("find")
async def find(socket: Socket, plan: Plan) -> list[dict[str, Any]]:
    sockets = await choose(socket, plan).fetch_sockets()
    found.update({one.id: one for one in sockets})
    return [describe(one) for one in sockets]


def describe(one: RemoteSocket) -> dict[str, Any]:
    handshake = one.handshake
    return {
        "id": one.id,
        "rooms": sorted(one.rooms),
        "data": one.data,
        "auth": handshake.auth,
        "query": dict(handshake.query),
        "custom": handshake.headers.get("x-custom"),
        "address": handshake.address,
        "issued": handshake.issued,
    }


@parties.on("join")
async def sockets_join(socket: Socket, plan: Plan, *rooms: str) -> None:
    await choose(socket, plan).sockets_join(*rooms)


@parties.on("leave")
async def sockets_leave(socket: Socket, plan: Plan, *rooms: str) -> None:
    await choose(socket, plan).sockets_leave(*rooms)


@parties.on("disconnect them")
async def disconnect_sockets(socket: Socket, plan: Plan, close: bool) -> None:
    await choose(socket, plan).disconnect_sockets(close)


# -- one of those that were found ----------------------------------------------------------------


@parties.on("remote emit")
async def remote_emit(_socket: Socket, id: str, *args: Any) -> None:
    await found[id].emit("told", *args)


@parties.on("remote ask")
async def remote_ask(_socket: Socket, id: str, timeout: float, *args: Any) -> Any:
    try:
        return await found[id].emit_with_ack("question", *args, timeout=timeout)
    except AckError as error:
        return {"error": type(error).__name__}


@parties.on("remote join")
async def remote_join(_socket: Socket, id: str, *rooms: str) -> None:
    await found[id].join(*rooms)


@parties.on("remote leave")
async def remote_leave(_socket: Socket, id: str, *rooms: str) -> None:
    await found[id].leave(*rooms)


@parties.on("remote disconnect")
async def remote_disconnect(_socket: Socket, id: str, close: bool) -> None:
    await found[id].disconnect(close)
