"""Applications for servers in processes of their own."""

from __future__ import annotations

import anyio

from tests.support.echo import Receive, Scope, Send

from .support import respond


async def idle(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, receives one message, and nothing more."""
    if scope["type"] == "http":
        await respond(send, b"ok")
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await anyio.sleep_forever()


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, and receives a thousand messages in a second."""
    if scope["type"] == "http":
        await respond(send, b"ok")
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            if (await receive())["type"] == "websocket.disconnect":
                return
            await anyio.sleep(0.001)
