"""Ours, which also counts the objects of its connections."""

from __future__ import annotations

from benchmarks.heap_profile import HeapProfile
from socketio_asgi import Socket

from .ours import app

__all__ = ["app"]

taken: list[HeapProfile] = []


@app.on("mark")
async def mark(socket: Socket) -> None:
    """Count from now on."""
    taken.append(HeapProfile())


@app.on("count")
async def count(socket: Socket) -> dict[str, int]:
    """What came since then."""
    return taken[-1].count()
