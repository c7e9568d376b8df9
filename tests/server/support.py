"""Small helpers of these tests."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from socketio_asgi import Namespace, Server, Socket
from tests.support.peer import Peer


class Connect(Protocol):
    """``await connect(io)`` opens a session, ``await join(io)`` joins a namespace as well."""

    def __call__(
        self,
        io: Any,
        transport: str = ...,
        *,
        query: Mapping[str, str] | None = ...,
        headers: Mapping[str, str] | None = ...,
    ) -> Awaitable[Peer]: ...


def socket_of(io: Server, peer: Peer) -> Socket:
    """The server's socket of a client, in the main namespace."""
    return io.sockets.sockets[peer.id]


def add_sync(namespace: Server | Namespace) -> None:
    """Register the handler that Peer.sync() needs."""

    @namespace.on("sync")
    async def sync(socket: Socket) -> None:
        pass
