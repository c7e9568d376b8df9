"""The requests to the endpoint of a server, served without ASGI where nothing stands around it."""

from __future__ import annotations

from starlette.types import Scope

from ..engine.direct import DirectRouter, Prepare
from ..extensions.direct import Accept, DirectConnection
from ..websocket.headers import Header


class EndpointRequests:
    """The requests to one endpoint; see :class:`socketio_asgi.extensions.direct.DirectRequests`.

    Args:
        engine: The engine behind it.
        prepare: Puts into the scope of a new client what stands around the server.
    """

    def __init__(self, engine: DirectRouter, prepare: Prepare) -> None:
        self._engine = engine
        self._prepare = prepare

    def serve(
        self,
        connection: DirectConnection,
        method: str,
        query_string: bytes,
        headers: list[Header],
        body: bytes,
    ) -> bool:
        """Serve an HTTP request; False leaves it to ASGI."""
        return self._engine.serve(
            connection, method, query_string, headers, body, prepare=self._prepare
        )

    def open(self, scope: Scope, accept: Accept) -> bool:
        """Serve the handshake of a WebSocket; False leaves it to ASGI."""
        return self._engine.open(scope, accept, self._prepare)
