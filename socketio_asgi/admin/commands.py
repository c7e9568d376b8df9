"""The commands of the admin UI: send events, move sockets between rooms, disconnect them."""

from __future__ import annotations

import logging
from typing import Any

from ..exceptions import EventError
from ..server.broadcast import Broadcaster
from ..server.namespace import Namespace
from ..server.server import Server
from ..server.socket import Socket

logger: logging.Logger = logging.getLogger("socketio_asgi.admin")

COMMANDS: tuple[str, ...] = (
    "EMIT",
    "JOIN",
    "LEAVE",
    "DISCONNECT",
    "MJOIN",
    "MLEAVE",
    "MDISCONNECT",
)
"""The names by which the UI knows them: of single sockets, and of many."""


def register_commands(namespace: Namespace, io: Server) -> None:
    """Register the handlers of all commands.

    Args:
        namespace: The admin namespace.
        io: The server.
    """

    @namespace.on("emit")
    async def emit(
        socket: Socket[Any], nsp: str, room: str | None, event: str, *args: object
    ) -> None:
        chosen = _chosen(io, nsp, room)
        _log(socket, "sends an event to %s of %s", room, nsp)
        await chosen.emit(event, *args)

    @namespace.on("join")
    async def join(socket: Socket[Any], nsp: str, room: str, only: str | None = None) -> None:
        chosen = _chosen(io, nsp, only)
        _log(socket, "lets %s of %s join %r", only, nsp, room)
        await chosen.sockets_join(room)

    @namespace.on("leave")
    async def leave(socket: Socket[Any], nsp: str, room: str, only: str | None = None) -> None:
        chosen = _chosen(io, nsp, only)
        _log(socket, "lets %s of %s leave %r", only, nsp, room)
        await chosen.sockets_leave(room)

    @namespace.on("_disconnect")
    async def disconnect(
        socket: Socket[Any], nsp: str, close: bool, only: str | None = None
    ) -> None:
        chosen = _chosen(io, nsp, only)
        _log(socket, "disconnects %s of %s", only, nsp)
        await chosen.disconnect_sockets(close)


def _chosen(io: Server, name: str, only: str | None) -> Broadcaster:
    """The sockets that are meant.

    Args:
        io: The server.
        name: The name of their namespace, which is not made if it is missing.
        only: Their room, or the id of one; None for all of the namespace.

    Raises:
        EventError: There is no such namespace, or no such room.
    """
    namespace = io.__known__(name)
    if namespace is None:
        raise EventError("unknown_namespace", f"there is no namespace {name[:100]!r}")
    if only is None:
        return namespace
    if not only:  # official servers would take all sockets
        raise EventError("empty_room", "the name of a room is not empty")
    return namespace.in_(only)


def _log(socket: Socket[Any], what: str, only: str | None, nsp: str, *more: str) -> None:
    chosen = "all sockets" if only is None else repr(only[:100])
    texts = (text[:100] for text in more)
    done = what % (chosen, nsp[:100], *texts)
    logger.info("the admin at %s %s", socket.handshake.address, done)
