"""Applications that send every message back, for Autobahn to talk to."""

from __future__ import annotations

from typing import Any

from tests.support.direct import attach_echo
from tests.support.echo import Receive, Scope, Send


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo on plain ASGI."""
    if await _accept(scope, receive, send):
        await _echo(receive, send)


async def attached(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo through the extension; the connection outlives the call."""
    if await _accept(scope, receive, send) and not attach_echo(scope):
        await _echo(receive, send)  # a message came before


async def _accept(scope: Scope, receive: Receive, send: Send) -> bool:
    """Accept a WebSocket; an HTTP request is answered, for those who ask whether we are there."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
    if scope["type"] != "websocket":
        return False
    await receive()
    await send({"type": "websocket.accept"})
    return True


async def _echo(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        answer: dict[str, Any] = {**message, "type": "websocket.send"}
        await send(answer)
