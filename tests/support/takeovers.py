"""Whether engines take their WebSockets over from the ASGI server, when it offers that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from socketio_asgi.extensions.direct import DirectRequests, direct_requests_of

from .echo import Message, Receive, Scope, Send


class TakeOvers:
    """An application as it is, and a look at the WebSockets of its engines.

    An engine that took a WebSocket over sends nothing by ASGI; otherwise its first packet goes that
    way. Only Engine.IO requests have ``EIO`` in their query.

    Args:
        app: an ASGI application.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._missed: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and b"EIO=" in scope["query_string"]:
            await self._app(scope, receive, self._observed(scope, send))
        else:
            await self._app(scope, receive, send)

    def __direct_requests__(self) -> Mapping[bytes, DirectRequests]:
        """Those of the application, which are served past this object as well."""
        return direct_requests_of(self._app)

    def _observed(self, scope: Scope, send: Send) -> Send:
        async def observed(message: Message) -> None:
            if message["type"] == "websocket.send":
                self._missed.append(f"{scope['path']}?{scope['query_string'].decode()}")
            await send(message)

        return observed

    def check(self) -> None:
        """Fail when an engine sent something by ASGI."""
        assert not self._missed, f"not taken over: {sorted(set(self._missed))}"
