"""Requests that a client makes to find out where a server is, and what it sees of the session."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
    engine_url,
)

ENGINE = {"EIO": "4", "transport": "polling"}


async def get(
    url: str, headers: dict[str, str] | None = None, query: dict[str, str] | None = None
) -> httpx.Response:
    """Make one GET request, without following redirects."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, params=query, headers=headers)


async def check_both_transports(url: str, path: str) -> None:
    """Connect by polling and by WebSocket."""
    async with PollingClient(url, path=path) as client:
        await client.open()
        await client.post("40")
        (joined,) = await client.poll()
        assert str(joined).startswith("40")
        await client.post("1")
    async with connect_engine(url, path=path) as (ws, _):
        await ws.close()


async def refusal(url: str, path: str) -> WebSocketRejected:
    """Open a WebSocket that is refused."""
    try:
        async with connect_websocket(engine_url(url, path, EIO="4", transport="websocket")):
            raise AssertionError("was accepted")
    except WebSocketRejected as error:
        return error


async def connect_error(url: str, path: str, headers: dict[str, str] | None = None) -> Any:
    """Join the main namespace, which refuses, or not; the data of the answer."""
    async with PollingClient(url, path=path, headers=headers) as client:
        await client.open()
        await client.post("40")
        (answer,) = await client.poll()
        await client.post("1")
        return json.loads(str(answer)[2:])
