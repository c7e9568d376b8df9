"""Requests that a client makes to find out where a server is, and what it sees of the session."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.clients import WebSocketRejected, connect_websocket, engine_url
from tests.support.peer import Packet, join_peer, open_peer

ENGINE = {"EIO": "4", "transport": "polling"}


async def get(
    url: str, headers: dict[str, str] | None = None, query: dict[str, str] | None = None
) -> httpx.Response:
    """Make one GET request, without following redirects."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, params=query, headers=headers)


async def check_both_transports(url: str, path: str) -> None:
    """Join by polling, and connect by WebSocket."""
    async with join_peer(url, "polling", path=path) as peer:
        await peer.close()
    async with open_peer(url, path=path) as peer:
        await peer.close()


async def refusal(url: str, path: str) -> WebSocketRejected:
    """Open a WebSocket that is refused."""
    try:
        async with connect_websocket(engine_url(url, path, EIO="4", transport="websocket")):
            raise AssertionError("was accepted")
    except WebSocketRejected as error:
        return error


async def connect_error(url: str, path: str, headers: dict[str, str] | None = None) -> Any:
    """Join the main namespace, which refuses, or not; the data of the answer."""
    async with open_peer(url, "polling", path=path, headers=headers) as peer:
        answer = Packet.parse(await peer.connect()).data
        await peer.close()
        return answer
