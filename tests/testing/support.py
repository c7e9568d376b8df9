"""Raw Engine.IO over the network within the process."""

from __future__ import annotations

from typing import Any

import anyio

from socketio_asgi.runtime import Runtime, open_runtime
from socketio_asgi.testing.asgi_network import ASGINetwork

BASE = "http://testserver/socket.io/?EIO=4&transport="
TIMEOUT = 5.0


class Owner:
    """The owner of a WebSocket, which keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.drained = 0
        self.end: tuple[Exception | None, int] | None = None
        self._changed = anyio.Event()

    def _note(self) -> None:
        event, self._changed = self._changed, anyio.Event()
        event.set()

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        self._note()

    def on_drain(self) -> None:
        self.drained += 1
        self._note()

    def on_end(self, error: Exception | None, code: int) -> None:
        assert self.end is None, "the end was told twice"
        self.end = (error, code)
        self._note()

    async def until(self, condition: Any) -> None:
        with anyio.fail_after(TIMEOUT):
            while not condition():
                await self._changed.wait()

    async def next(self) -> str | bytes:
        await self.until(lambda: self.messages)
        return self.messages.pop(0)

    async def ended(self) -> tuple[Exception | None, int]:
        await self.until(lambda: self.end is not None)
        assert self.end is not None
        return self.end


async def open_owned(network: ASGINetwork, url: str, runtime: Runtime) -> tuple[Owner, Any]:
    owner = Owner()
    return owner, await network.open_websocket(url, {}, owner, runtime)


__all__ = ["BASE", "TIMEOUT", "Owner", "open_owned", "open_runtime"]
