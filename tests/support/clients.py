"""Raw clients for tests, on asyncio and trio: Engine.IO polling, WebSocket, HTTP over TCP.

They speak the wire format by themselves (Engine.IO protocol, revision 4), so that an error in the
package's own codec cannot hide on both sides. Tests of Socket.IO have :mod:`tests.support.peer`.

>>> async with PollingClient(served.url) as client:
...     handshake = await client.open()
...     await client.post("40")
...     assert (await client.poll())[0].startswith("40")

>>> async with connect_engine(served.url) as (ws, handshake):
...     await ws.send("40")
...     assert (await ws.receive()).startswith("40")
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlencode

import anyio
import httpx

from .rawhttp import RawConnection, RawResponse, connect_raw
from .tcp import TIMEOUT
from .websocket import (
    WebSocketClient,
    WebSocketClosed,
    WebSocketRejected,
    connect_websocket,
)

__all__ = [
    "PollingClient",
    "RawConnection",
    "RawResponse",
    "WebSocketClient",
    "WebSocketClosed",
    "WebSocketRejected",
    "connect_engine",
    "connect_raw",
    "connect_websocket",
    "decode_payload",
    "encode_payload",
    "engine_url",
    "polling",
]

PATH = "/socket.io/"
SEPARATOR = "\x1e"


def encode_payload(*packets: str | bytes) -> str:
    """Join Engine.IO packets; ``bytes`` are the data of a binary message (Base64, ``b...``)."""
    return SEPARATOR.join(
        packet if isinstance(packet, str) else "b" + base64.b64encode(packet).decode()
        for packet in packets
    )


def decode_payload(payload: str) -> list[str | bytes]:
    """Split a payload into packets; binary messages become ``bytes``."""
    return [
        base64.b64decode(packet[1:]) if packet.startswith("b") else packet
        for packet in payload.split(SEPARATOR)
    ]


def engine_url(base: str, path: str = PATH, **query: str) -> str:
    """Return ``base`` with path and query; ``http`` becomes ``ws`` for ``transport=websocket``.

    >>> engine_url("http://127.0.0.1:80", EIO="4", transport="websocket")
    'ws://127.0.0.1:80/socket.io/?EIO=4&transport=websocket'
    """
    if query.get("transport") == "websocket":
        base = "ws" + base.removeprefix("http") if base.startswith("http") else base
    return f"{base}{path}?{urlencode(query)}"


class PollingClient:
    """One Engine.IO session over HTTP long-polling.

    Args:
        url: base URL of the server, without a path.
        path: path of the Engine.IO endpoint.
        query: further query parameters; ``eio=None`` sends no ``EIO``.
        headers: sent with every request.
        timeout: seconds for every request; it must exceed the ping interval to sit through it.
    """

    def __init__(
        self,
        url: str,
        *,
        path: str = PATH,
        eio: str | None = "4",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.url = url + path
        self._path = path
        self.query = {"transport": "polling", **({"EIO": eio} if eio else {}), **(query or {})}
        self.sid: str | None = None
        # Without verify=False each client would read the certificates of the world, for nothing.
        self.http = httpx.AsyncClient(
            headers=headers, timeout=timeout, trust_env=False, verify=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    async def request(
        self,
        method: str,
        *,
        content: str | bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send any request with the session's query parameters; the response is not checked."""
        params = {**self.query, **({"sid": self.sid} if self.sid else {}), **(query or {})}
        return await self.http.request(
            method, self.url, params=params, content=content, headers=headers
        )

    async def open(self) -> dict[str, Any]:
        """Make the handshake; returns the data of the open packet."""
        packet = _only(await self.poll())
        assert packet.startswith("0"), f"not an open packet: {packet!r}"
        handshake: dict[str, Any] = json.loads(packet[1:])
        self.sid = handshake["sid"]
        return handshake

    async def poll(self) -> list[str | bytes]:
        """Make one GET; returns its packets."""
        response = await self.request("GET")
        assert response.status_code == 200, f"{response.status_code}: {response.text}"
        return decode_payload(response.text)

    async def post(self, *packets: str | bytes) -> None:
        """Send packets in one POST, which the server must answer with ``ok``."""
        content = encode_payload(*packets)
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        response = await self.request("POST", content=content, headers=headers)
        assert (response.status_code, response.text) == (200, "ok"), response.text

    def target(self) -> str:
        """Return the path and query of this session's requests."""
        return f"{self._path}?{urlencode({**self.query, 'sid': self.sid or ''})}"

    def websocket_url(self) -> str:
        """Return the URL that upgrades this session to WebSocket."""
        query = {**self.query, "transport": "websocket", "sid": self.sid or ""}
        return "ws" + self.url.removeprefix("http") + "?" + urlencode(query)


@asynccontextmanager
async def polling(client: PollingClient) -> AsyncIterator[list[Any]]:
    """A poll that waits while the block runs, which has to see its answer."""
    answer: list[Any] = []
    async with anyio.create_task_group() as tasks:

        async def poll() -> None:
            answer.extend(await client.poll())

        tasks.start_soon(poll)
        yield answer


@asynccontextmanager
async def connect_engine(
    url: str,
    *,
    path: str = PATH,
    eio: str | None = "4",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[WebSocketClient, dict[str, Any]]]:
    """Open an Engine.IO session over WebSocket only; yields the connection and the handshake.

    Frames are raw Engine.IO packets: text messages start with ``4``, binary ones are bare.
    """
    revision = {"EIO": eio} if eio else {}
    target = engine_url(url, path, **{**revision, "transport": "websocket", **(query or {})})
    async with connect_websocket(target, headers=headers) as ws:
        packet = await ws.receive()
        assert isinstance(packet, str), packet
        assert packet.startswith("0"), packet
        yield ws, json.loads(packet[1:])


def _only(packets: list[str | bytes]) -> str:
    (packet,) = packets
    assert isinstance(packet, str), packet
    return packet
