"""The server process of the slow consumer test; it broadcasts when it is asked to."""

from __future__ import annotations

import os
from typing import Any

from socketio_asgi import Server, Socket

io = Server(ping_interval=300)
gone: dict[str, tuple[str, str | None]] = {}
"""By the name that a client gave in its query: why it left."""


def resident_bytes() -> int:
    """The memory that this process occupies at present."""
    with open("/proc/self/statm") as file:  # noqa: PTH123  # no file in the usual sense
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@io.on("connection")
async def connected(socket: Socket) -> None:
    await socket.join(socket.handshake.query.get("name", ""))


@io.on("disconnect")
def disconnected(socket: Socket, reason: str, description: str | None) -> None:
    gone[socket.handshake.query.get("name", "")] = (reason, description)


@io.on("broadcast")
async def broadcast(_socket: Socket, count: int, size: int) -> dict[str, Any]:
    """Broadcast ``count`` different messages; all but the slow ones are waited for."""
    before = peak = resident_bytes()
    readers = [one for name, one in _by_name().items() if name.startswith("reader")]
    for number in range(count):
        await io.emit("data", number, f"{number:09}" * (size // 9))
        for reader in readers:
            await reader.drain()
        peak = max(peak, resident_bytes())
    return {"before": before, "peak": peak, "after": resident_bytes(), "gone": gone}


def _by_name() -> dict[str, Socket]:
    return {one.handshake.query.get("name", ""): one for one in io.sockets.sockets.values()}
