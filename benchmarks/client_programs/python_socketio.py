"""The client of python-socketio."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import socketio

from .common import run


class PythonSocketIO:
    """One client."""

    def __init__(self) -> None:
        self._io: Any = socketio.AsyncClient()
        self._left = 0
        self._done = asyncio.Event()
        self._io.on("news", self._on_news)

    async def connect(self, url: str) -> PythonSocketIO:
        await self._io.connect(url, transports=["websocket"])
        return self

    async def ask(self, data: Any) -> Any:
        return await self._io.call("echo", data)

    async def storm(self, count: int, data: Any) -> None:
        self._left = count
        self._done.clear()
        await self._io.emit("storm", (count, data))
        await self._done.wait()

    async def _on_news(self, data: Any) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(run(lambda url: PythonSocketIO().connect(url)))
    else:
        asyncio.run(run(lambda url: PythonSocketIO().connect(url)))
