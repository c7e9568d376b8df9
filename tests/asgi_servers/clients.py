"""Socket.IO on top of the raw clients: just enough to join the main namespace and ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.clients import PollingClient, WebSocketClient, connect_engine


@asynccontextmanager
async def connect_socket(url: str, name: str = "") -> AsyncIterator[WebSocketClient]:
    """Join the main namespace over WebSocket."""
    async with connect_engine(url, query={"name": name}) as (ws, _):
        await ws.send("40")
        assert str(await ws.receive()).startswith('40{"sid":"')
        yield ws


@asynccontextmanager
async def poll_socket(url: str, name: str = "") -> AsyncIterator[PollingClient]:
    """Join the main namespace over polling."""
    async with PollingClient(url, query={"name": name}) as client:
        await client.open()
        await client.post("40")
        (joined,) = await client.poll()
        assert str(joined).startswith('40{"sid":"')
        yield client


async def ask(ws: WebSocketClient, event: str, *args: Any) -> Any:
    """Emit an event and return the arguments of its acknowledgement."""
    await ws.send("421" + json.dumps([event, *args], ensure_ascii=False))
    answer = str(await ws.receive())
    assert answer.startswith("431"), answer
    return json.loads(answer[3:])
