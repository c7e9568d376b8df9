"""A raw WebSocket client: messages, and every close code, refusal and abort is visible."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from urllib.parse import urlsplit

import anyio

from .frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_payload, frame
from .rawhttp import RawConnection
from .rawwebsocket import RawWebSocket, new_key
from .tcp import TIMEOUT, connect_tcp


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
    """A connection made by :func:`connect_websocket`; data is read only by the receive methods.

    Attributes:
        raw: The frames below.
        closed: How the server closed, once that was read.
    """

    def __init__(self, raw: RawWebSocket) -> None:
        self.raw = raw
        self.closed: WebSocketClosed | None = None
        self._closing = False
        self._opcode = CONTINUATION
        self._partial = b""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response to the handshake; the names are lower case."""
        return dict(self.raw.headers)

    async def _handshake(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        key, accept = new_key()
        await self.raw.request(target, {"Host": host, "Sec-WebSocket-Key": key, **headers})
        try:
            status = await self.raw.read_head()
        except EOFError:
            raise WebSocketClosed(1006) from None
        if status != 101:
            raise await self._refusal(host)
        assert self.headers["upgrade"].lower() == "websocket", self.headers
        assert "upgrade" in self.headers["connection"].lower(), self.headers
        assert self.headers["sec-websocket-accept"] == accept, self.headers
        assert "sec-websocket-extensions" not in self.headers, self.headers
        offered = headers.get("Sec-WebSocket-Protocol", "").split(", ")
        assert self.headers.get("sec-websocket-protocol", "") in ("", *offered), self.headers

    async def _refusal(self, host: str) -> WebSocketRejected:
        response = await RawConnection(self.raw.stream, host, self.raw.unread()).read_response()
        return WebSocketRejected(response.status, dict(response.headers), response.body)

    async def _send_frame(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        if self._closing:
            assert self.closed is not None, "sent after the close frame"
            raise self.closed
        await self.raw.send(frame(opcode, payload, final=final))

    async def send(self, data: str | bytes) -> None:
        """Send one text or binary message.

        Raises:
            WebSocketClosed: the server has closed, and that was read.
        """
        await self.send_fragments(data)

    async def send_fragments(self, *fragments: str | bytes) -> None:
        """Send one message in several frames (all ``str`` or all ``bytes``)."""
        opcode = TEXT if isinstance(fragments[0], str) else BINARY
        for number, fragment in enumerate(fragments, 1):
            payload = fragment.encode() if isinstance(fragment, str) else fragment
            await self._send_frame(opcode, payload, final=number == len(fragments))
            opcode = CONTINUATION

    async def ping(self, payload: bytes = b"") -> None:
        """Send a WebSocket ping frame; its pong is skipped by :meth:`receive`."""
        await self._send_frame(PING, payload)

    async def receive(self, timeout: float = TIMEOUT) -> str | bytes:
        """Return the next whole message; answers pings on the way.

        Raises:
            WebSocketClosed: the server closed the connection.
            TimeoutError: nothing came within ``timeout`` seconds.
        """
        with anyio.fail_after(timeout):
            while True:
                if self.closed is not None:
                    raise self.closed
                received, final = await self._read_fragment()
                message = await self._take(received, final=final)
                if message is not None:
                    return message

    async def _read_fragment(self) -> tuple[Frame, bool]:
        try:
            return await self.raw.read_fragment()
        except EOFError:
            self._closing = True
            self.closed = WebSocketClosed(1006)
            raise self.closed from None

    async def _take(self, received: Frame, *, final: bool) -> str | bytes | None:
        """Take a frame; returns a message that it completes."""
        opcode, payload = received
        if opcode == PING:
            await self._send_frame(PONG, payload)
        elif opcode == CLOSE:
            await self._take_close(payload)
        elif opcode != PONG:
            return self._assemble(opcode, payload, final=final)
        return None

    def _assemble(self, opcode: int, payload: bytes, *, final: bool) -> str | bytes | None:
        if opcode == CONTINUATION:
            assert self._opcode, "there is nothing to continue"
        else:
            assert opcode in {TEXT, BINARY}, opcode
            assert not self._opcode, "a message within a message"
            self._opcode = opcode
        self._partial += payload
        if not final:
            return None
        opcode, data = self._opcode, self._partial
        self._opcode, self._partial = CONTINUATION, b""
        return data.decode() if opcode == TEXT else data

    async def _take_close(self, payload: bytes) -> None:
        self.closed = WebSocketClosed(*close_payload(payload))
        if not self._closing:
            with suppress(anyio.BrokenResourceError):  # the server may be gone
                await self._send_frame(CLOSE, payload[:2])
            self._closing = True
        raise self.closed

    async def receive_close(self, timeout: float = TIMEOUT) -> WebSocketClosed:
        """Skip messages until the server closes; returns its code and reason."""
        with anyio.fail_after(timeout):
            while True:
                try:
                    await self.receive(timeout)
                except WebSocketClosed as closed:
                    return closed

    async def close(self, code: int = 1000, reason: str = "") -> WebSocketClosed:
        """Send a close frame and wait for the server's; returns what it answered."""
        await self._send_frame(CLOSE, code.to_bytes(2, "big") + reason.encode())
        self._closing = True
        return await self.receive_close()

    async def abort(self) -> None:
        """Reset the TCP connection, as when the client's machine dies."""
        await self.raw.abort()


@asynccontextmanager
async def connect_websocket(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
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
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    stream = await connect_tcp(url)
    try:
        client = WebSocketClient(RawWebSocket(stream, timeout=inf))
        with anyio.fail_after(TIMEOUT):
            await client._handshake(parts.netloc, target, headers or {})
        yield client
    finally:
        await anyio.aclose_forcefully(stream)
