"""An application for servers in processes of their own."""

from __future__ import annotations

import anyio

from tests.support.echo import Receive, Scope, Send

from .support import body, start


async def ending(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a first part at once, and the rest later: ``/soon``, or ``/never``."""
    if scope["type"] != "http":
        return
    await send(start())
    if scope["path"] != "/":
        await send(body(b"first,", more=True))
        await anyio.sleep(1 if scope["path"] == "/soon" else 3600)
    await send(body(b"last"))
