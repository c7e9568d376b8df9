"""Ours as one of several servers, over CLUSTER_ADAPTER with CLUSTER_BROKER."""

from __future__ import annotations

import os
from typing import Any

from socketio_asgi import Server, Socket, adapters

ADAPTER, BROKER = os.environ["CLUSTER_ADAPTER"], os.environ["CLUSTER_BROKER"]


def make_adapter() -> Any:
    """The adapter, for the broker at an address."""
    if ADAPTER == "AwsSqsAdapter":
        return adapters.AwsSqsAdapter(region_name="us-east-1", endpoint_url=BROKER)
    return getattr(adapters, ADAPTER)(BROKER)


app = Server(adapter=make_adapter())


@app.on("echo")
async def echo(socket: Socket, data: Any) -> Any:
    return data


@app.on("join")
async def join(socket: Socket, *rooms: str) -> int:
    await socket.join(*rooms)
    return len(rooms)


@app.on("tell")
async def tell(socket: Socket, room: str, data: Any) -> None:
    app.to(room).emit("news", data)
