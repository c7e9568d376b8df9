"""All sockets of the cluster at one moment, for a page that has just come."""

from __future__ import annotations

import logging
from functools import partial
from itertools import islice
from typing import Any, Final

from ..runtime.awaitables import all_of
from ..runtime.log_limit import may_log_fault
from ..server.broadcast import RemoteSocket
from ..server.namespace import Namespace
from ..server.server import Server
from .describing import Connection, Described, describe_socket

logger: logging.Logger = logging.getLogger("socketio_asgi.admin")

MAX_SOCKETS = 5000
"""Sockets that a page is shown at its beginning."""

MAX_CHARACTERS = 4 * 1024 * 1024
"""Characters that they take together: more would count as a client that does not read."""

AT_ONCE: Final = 20
"""Namespaces whose sockets are looked up at a time."""


async def all_sockets(io: Server) -> list[dict[str, Any]]:
    """The sockets of all namespaces, of all servers that answer, as the UI shows them."""
    found: list[dict[str, Any]] = []
    left = MAX_CHARACTERS
    namespaces = list(io.namespaces.values())
    while namespaces and left > 0 and len(found) < MAX_SOCKETS:
        some, namespaces = namespaces[:AT_ONCE], namespaces[AT_ONCE:]
        sockets: dict[str, list[RemoteSocket[Any]]] = {}
        await all_of(partial(_fetch, each, sockets) for each in some)
        for namespace in some:
            for socket in islice(sockets[namespace.name], MAX_SOCKETS - len(found)):
                described = _describe(io, namespace, socket)
                left -= described.size
                if left <= 0:
                    break
                found.append(described.value)
    if left <= 0 or len(found) >= MAX_SOCKETS:
        logger.warning("the admin UI shows %d sockets, and there are more", len(found))
    return found


async def _fetch(namespace: Namespace, found: dict[str, list[RemoteSocket[Any]]]) -> None:
    found[namespace.name] = []
    try:
        found[namespace.name] = await namespace.fetch_sockets()
    except Exception as error:
        if may_log_fault("the sockets of the admin UI", error):
            logger.exception("the sockets of %s cannot be looked up", namespace.name)


def _describe(io: Server, namespace: Namespace, socket: RemoteSocket[Any]) -> Described:
    here = namespace.sockets.get(socket.id)
    connection = (
        Connection.of_data(socket.data) if here is None else Connection.of_session(here.conn)
    )
    return describe_socket(socket, namespace.name, connection, io.__socketio__.parser)
