"""WebSocket written by hand over any byte stream, for what a well-behaved client never sends.

:mod:`tests.support.websocket` has the client for all other tests, which is made of this one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import ByteStream, SocketAttribute

from .frames import CLOSE, TEXT, Frame, close, close_payload
from .ports import HOST
from .tcp import TIMEOUT, abort_stream

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the examples in RFC 6455, section 1.3."""
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

FLOOD: Final = 64_000_000
"""Bytes, far more than the operating system takes on behalf of a server that does not read."""

ABNORMAL: Final = (1006, "")
"""Result of :meth:`RawWebSocket.read_close` when a connection ends without a close frame."""


class RawWebSocket:
    """A connection that shows bytes and frames; holds the server to the rules for its frames.

    Args:
        stream: The connection below.
        timeout: Seconds for each step of reading.

    Attributes:
        stream: The connection below.
        head: The head of the response to the handshake, as it came.
        status: Its status.
        headers: Its headers; the names are lower case.
    """

    def __init__(self, stream: ByteStream, *, timeout: float = TIMEOUT) -> None:
        self.stream = stream
        self.head = b""
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._data = bytearray()
        self._timeout = timeout

    # -- the handshake -----------------------------------------------------------------------

    async def send(self, *data: bytes) -> None:
        """Write bytes as they are, in one segment."""
        await self.stream.send(b"".join(data))

    async def send_each(self, *pieces: bytes) -> None:
        """Write pieces, each in a segment of its own."""
        for piece in pieces:
            await self.stream.send(piece)
            await anyio.sleep(0.001)  # the event loop of the server is this one: let it read

    async def request(
        self,
        target: str = "/",
        headers: Mapping[str, str | None] | None = None,
        *,
        method: str = "GET",
        more: str = "",
    ) -> None:
        """Send a handshake; None leaves a header out, ``more`` is raw lines that are added."""
        values: dict[str, str | None] = {
            "Host": HOST,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": KEY,
            **(headers or {}),
        }
        lines = [f"{name}: {value}\r\n" for name, value in values.items() if value is not None]
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(lines) + more + "\r\n"
        await self.send(head.encode("latin-1"))

    async def read_head(self) -> int:
        """Read the head of the response; returns its status."""
        while b"\r\n\r\n" not in self._data:
            if not await self._more():
                raise EOFError(f"the connection ended within a response: {bytes(self._data)!r}")
        self.head = await self._take(self._data.index(b"\r\n\r\n") + 4)
        status, *lines = self.head[:-4].decode("latin-1").split("\r\n")
        self.status = int(status.split(" ")[1])
        pairs = [line.partition(":") for line in lines]
        self.headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        return self.status

    def header(self, name: str) -> str | None:
        """The value of a header of the response, which must not be there twice."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, values
        return values[0] if values else None

    def unread(self) -> bytes:
        """The response again, as far as it has come."""
        return self.head + self._data

    async def read_exactly(self, size: int) -> bytes:
        """Read bytes as they are."""
        return await self._take(size)

    async def read_response(self) -> bytes:
        """Read the head of a response and all that follows, up to the end; returns the body."""
        await self.read_head()
        return await self.read_rest()

    # -- frames ------------------------------------------------------------------------------

    async def _more(self) -> bool:
        try:
            with anyio.fail_after(self._timeout):
                self._data += await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
        return True

    async def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            if not await self._more():
                raise EOFError("the connection ended")
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    async def read_fragment(self) -> tuple[Frame, bool]:
        """Read a frame, which must be whole, without a mask, and in the shortest form.

        Returns:
            The frame, and whether it is the last one of its message.

        Raises:
            EOFError: The connection ended instead.
        """
        first, second = await self._take(2)
        assert not first & 0x70, f"a reserved bit: {first:#x}"
        assert not second & 0x80, "a frame of a server has no mask"
        length, least = second, 0
        if second >= 126:
            width, least = (2, 126) if second == 126 else (8, 1 << 16)
            length = int.from_bytes(await self._take(width), "big")
        assert length >= least, "the length is not in the shortest form"
        assert not first & 0x08 or length < 126, "a control frame is too long"
        return Frame(first & 0x0F, await self._take(length)), bool(first & 0x80)

    async def read(self) -> Frame:
        """Read a frame that is a whole message.

        Raises:
            EOFError: The connection ended instead.
        """
        frame, final = await self.read_fragment()
        assert final, "not a final frame"
        return frame

    async def read_text(self) -> str:
        """Read a text message."""
        opcode, payload = await self.read()
        assert opcode == TEXT, (opcode, payload[:100])
        return payload.decode()

    async def read_close(self) -> tuple[int, str]:
        """Read a close frame, or the end of the connection.

        Returns:
            The code and the reason; 1005 for an empty close frame, 1006 for none.
        """
        try:
            opcode, payload = await self.read()
        except EOFError:
            return ABNORMAL
        assert opcode == CLOSE, (opcode, payload[:100])
        return close_payload(payload)

    async def read_end(self, *, answer: bool = False) -> tuple[int, str]:
        """Read a close frame, or none, and the end of the connection, with nothing between.

        Args:
            answer: Answer the close frame, for which a server waits that was the first to close.
        """
        closed = await self.read_close()
        if answer and closed != ABNORMAL:
            await self.send(close())
        assert await self.read_rest() == b""
        return closed

    async def read_rest(self) -> bytes:
        """Read up to the end of the connection."""
        while await self._more():
            pass
        return await self._take(len(self._data))

    async def flood(self, data: bytes, limit: int = FLOOD) -> int:
        """Send ``data`` over and over, until the server does not read, or ``limit`` is reached.

        The last piece may be sent in part: nothing but the end can follow.

        Returns:
            How many bytes were sent.
        """
        # What waits in this side's buffer says nothing about the server.
        own = self.stream.extra(SocketAttribute.raw_socket)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sent = 0
        with suppress(TimeoutError):
            while sent < limit:
                with anyio.fail_after(0.5):
                    await self.stream.send(data)
                sent += len(data)
        return sent

    async def abort(self) -> None:
        """Reset the TCP connection."""
        await abort_stream(self.stream)


def new_key() -> tuple[str, str]:
    """A random key, and the answer to it (RFC 6455, section 4.2.2)."""
    key = base64.b64encode(os.urandom(16)).decode()
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return key, base64.b64encode(digest).decode()
