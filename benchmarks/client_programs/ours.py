"""Our client."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from socketio_asgi.client import Client

from .common import run


class Ours:
    """One client."""

    def __init__(self, url: str) -> None:
        self._io = Client(url, transports=["websocket"])
        self._left = 0
        self._done = asyncio.Event()
        self._io.on("news")(self._on_news)

    async def connect(self) -> Ours:
        await self._io.connect()
        return self

    async def ask(self, data: Any) -> Any:
        return await self._io.emit_with_ack("echo", data)

    async def storm(self, count: int, data: Any) -> None:
        self._left = count
        self._done.clear()
        await self._io.emit("storm", count, data)
        await self._done.wait()

    async def _on_news(self, data: Any) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(run(lambda url: Ours(url).connect()))
    else:
        asyncio.run(run(lambda url: Ours(url).connect()))
