"""A raw WebSocket client on wsproto and anyio: every frame, close code and abort is visible."""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream
from wsproto import ConnectionType, WSConnection, events
from wsproto.utilities import LocalProtocolError

TIMEOUT = 10.0  # seconds for any single step


@dataclass
class WebSocketClosed(Exception):
    """The server closed; ``code`` is 1006 when it did so without a close frame."""

    code: int
    reason: str = ""

    def __str__(self) -> str:
        return f"closed with {self.code} {self.reason!r}"


@dataclass
class WebSocketRejected(Exception):
    """The server answered the handshake with an HTTP response instead of accepting it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return f"rejected with {self.status}: {self.body!r}"


class WebSocketClient:
    """A connection made by :func:`connect_websocket`; data is read only by the receive methods."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.headers: dict[str, str] = {}
        self.subprotocol: str | None = None
        self.closed: WebSocketClosed | None = None
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events: deque[events.Event] = deque()
        self._partial: list[str] | list[bytes] = []

    async def _handshake(self, request: events.Request) -> None:
        await self._send(request)
        match await self._next_event():
            case events.AcceptConnection() as accepted:
                self.headers = _to_dict(accepted.extra_headers)
                self.subprotocol = accepted.subprotocol
            case events.RejectConnection() as refusal:
                body = await self._read_rejection() if refusal.has_body else b""
                raise WebSocketRejected(refusal.status_code, _to_dict(refusal.headers), body)
            case other:
                raise AssertionError(f"not an answer to the handshake: {other!r}")

    async def _read_rejection(self) -> bytes:
        body = b""
        try:
            while isinstance(event := await self._next_event(), events.RejectData):
                body += bytes(event.data)
                if event.body_finished:
                    break
        except WebSocketClosed:  # a body that lasts until the end of the connection
            pass
        return body

    async def _next_event(self) -> events.Event:
        while not self._events:
            if self.closed is not None:
                raise self.closed
            try:
                data = await self.stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.closed = WebSocketClosed(1006)
                raise self.closed from None
            self._connection.receive_data(data)
            self._events.extend(self._connection.events())
        return self._events.popleft()

    async def _send(self, event: events.Event) -> None:
        try:
            data = self._connection.send(event)
        except LocalProtocolError:
            if self.closed is None:
                raise
            raise self.closed from None
        await self.stream.send(data)

    async def send(self, data: str | bytes) -> None:
        """Send one text or binary message."""
        if isinstance(data, str):
            await self._send(events.TextMessage(data=data))
        else:
            await self._send(events.BytesMessage(data=data))

    async def send_fragments(self, *fragments: str | bytes) -> None:
        """Send one message in several frames (all ``str`` or all ``bytes``)."""
        for index, fragment in enumerate(fragments):
            kind = events.TextMessage if isinstance(fragment, str) else events.BytesMessage
            last = index == len(fragments) - 1
            await self._send(kind(data=fragment, message_finished=last))  # type: ignore[arg-type]

    async def ping(self, payload: bytes = b"") -> None:
        """Send a WebSocket ping frame; its pong is skipped by :meth:`receive`."""
        await self._send(events.Ping(payload=payload))

    async def receive(self, timeout: float = TIMEOUT) -> str | bytes:
        """Return the next whole message; answers pings on the way.

        Raises:
            WebSocketClosed: the server closed the connection.
            TimeoutError: nothing came within ``timeout`` seconds.
        """
        with anyio.fail_after(timeout):
            while True:
                message = await self._handle(await self._next_event())
                if message is not None:
                    return message

    async def _handle(self, event: events.Event) -> str | bytes | None:
        match event:
            case events.Ping():
                await self._send(event.response())
            case events.CloseConnection():
                await self._answer_close(event)
            case events.TextMessage() | events.BytesMessage():
                self._partial.append(event.data)  # type: ignore[arg-type]
                if event.message_finished:
                    parts, self._partial = self._partial, []
                    return _join(parts)
            case _:
                pass
        return None

    async def _answer_close(self, event: events.CloseConnection) -> None:
        self.closed = WebSocketClosed(event.code, event.reason or "")
        # This side may have closed first, and the peer may be gone.
        with suppress(LocalProtocolError, anyio.BrokenResourceError):
            await self._send(event.response())
        raise self.closed

    async def receive_close(self, timeout: float = TIMEOUT) -> WebSocketClosed:
        """Skip messages until the server closes; returns its code and reason."""
        with anyio.fail_after(timeout):
            while True:
                try:
                    await self.receive(timeout)
                except WebSocketClosed as closed:
                    return closed

    async def close(self, code: int = 1000, reason: str | None = None) -> WebSocketClosed:
        """Send a close frame and wait for the server's; returns what it answered."""
        await self._send(events.CloseConnection(code=code, reason=reason))
        return await self.receive_close()

    async def abort(self) -> None:
        """Reset the TCP connection, as when the client's machine dies."""
        await abort_stream(self.stream)


@asynccontextmanager
async def connect_websocket(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[WebSocketClient]:
    """Connect to ``ws://host:port/path?query``; leaving the block drops the TCP connection.

    >>> async with connect_websocket(served.ws_url + "/chat") as ws:
    ...     await ws.send("hello")
    ...     assert await ws.receive() == "hello"

    Raises:
        WebSocketRejected: the server answered with an HTTP response.
        WebSocketClosed: the connection ended during the handshake (code 1006).
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    request = events.Request(
        host=parts.netloc,
        target=f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
        extra_headers=[(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        subprotocols=list(subprotocols),
    )
    with anyio.fail_after(TIMEOUT):
        stream = await anyio.connect_tcp(parts.hostname, parts.port or 80)
    try:
        client = WebSocketClient(stream)
        with anyio.fail_after(TIMEOUT):
            await client._handshake(request)
        yield client
    finally:
        await anyio.aclose_forcefully(stream)


async def abort_stream(stream: SocketStream) -> None:
    """Close a TCP connection with a reset (RST) instead of an orderly end (FIN)."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await anyio.aclose_forcefully(stream)


def _join(parts: list[str] | list[bytes]) -> str | bytes:
    first = parts[0]
    if isinstance(first, str):
        return "".join(part for part in parts if isinstance(part, str))
    return b"".join(bytes(part) for part in parts if not isinstance(part, str))


def _to_dict(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in headers}
